"""Reading ``scheme.toml``: who the scheme is, when it holds, and its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header_keys import COMMON_KEYS, Key, read_header_keys
from casemeter_grouper.scheme import Header

FILE = "scheme.toml"
KINDS = ("drg", "dip")
"""The kinds of packs that have this header."""


def _are_texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in value)


def are_counts(value: Any) -> bool:
    """Whether every value of a table is a whole number."""
    return all(type(item) is int for item in value.values())


_COMMON: Final = {
    **COMMON_KEYS,
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
    file = read_header_keys(folder, FILE, kind, {**_COMMON, **own}, faults, KINDS)
    if file is None:
        return None
    header = Header(
        id=file.text("id"),
        title=file.text("title"),
        version=file.text("version"),
        valid_from=file.text("valid_from"),
        valid_until=file.text("valid_until"),
        diagnosis_system=file.text("code_system_diagnosis"),
        procedure_system=file.text("code_system_procedure"),
    )
    return Stated(header, file.values, file.lines)
