"""Kinds of values in a recipe: which are sound, and what they should be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

_ADD_UP = 1e-9
_MOST_YEARS = 120
_MOST_TAIL = 50


def problem_of(kind: str, value: Any) -> str:
    """Return what a value should be where it is not; else an empty text.

    Args:
        kind: as a row of ``recipe_keys.csv`` names it.
        value: as TOML has it.
    """
    return "" if _IS[kind](value) else _SHOULD[kind]


def _number(value: Any, low: float, high: float) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and low <= value <= high
    )


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and _number(value, low, high)


def _list(value: Any, low: float, high: float) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(_number(one, low, high) for one in value)


def _shares(value: Any) -> bool:
    return _list(value, 0, 1) and abs(sum(value) - 1) < _ADD_UP


def _days(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_whole(one, 1, 60) for one in value)


def _bands(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    if not all(isinstance(band, list) and len(band) == 2 for band in value):
        return False
    if not all(_whole(year, 0, _MOST_YEARS) for band in value for year in band):
        return False
    years = [year for band in value for year in band]
    return (
        years == sorted(years)
        and value[0] == [0, 0]
        and all(after[0] > before[1] for before, after in pairwise(value))
    )


def _rows_of_shares(value: Any) -> bool:
    return isinstance(value, list) and all(_shares(row) for row in value) and len({*map(len, value)}) == 1


def _items(value: Any) -> bool:
    return isinstance(value, dict) and _shares(list(value.values()))


_IS: Final[Mapping[str, Any]] = {
    "text": lambda value: isinstance(value, str) and bool(value),
    "share": lambda value: _number(value, 0, 1),
    "count": lambda value: _whole(value, 1, 40),
    "factor": lambda value: _number(value, 0.01, 100),
    "factors": lambda value: _list(value, 0, 100),
    "chances": lambda value: _list(value, 0, 1),
    "numbers": lambda value: _list(value, -5, 5),
    "tails": lambda value: _list(value, 0.01, _MOST_TAIL) and value[0] == 1,
    "shares": _shares,
    "rows_of_shares": _rows_of_shares,
    "days": _days,
    "bands": _bands,
    "items": _items,
}
_SHOULD: Final[Mapping[str, str]] = {
    "text": "write some words",
    "share": "write a number from 0 to 1",
    "count": "write a whole number from 1 to 40",
    "factor": "write a number from 0.01 to 100",
    "factors": "write a list of numbers from 0 to 100",
    "chances": "write a list of numbers from 0 to 1",
    "numbers": "write a list of numbers from -5 to 5",
    "tails": f"write a list of numbers from 0.01 to {_MOST_TAIL}, the first 1",
    "shares": "write a list of numbers from 0 to 1 that add up to 1",
    "rows_of_shares": "write rows of one length, each of numbers from 0 to 1 that add up to 1",
    "days": "write a list of whole days from 1 to 60",
    "bands": f"write pairs of years that rise, up to {_MOST_YEARS}; the first is [0, 0]",
    "items": "write items of the front page (D11 = …) with shares that add up to 1",
}
