"""Pairs of drugs, items or supplies that do not go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from casemeter_rules.checks import Excludes, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, Column, choice, codes, text
from casemeter_rules.kind import Context, Hit, Values
from casemeter_rules.orders import window_cell, window_of, window_said

PAIR: Final[tuple[Column, ...]] = (
    *(codes("codes", Space.ITEM), text("name"), codes("b_codes", Space.ITEM), text("b_name")),
    *(Column("window", window_cell, empty=""), choice("match", ("exact", "prefix"), required=False)),
)
"""Codes of the one and of the other, and how near in time they are not to be."""

PAIR_KEY: Final = ("codes", "b_codes", "window", "match")


def pair_triggers(cells: Cells, _: Context) -> tuple[Key, ...]:
    """Return the codes of the one."""
    return _keys(cells, "codes")


def pair_checks(cells: Cells, _: Context) -> Iterator[Excludes]:
    """Ask that the other is not there. A code never excludes itself, so both may be the same beginning."""
    yield Excludes(Slot.ITEM, CodeSet(frozenset(_keys(cells, "b_codes"))), window_of(cells["window"]))


def pair_said(values: Values, _: Hit) -> Values:
    """Return the name of the other, and the window."""
    other = values.get("b_name") or values["b_codes"].split("|")[0]
    return {"b_name": other, **window_said(values.get("window", ""))}


def _keys(cells: Cells, column: str) -> tuple[Key, ...]:
    prefix = cells["match"] == "prefix"
    return tuple(key._replace(prefix=prefix) for key in cells[column])
