"""The tables that ship beside the code."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a table."""
    with (files(__package__) / f"{name}.csv").open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


@cache
def aliases() -> Mapping[str, str]:
    """Return the item's name in the settlement list by other spellings of it."""
    return {row["alias"]: row["field"] for row in rows("aliases")}


@cache
def spellings() -> Mapping[str, tuple[str, ...]]:
    """Return the other spellings of an item by its name in the settlement list."""
    found: dict[str, tuple[str, ...]] = {}
    for alias, field in aliases().items():
        found[field] = (*found.get(field, ()), alias)
    return found


@cache
def parts() -> Mapping[str, tuple[str, int]]:
    """Return, for items that are a part of an item written ``1/13/24``: that item and the place in it."""
    return {row["field"]: (row["of"], int(row["part"])) for row in rows("parts")}


@cache
def value_sets() -> Mapping[str, frozenset[str]]:
    """Return the values that an item may have; items whose values nobody published are not among them."""
    return {row["field"]: frozenset(row["values"].split("|")) for row in rows("value_sets")}
