"""Reading ``scheme.toml`` of a DIP catalogue: who it is, and its options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from casemeter_grouper.dip.options import TIES, Options
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.header import FILE, are_counts, read_keys
from casemeter_grouper.pack.header_keys import Key
from casemeter_grouper.scheme import Header

_MAX_MULTIPLE = 1000


def _is_between(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: bool(low <= value <= high)


def _is_multiple(value: Any) -> bool:
    return Decimal(value).is_finite() and 0 < value <= _MAX_MULTIPLE


def _are_ties(value: Any) -> bool:
    return all(tie in TIES for tie in value) and len(set(value)) == len(value)


def _are_names(value: Any) -> bool:
    return all(isinstance(name, str) and name for name in value) and len(set(value)) == len(value)


_YES_OR_NO: Final = "true or false"
_OPTIONS: Final = {
    "core_prefix": Key((int,), "a whole number, 3 to 10", "5", fits=_is_between(3, 10)),
    "composite_prefix": Key((int,), "a whole number, 1 to 10", "3", fits=_is_between(1, 10)),
    "main_procedure_must_match": Key((bool,), _YES_OR_NO, "false"),
    "ties": Key((list,), "a list of some of 'cost' and 'score'", '["cost", "score"]', fits=_are_ties),
    "procedure_kinds": Key((list,), "a list of names", '["SS", "ZLXCZ", "ZDXCZ"]', fits=_are_names),
    "untreated_kind": Key((str,), "a name", '"BSZL"', fits=bool),
    "fall_back_to_untreated": Key((bool,), _YES_OR_NO, "false"),
    "low_multiple": Key((Decimal, int), "a number above 0, to 1000", "0.5", fits=_is_multiple),
    "high_multiple": Key((Decimal, int), "a number above 0, to 1000", "2.0", fits=_is_multiple),
}
_KEYS: Final = {
    **_OPTIONS,
    "demonstration": Key((bool,), _YES_OR_NO, "true"),
    "counts": Key((dict,), "a table of whole numbers", "{ core = 3877 }", fits=are_counts),
}


class CatalogueFile(NamedTuple):
    """What the header of a catalogue says.

    Attributes:
        counts: number of groups of each kind as stated, where stated.
        counts_line: line of the counts.
    """

    header: Header
    options: Options
    demonstration: bool
    counts: Mapping[str, int]
    counts_line: int


def read_header(folder: Path, kind: str, faults: list[Fault]) -> CatalogueFile | None:
    """Read the header of a catalogue, or note why it cannot be read and return ``None``."""
    stated = read_keys(folder, kind, _KEYS, faults)
    if stated is None:
        return None
    given: dict[str, Any] = {}
    for field in fields(Options):
        if field.name in stated.values:
            value = stated.values[field.name]
            if isinstance(value, list):
                value = tuple(value)
            elif field.name.endswith("_multiple"):
                value = Decimal(value)
            given[field.name] = value
    options = Options(**given)
    if options.low_multiple >= options.high_multiple:
        details: dict[str, object] = {"low": options.low_multiple, "high": options.high_multiple}
        line = stated.lines.get("high_multiple", stated.lines.get("low_multiple", 0))
        faults.append(Fault("multiples_reversed", FILE, line, "high_multiple", details))
    if options.untreated_kind in options.procedure_kinds:
        line = stated.lines.get("untreated_kind", stated.lines.get("procedure_kinds", 0))
        faults.append(
            Fault("untreated_is_a_kind", FILE, line, "untreated_kind", {"kind": options.untreated_kind})
        )
    return CatalogueFile(
        stated.header,
        options,
        demonstration=stated.values.get("demonstration", False),
        counts=stated.values.get("counts", {}),
        counts_line=stated.lines.get("counts", 0),
    )
