"""Reading the header file of a pack against a table of the keys it may hold."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from casemeter_grouper.pack.faults import ERROR, Fault, nearest
from casemeter_grouper.pack.tables import read_text

_TOML_LINE = re.compile(r"at line (\d+)")
_ID = re.compile(r"[^\W_][\w.-]{0,63}\Z")


def _anything(_value: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a header.

    Attributes:
        types: the types its value may have; ``bool`` is no ``int`` here.
        expected: what it must be, in words.
        example: a value as it is written.
        fits: whether a value of the type can stand there.
    """

    types: tuple[type, ...]
    expected: str
    example: str
    required: bool = False
    fits: Callable[[Any], bool] = _anything


COMMON_KEYS: Mapping[str, Key] = {
    "id": Key((str,), "text", '"my_pack"', required=True, fits=bool),
    "kind": Key((str,), "text", '"drg"', required=True, fits=bool),
    "title": Key((str,), "text", '"My pack 2026"', required=True, fits=bool),
    "version": Key((str,), "text", '"1"'),
    "valid_from": Key((datetime.date,), "a date", "2026-01-01"),
    "valid_until": Key((datetime.date,), "a date", "2026-12-31"),
}
"""Keys of every pack."""

PACK_KEYS: Mapping[str, Key] = {
    **COMMON_KEYS,
    "scheme": Key((str,), "text", '"chs_drg_11"', required=True, fits=bool),
    "demonstration": Key((bool,), "true or false", "false"),
}
"""Keys of every pack that belongs to a scheme."""


@dataclass(frozen=True, slots=True)
class HeaderFile:
    """A header as read: its values, and the line of each key."""

    file: str
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def fault(self, kind: str, key: str, /, **details: object) -> Fault:
        """A fault at the line of a key; at the file as a whole when the key is not there."""
        return Fault(kind, self.file, self.lines.get(key, 0), key, details)

    def text(self, key: str) -> str:
        """The value of a key as text: dates as ``YYYY-MM-DD``, empty when it is not there."""
        value = self.values.get(key, "")
        return value.isoformat() if isinstance(value, datetime.date) else str(value)


def read_header_keys(
    folder: Path,
    file: str,
    kind: str,
    keys: Mapping[str, Key],
    faults: list[Fault],
    kinds: Sequence[str] = (),
) -> HeaderFile | None:
    """Read a header file, or note why it cannot be used and return ``None``.

    Numbers come as :class:`~decimal.Decimal`, so that none loses a digit.

    Args:
        folder: the folder of the pack.
        file: name of the file.
        kind: the kind that the pack must be of.
        keys: that the file may have.
        faults: where everything wrong is noted.
        kinds: every kind that has a header of this name; none: only this one.
    """
    text = read_text(folder, file, faults)
    if text is None:
        return None
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    # ValueError: also for a whole number of thousands of digits; ArithmeticError: for other numbers.
    except (ValueError, RecursionError, ArithmeticError) as error:
        place = _TOML_LINE.search(str(error))
        faults.append(Fault("bad_toml", file, int(place[1]) if place else 0, details={"reason": str(error)}))
        return None
    header = HeaderFile(file, values, _lines(text))
    before = len(faults)
    for key, form in keys.items():
        if key in values:
            _note_value(header, key, form, faults)
        elif form.required:
            faults.append(Fault("missing_key", file, details={"key": key, "example": form.example}))
    for key in values:
        if key not in keys:
            faults.append(header.fault("unknown_key", key, key=key, known=nearest(key, keys)))
    if any(fault.severity == ERROR for fault in faults[before:]):
        return None
    if values["kind"] != kind:
        known = kind if values["kind"] in kinds else ", ".join(kinds or (kind,))
        faults.append(header.fault("wrong_kind", "kind", kind=values["kind"], known=known))
        return None
    for key in ("id", "scheme"):
        if key in values and not is_id(values[key]):
            faults.append(header.fault("bad_id", key, value=values[key]))
    start, until = values.get("valid_from"), values.get("valid_until")
    if start and until and until < start:
        faults.append(header.fault("dates_reversed", "valid_until", start=start, until=until))
    return header


def is_id(text: object) -> bool:
    """Whether a value may be the id of a pack: letters, digits, ``_``, ``.`` and ``-``, up to 64."""
    return isinstance(text, str) and _ID.match(text) is not None


def _note_value(header: HeaderFile, key: str, form: Key, faults: list[Fault]) -> None:
    value = header.values[key]
    if type(value) not in form.types or not form.fits(value):
        details = {"key": key, "value": value, "expected": form.expected, "example": form.example}
        faults.append(header.fault("wrong_type", key, **details))


def _lines(text: str) -> dict[str, int]:
    """Line of each key and table, for faults; TOML itself keeps none."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = line.strip("[] ") if line.startswith("[") else line.partition("=")[0].strip()
        found.setdefault(key.strip('"'), number)
    return found
