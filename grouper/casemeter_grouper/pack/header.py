"""Reading ``scheme.toml``: who the scheme is, when it holds, and its options."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from casemeter_grouper.pack.faults import Fault, nearest
from casemeter_grouper.pack.tables import read_text
from casemeter_grouper.scheme import Header

FILE = "scheme.toml"
KINDS = ("drg",)
_TOML_LINE = re.compile(r"at line (\d+)")
_ID = re.compile(r"[^\W_][\w.-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class _Key:
    type: type
    expected: str
    example: str
    required: bool = False


_KEYS: dict[str, _Key] = {
    "id": _Key(str, "text", '"my_scheme"', required=True),
    "kind": _Key(str, "text", '"drg"', required=True),
    "title": _Key(str, "text", '"My scheme 2026"', required=True),
    "version": _Key(str, "text", '"1"'),
    "valid_from": _Key(datetime.date, "a date", "2026-01-01"),
    "valid_until": _Key(datetime.date, "a date", "2026-12-31"),
    "code_system_diagnosis": _Key(str, "text", '"ICD-10 NHSA 2.0"'),
    "code_system_procedure": _Key(str, "text", '"ICD-9-CM-3 NHSA 2.0"'),
    "dictionary_sha256": _Key(str, "text", '"…"'),
    "retry_each_procedure_when_ungroupable": _Key(bool, "true or false", "false"),
    "empty_sets": _Key(list, "a list of set names", '["AB1_proc"]'),
    "counts": _Key(dict, "a table", "{ mdc = 26 }"),
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


def read_header(folder: Path, faults: list[Fault]) -> SchemeFile | None:
    """Read the header of a pack, or note why it cannot be read and return ``None``."""
    text = read_text(folder, FILE, faults)
    if text is None:
        return None
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also for a number of thousands of digits
        place = _TOML_LINE.search(str(error))
        faults.append(Fault("bad_toml", FILE, int(place[1]) if place else 0, details={"reason": str(error)}))
        return None
    before = len(faults)
    lines = _lines(text)
    for key, form in _KEYS.items():
        if key not in values:
            if form.required:
                faults.append(Fault("missing_key", FILE, details={"key": key, "example": form.example}))
        elif type(values[key]) is not form.type or not _content_fits(key, values[key]):
            details = {"key": key, "value": values[key], "expected": form.expected, "example": form.example}
            faults.append(Fault("wrong_type", FILE, lines.get(key, 0), key, details))
    for key in values:
        if key not in _KEYS:
            details = {"key": key, "known": nearest(key, _KEYS)}
            faults.append(Fault("unknown_key", FILE, lines.get(key, 0), key, details))
    if any(fault.severity == "error" for fault in faults[before:]):
        return None
    if values["kind"] not in KINDS:
        details = {"kind": values["kind"], "known": ", ".join(KINDS)}
        faults.append(Fault("wrong_kind", FILE, lines.get("kind", 0), "kind", details))
        return None
    if not is_id(values["id"]):
        faults.append(Fault("bad_id", FILE, lines.get("id", 0), "id", {"value": values["id"]}))
        return None
    start, until = values.get("valid_from"), values.get("valid_until")
    if start and until and until < start:
        dates: dict[str, object] = {"start": start, "until": until}
        faults.append(Fault("dates_reversed", FILE, lines.get("valid_until", 0), "valid_until", dates))
    return SchemeFile(
        Header(
            id=values["id"],
            title=values["title"],
            version=values.get("version", ""),
            valid_from=start.isoformat() if start else "",
            valid_until=until.isoformat() if until else "",
            diagnosis_system=values.get("code_system_diagnosis", ""),
            procedure_system=values.get("code_system_procedure", ""),
        ),
        pin=values.get("dictionary_sha256", ""),
        retry_each_procedure=values.get("retry_each_procedure_when_ungroupable", False),
        empty_sets=frozenset(values.get("empty_sets", ())),
        counts=values.get("counts", {}),
        lines=lines,
    )


def is_id(text: object) -> bool:
    """Whether a value may be the id of a pack: letters, digits, ``_``, ``.`` and ``-``, up to 64."""
    return isinstance(text, str) and _ID.match(text) is not None


def _content_fits(key: str, value: object) -> bool:
    match value:
        case list():
            return all(isinstance(item, str) for item in value)
        case dict():
            return all(type(item) is int for item in value.values())
        case str():
            return bool(value) or key not in ("id", "kind", "title")
    return True


def _lines(text: str) -> dict[str, int]:
    """Line of each top-level key, for faults; TOML itself keeps none."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        key = line.partition("=")[0].strip()
        if line.startswith("["):
            key = line.strip("[] ")
        if key in _KEYS or key.isidentifier():
            found.setdefault(key, number)
    return found
