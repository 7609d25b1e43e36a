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
from casemeter_rules.codes import CodeSet, Key
from casemeter_rules.columns import Column
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
