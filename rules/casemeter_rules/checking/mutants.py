"""Rules changed a little: what some example must notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from casemeter_grouper.condition import text_of
from casemeter_rules.checks import (
    SAME_DAY,
    SAME_HOUR,
    STAY,
    VALUES,
    Among,
    Apart,
    Between,
    Check,
    DaysWithin,
    Excludes,
    Needs,
    QuantityWithin,
    Slot,
)
from casemeter_rules.conditions import mutations
from casemeter_rules.kind import Rule
from casemeter_rules.when import parsed

CONDITION: Final = "condition"
"""The kind whose rows state conditions."""

_ONCE: Final = 10_000
_INFINITY: Final = float("inf")
_WIDER: Final = {SAME_HOUR: SAME_DAY, SAME_DAY: STAY, STAY: SAME_DAY}
_WINDOWS: Final = {SAME_HOUR: "same_hour", SAME_DAY: "day", STAY: "stay"}


class Mutant(NamedTuple):
    """A rule with one limit changed.

    Attributes:
        rule: the rule, changed.
        check: the check that was changed; -1: the condition.
        said: what was changed, in words of the table.
        limit: the limit as it was, as text.
    """

    rule: Rule
    check: int
    said: str
    limit: str


def mutants_of(rule: Rule) -> Iterator[Mutant]:
    """Yield a rule with each of its limits moved by one step, and with windows and sexes changed."""
    if rule.kind == CONDITION:
        for mutation in mutations(parsed(rule.values["when"])):
            values = {**rule.values, "when": text_of(mutation.condition)}
            yield Mutant(replace(rule, values=values), -1, mutation.text, "")
        return
    for number, check in enumerate(rule.checks):
        for changed, said, limit in _changed(check):
            checks = (*rule.checks[:number], changed, *rule.checks[number + 1 :])
            yield Mutant(replace(rule, checks=checks), number, said, limit)


def _changed(check: Check) -> Iterator[tuple[Check, str, str]]:
    match check:
        case Between(fact, low, high):
            for limit, bound in (("low", low), ("high", high)):
                if abs(bound) == _INFINITY:
                    continue
                for moved in (bound - 1, bound + 1):
                    # Below 0 there is nothing; nor is there between two ends that have passed each other.
                    if moved >= 0 and not (limit == "low" and bound <= 0 and moved <= 0):
                        said = f"{fact} {bound:g} → {moved:g}"
                        ends = (moved, high) if limit == "low" else (low, moved)
                        yield Between(fact, *ends), said, f"{bound:g}"
        case Among(fact, values):
            others = frozenset(VALUES[fact]) - values
            if others and values:
                said = f"{fact} {'|'.join(sorted(values))} → {'|'.join(sorted(others))}"
                yield replace(check, values=others), said, "|".join(sorted(values))
        case Needs(Slot.ITEM, _, window) | Excludes(Slot.ITEM, _, window):
            for moved in (_WIDER[window],) if window in _WIDER else (window - 1, window + 1):
                if moved >= 0 or window in _WIDER:
                    yield replace(check, window=moved), f"{_name(window)} → {_name(moved)}", _name(window)
            if isinstance(check, Excludes):
                yield replace(check, whole=not check.whole), "whole → part", ""
        case QuantityWithin(most, period):
            step = _ONCE if most % _ONCE == 0 else 1
            for moved_most in (most - step, most + step):
                if moved_most >= 0:
                    said = f"{most / _ONCE:g} → {moved_most / _ONCE:g}"
                    yield replace(check, most=moved_most), said, f"{most / _ONCE:g}"
            for moved_days in (period - 1, period + 1) if most else ():  # of nothing, days do not matter
                if moved_days > 0 and (moved_days > 1 or period != 0):
                    yield replace(check, period_days=moved_days), f"{period} → {moved_days} d", str(period)
        case DaysWithin(most):
            for days in (most - 1, most + 1):
                if days >= 0:
                    yield replace(check, most=days), f"{most} → {days} d", str(most)
        case Apart(days):
            for near in (days - 1, days + 1):
                if near >= 0:
                    yield replace(check, days=near), f"{days} → {near} d", str(days)
        case _:
            return


def _name(window: int) -> str:
    return _WINDOWS.get(window, f"{window} min")


def column_of(rule: Rule, limit: str) -> str:
    """Return the column that holds a limit; empty: none does as it stands."""
    return next((column for column, cell in rule.values.items() if limit and cell == limit), "")
