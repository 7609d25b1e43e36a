"""Reading a recipe: the numbers that made-up stays are drawn by, checked all at once."""

from __future__ import annotations

import csv
import hashlib
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from casemeter_grouper.benchmark.categories import FRONT_PAGE, categories
from casemeter_grouper.history.world import Floats
from casemeter_grouper.pack.faults import nearest

SHIPPED: Final[Mapping[str, str]] = {"first": "recipe.toml", "second": "recipe_second.toml"}
"""Recipes that come with the product, by name."""

_ADD_UP = 1e-9
_MOST_YEARS = 120
_MOST_TAIL = 50


class RecipeError(ValueError):
    """A recipe, or a table beside it, that cannot be used; the text names every fault with its place."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Recipe:
    """A checked recipe. Keys are written with dots, as in ``"days.dispersion"``.

    Attributes:
        sha256: of the file.
    """

    def __init__(self, values: Mapping[str, Any], sha256: str) -> None:
        self._values = values
        self.sha256 = sha256

    def number(self, key: str) -> float:
        """Return one number."""
        return float(self._values[key])

    def count(self, key: str) -> int:
        """Return one whole number."""
        return int(self._values[key])

    def numbers(self, key: str) -> Floats:
        """Return a list of numbers, or a list of rows of them."""
        return np.array(self._values[key], np.float64)

    def items(self, key: str) -> Mapping[str, float]:
        """Return the items of one fee category with their shares of it."""
        return dict(self._values[key])

    def profiles(self, key: str) -> frozenset[str]:
        """Return the names that stand under a key."""
        return frozenset(name.removeprefix(f"{key}.") for name in self._values if name.startswith(f"{key}."))

    @property
    def title(self) -> str:
        """What the recipe calls itself."""
        return str(self._values["title"])


def read_recipe(name_or_file: str) -> Recipe:
    """Read a recipe.

    Args:
        name_or_file: one of :data:`SHIPPED`, or a TOML file.

    Raises:
        RecipeError: it cannot be used; every fault is named.
        OSError: the file cannot be read.
    """
    shipped = SHIPPED.get(name_or_file)
    path = resources.files(__package__).joinpath(shipped) if shipped else Path(name_or_file)
    if not path.is_file():
        known = ", ".join(SHIPPED)
        raise RecipeError([f"there is no recipe '{name_or_file}': name a file, or one of: {known}"])
    content = path.read_bytes()
    try:
        tree = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError([f"{name_or_file}: not TOML in UTF-8: {error}"]) from None
    rules = _rules()
    values = dict(_flat(tree, {key for key in rules if not key.endswith("*")}))
    faults = [f"{name_or_file}: {fault}" for fault in _faults(values, rules)]
    if faults:
        raise RecipeError(faults)
    return Recipe(values, hashlib.sha256(content).hexdigest())


class _Rule(NamedTuple):
    kind: str
    as_long_as: str


@cache
def _rules() -> Mapping[str, _Rule]:
    text = resources.files(__package__).joinpath("recipe_keys.csv").read_text("utf-8")
    return {row["key"]: _Rule(row["kind"], row["as_long_as"]) for row in csv.DictReader(text.splitlines())}


def _flat(tree: Mapping[str, Any], known: set[str], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield keys with dots; a table stays whole where a rule is for tables."""
    for name, value in tree.items():
        key = f"{above}{name}"
        whole = key in known or f"{above}*" in _rules()
        if isinstance(value, dict) and not whole:
            yield from _flat(value, known, f"{key}.")
        else:
            yield key, value


def _faults(values: Mapping[str, Any], rules: Mapping[str, _Rule]) -> Iterator[str]:
    for key in rules:
        if key.endswith("*"):
            if not any(name.startswith(key[:-1]) for name in values):
                yield f"'{key[:-2]}' is missing; it names one list for each profile"
        elif key not in values:
            yield f"'{key}' is missing"
    sound: set[str] = set()
    for key, value in values.items():
        rule = rules.get(key) or rules.get(f"{key.rpartition('.')[0]}.*")
        if rule is None:
            yield f"'{key}' is no key of a recipe; near it is {nearest(key, list(rules))}"
        elif problem := _problem(rule.kind, value):
            yield f"'{key}' is {value!r}: {problem}"
        else:
            sound.add(key)
    for key in sorted(sound):
        rule = rules.get(key) or rules[f"{key.rpartition('.')[0]}.*"]
        wanted = _length(rule.as_long_as, values, sound)
        if wanted is not None and len(values[key]) != wanted:
            yield f"'{key}' has {len(values[key])} values; it must have {wanted}, as {rule.as_long_as} has"
    if {"pace.first_share", "pace.operation_share"} <= sound:
        both = values["pace.first_share"] + values["pace.operation_share"]
        if both > 1:
            yield f"'pace.first_share' and 'pace.operation_share' add up to {both:g}; at most 1"
    front_page = categories(FRONT_PAGE)
    for part in ("plain", "operated"):
        under = f"charges.items.{part}."
        named = {key.removeprefix(under) for key in values if key.startswith(under)}
        for code in sorted(named ^ set(front_page), key=lambda code: (len(code), code)):
            problem = "is missing" if code in front_page else "is no category of the front page"
            yield f"'{under}{code}' {problem}"


def _length(as_long_as: str, values: Mapping[str, Any], sound: set[str]) -> int | None:
    """Return how many values a list must have; ``None`` where that is not known, or any number is right."""
    if as_long_as.isdigit():
        return int(as_long_as)
    if as_long_as.endswith(".0"):
        rows = as_long_as.removesuffix(".0")
        return len(values[rows][0]) if rows in sound else None
    return len(values[as_long_as]) if as_long_as in sound else None


def _problem(kind: str, value: Any) -> str:
    """Return what a value should be where it is not; else an empty text."""
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
    if not isinstance(value, dict) or not _shares(list(value.values())):
        return False
    return all(name.startswith("D") and name[1:].isdigit() for name in value)


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
