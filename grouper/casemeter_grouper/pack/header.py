"""Reading ``scheme.toml``: who the scheme is, when it holds, and its options."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from casemeter_grouper.pack.faults import Fault, nearest
from casemeter_grouper.pack.tables import read_text
from casemeter_grouper.scheme import Header

FILE = "scheme.toml"
KINDS = ("drg", "dip")
"""The kinds of packs that have this header."""

_TOML_LINE = re.compile(r"at line (\d+)")
_ID = re.compile(r"[^\W_][\w.-]{0,63}\Z")


def _is_filled(value: Any) -> bool:
    return bool(value)


def _are_texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in value)


def are_counts(value: Any) -> bool:
    """Whether every value of a table is a whole number."""
    return all(type(item) is int for item in value.values())


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


_COMMON: Final = {
    "id": Key((str,), "text", '"my_scheme"', required=True, fits=_is_filled),
    "kind": Key((str,), "text", '"drg"', required=True, fits=_is_filled),
    "title": Key((str,), "text", '"My scheme 2026"', required=True, fits=_is_filled),
    "version": Key((str,), "text", '"1"'),
    "valid_from": Key((datetime.date,), "a date", "2026-01-01"),
    "valid_until": Key((datetime.date,), "a date", "2026-12-31"),
    "code_system_diagnosis": Key((str,), "text", '"ICD-10 NHSA 2.0"'),
    "code_system_procedure": Key((str,), "text", '"ICD-9-CM-3 NHSA 2.0"'),
}
_DRG: Final = {
    "dictionary_sha256": Key((str,), "text", '"…"'),
    "retry_each_procedure_when_ungroupable": Key((bool,), "true or false", "false"),
    "empty_sets": Key((list,), "a list of set names", '["AB1_proc"]', fits=_are_texts),
    "counts": Key((dict,), "a table", "{ mdc = 26 }", fits=are_counts),
}


@dataclass(frozen=True)
class SchemeFile:
    """What ``scheme.toml`` says.

    Attributes:
        pin: hash of the dictionary that the pack's prefixes were written against, or empty.
        empty_sets: sets that conditions may name though they have no rows.
        counts: number of MDCs, ADRGs and DRGs as stated, where stated.
        lines: line of each key.
    """

    header: Header
    pin: str = ""
    retry_each_procedure: bool = False
    empty_sets: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def fault(self, kind: str, key: str, details: Mapping[str, object]) -> Fault:
        """A fault at the line of a key; at the file as a whole when the key is not there."""
        return Fault(kind, FILE, self.lines.get(key, 0), key, details)


class Stated(NamedTuple):
    """What a header says.

    Attributes:
        values: by key; keys that are not there are absent.
        lines: line of each key.
    """

    header: Header
    values: Mapping[str, Any]
    lines: Mapping[str, int]


def read_header(folder: Path, faults: list[Fault]) -> SchemeFile | None:
    """Read the header of a scheme, or note why it cannot be read and return ``None``."""
    stated = read_keys(folder, "drg", _DRG, faults)
    if stated is None:
        return None
    values = stated.values
    return SchemeFile(
        stated.header,
        pin=values.get("dictionary_sha256", ""),
        retry_each_procedure=values.get("retry_each_procedure_when_ungroupable", False),
        empty_sets=frozenset(values.get("empty_sets", ())),
        counts=values.get("counts", {}),
        lines=stated.lines,
    )


def read_keys(folder: Path, kind: str, own: Mapping[str, Key], faults: list[Fault]) -> Stated | None:
    """Read ``scheme.toml``, or note why it cannot be read and return ``None``.

    Args:
        folder: the folder of the pack.
        kind: the kind that the pack must be of.
        own: the keys that packs of this kind may have beside the common ones.
        faults: where everything wrong is noted.
    """
    text = read_text(folder, FILE, faults)
    if text is None:
        return None
    try:
        values = tomllib.loads(text, parse_float=Decimal)
    # ValueError: also for a whole number of thousands of digits; ArithmeticError: for other numbers.
    except (ValueError, RecursionError, ArithmeticError) as error:
        place = _TOML_LINE.search(str(error))
        faults.append(Fault("bad_toml", FILE, int(place[1]) if place else 0, details={"reason": str(error)}))
        return None
    before = len(faults)
    keys = {**_COMMON, **own}
    lines = _lines(text, keys)
    for key, form in keys.items():
        if key not in values:
            if form.required:
                faults.append(Fault("missing_key", FILE, details={"key": key, "example": form.example}))
        elif type(values[key]) not in form.types or not form.fits(values[key]):
            details = {"key": key, "value": values[key], "expected": form.expected, "example": form.example}
            faults.append(Fault("wrong_type", FILE, lines.get(key, 0), key, details))
    for key in values:
        if key not in keys:
            details = {"key": key, "known": nearest(key, keys)}
            faults.append(Fault("unknown_key", FILE, lines.get(key, 0), key, details))
    if any(fault.severity == "error" for fault in faults[before:]):
        return None
    if values["kind"] != kind:
        known = kind if values["kind"] in KINDS else ", ".join(KINDS)
        details = {"kind": values["kind"], "known": known}
        faults.append(Fault("wrong_kind", FILE, lines.get("kind", 0), "kind", details))
        return None
    if not is_id(values["id"]):
        faults.append(Fault("bad_id", FILE, lines.get("id", 0), "id", {"value": values["id"]}))
        return None
    start, until = values.get("valid_from"), values.get("valid_until")
    if start and until and until < start:
        dates: dict[str, object] = {"start": start, "until": until}
        faults.append(Fault("dates_reversed", FILE, lines.get("valid_until", 0), "valid_until", dates))
    header = Header(
        id=values["id"],
        title=values["title"],
        version=values.get("version", ""),
        valid_from=start.isoformat() if start else "",
        valid_until=until.isoformat() if until else "",
        diagnosis_system=values.get("code_system_diagnosis", ""),
        procedure_system=values.get("code_system_procedure", ""),
    )
    return Stated(header, values, lines)


def is_id(text: object) -> bool:
    """Whether a value may be the id of a pack: letters, digits, ``_``, ``.`` and ``-``, up to 64."""
    return isinstance(text, str) and _ID.match(text) is not None


def _lines(text: str, keys: Collection[str]) -> dict[str, int]:
    """Line of each top-level key, for faults; TOML itself keeps none."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = line.partition("=")[0].strip()
        if line.startswith("["):
            key = line.strip("[] ")
        if key in keys or key.isidentifier():
            found.setdefault(key, number)
    return found
