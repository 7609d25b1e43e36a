"""Columns that hold conditions, and what these speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from casemeter_grouper.condition import (
    RULE,
    Condition,
    InSet,
    Measure,
    OneOf,
    parse,
    space_of,
    tests_of,
    text_of,
)
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Column
from casemeter_rules.conditions import CodeSet as Members
from casemeter_rules.conditions import watches_of


@dataclass(frozen=True, slots=True)
class When:
    """A condition as a row states it. As text it is written in one way, whatever the row's blanks."""

    condition: Condition

    def __str__(self) -> str:
        return text_of(self.condition)


@lru_cache(maxsize=4096)
def parsed(text: str) -> Condition:
    """Return the condition that a text states.

    Raises:
        ConditionError: it cannot be read.
    """
    return parse(text, RULE)


def condition(name: str) -> Column:
    """A column of conditions. Its value is a :class:`When`."""
    return Column(name, lambda cell: When(parsed(cell)), required=True)


def sets_named(condition: Condition) -> Iterator[tuple[str, str]]:
    """Yield the sets that a condition names, each with the space that its codes must be of."""
    named = ((test.set, space_of(test)) for test in tests_of(condition) if isinstance(test, InSet | Measure))
    yield from dict.fromkeys(named)


def asks_phase(condition: Condition) -> bool:
    """Whether a condition asks for the phase: rows say theirs in a column of its own."""
    return any(isinstance(test, OneOf) and test.field == "phase" for test in tests_of(condition))


def triggers_of(condition: Condition, sets: Mapping[str, CodeSet]) -> frozenset[Key] | None:
    """Return the codes of which a stay must have one before a condition can be true, as few as can be.

    ``None``: it may be true of a stay with none. None of them: it is never true.
    """
    watches = watches_of(condition, lambda some: sum(len(sets[watch.set].keys) for watch in some))
    if watches is None:
        return None
    return frozenset(key for watch in watches for key in sets[watch.set].keys)


@lru_cache(maxsize=4096)
def members_of(codes: CodeSet) -> Members:
    """Return a set of a pack as conditions read it."""
    space = next((key.space for key in codes.keys), Space.ITEM)
    exact, prefixes = (
        frozenset(key.text for key in codes.keys if key.prefix is prefix) for prefix in (False, True)
    )
    return Members(space.name.lower(), exact, prefixes)


class SetsAsMembers(Mapping[str, Members]):
    """The sets of a pack as conditions read them; one is turned when it is asked for."""

    def __init__(self, sets: Mapping[str, CodeSet]) -> None:
        self._sets = sets

    def __getitem__(self, name: str) -> Members:
        return members_of(self._sets[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)
