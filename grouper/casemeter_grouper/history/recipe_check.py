"""Checking a recipe: its keys, their values, and what must fit together. Every fault at once."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from casemeter_grouper.benchmark.categories import FRONT_PAGE, categories
from casemeter_grouper.history.recipe_kinds import problem_of
from casemeter_grouper.pack.faults import nearest


class _Rule(NamedTuple):
    kind: str
    as_long_as: str


@cache
def _rules() -> Mapping[str, _Rule]:
    text = resources.files(__package__).joinpath("recipe_keys.csv").read_text("utf-8")
    return {row["key"]: _Rule(row["kind"], row["as_long_as"]) for row in csv.DictReader(text.splitlines())}


def _rule_of(key: str) -> _Rule | None:
    return _rules().get(key) or _rules().get(f"{key.rpartition('.')[0]}.*")


def flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values of a recipe by keys with dots; what a key stands for may itself be a table."""
    values: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{above}{name}"
        if isinstance(value, dict) and _rule_of(key) is None:
            values |= flat(value, f"{key}.")
        else:
            values[key] = value
    return values


def faults_of(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield every fault of a recipe, in words.

    Args:
        values: by keys with dots, as :func:`flat` returns them.
    """
    rules = _rules()
    for key in rules:
        if key.endswith("*"):
            if not any(name.startswith(key[:-1]) for name in values):
                yield f"'{key[:-2]}' is missing; it names one list for each profile"
        elif key not in values:
            yield f"'{key}' is missing"
    sound: set[str] = set()
    lengths: dict[str, str] = {}
    for key, value in values.items():
        rule = _rule_of(key)
        if rule is None:
            yield f"'{key}' is no key of a recipe; near it is {nearest(key, list(rules))}"
        elif problem := problem_of(rule.kind, value):
            yield f"'{key}' is {value!r}: {problem}"
        else:
            sound.add(key)
        if rule is not None and key in sound:
            lengths[key] = rule.as_long_as
    for key, as_long_as in lengths.items():
        wanted = _length(as_long_as, values, sound)
        if wanted is not None and len(values[key]) != wanted:
            yield _wrong_length(key, len(values[key]), wanted, as_long_as)
    if {"pace.first_share", "pace.operation_share"} <= sound:
        both = values["pace.first_share"] + values["pace.operation_share"]
        if both > 1:
            yield f"'pace.first_share' and 'pace.operation_share' add up to {both:g}; at most 1"
    for part in ("plain", "operated"):
        yield from _faults_of_items(f"charges.items.{part}.", values, sound)


def _faults_of_items(under: str, values: Mapping[str, Any], sound: set[str]) -> Iterator[str]:
    front_page, items = categories(FRONT_PAGE), _items()
    named = {key.removeprefix(under) for key in values if key.startswith(under)}
    for code in sorted(named ^ set(front_page), key=lambda code: (len(code), code)):
        problem = "is missing" if code in front_page else "is no category of the front page"
        yield f"'{under}{code}' {problem}"
    for code in sorted(named & set(front_page)):
        if f"{under}{code}" in sound:
            for item in values[f"{under}{code}"]:
                if items.get(item) != code:
                    own = ", ".join(name for name, category in items.items() if category == code)
                    yield f"'{item}' of {under}{code} is no item of that category; its items are {own}"


@cache
def _items() -> Mapping[str, str]:
    """Return the category of each item of charges on the front page, in the order of the page."""
    text = resources.files(__package__).joinpath("front_page_items.csv").read_text("utf-8")
    return {row["item"]: row["category"] for row in csv.DictReader(text.splitlines())}


def _wrong_length(key: str, found: int, wanted: int, as_long_as: str) -> str:
    like = "" if as_long_as.isdigit() else f", as {as_long_as} has"
    if as_long_as.endswith(".0"):
        like = f", as each of {as_long_as.removesuffix('.0')} has"
    return f"'{key}' has {found} value{'s' * (found != 1)}; it must have {wanted}{like}"


def _length(as_long_as: str, values: Mapping[str, Any], sound: set[str]) -> int | None:
    """Return how many values a list must have; ``None`` where that is not known, or any number is right."""
    if as_long_as.isdigit():
        return int(as_long_as)
    if as_long_as.endswith(".0"):
        rows = as_long_as.removesuffix(".0")
        return len(values[rows][0]) if rows in sound else None
    return len(values[as_long_as]) if as_long_as in sound else None
