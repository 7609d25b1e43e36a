"""Cases drawn at random to reach: they lean to the codes and numbers that a scheme's conditions turn on.

Every case is drawn towards one rule or row: codes from the sets it asks for, numbers at its limits. Then it
is disturbed: other codes, complications, unknown codes, facts left out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.graph import interval
from casemeter_grouper.compiled.scheme import NUMBERS, CompiledScheme
from casemeter_grouper.condition import And, Compare, Condition, Flag, InSet, Not, OneOf, Or, Test, tests_of
from casemeter_grouper.condition.nodes import FIELDS, WHOLE_NUMBERS
from casemeter_grouper.kernel import Batch
from casemeter_grouper.scheme import Scheme

Codes = NDArray[np.int32]
"""Numbers of codes, from 1; 0 is an unknown code."""

UNKNOWN_CODE: Final = "Q00.000x999"
NOBODY: Final = -1
"""Fills the places of a case that has fewer codes than others."""

LOWEST: Final = {"birth_weight_g": 1.0, "los_days": 1.0}
USUAL: Final = {
    "age_years": (0, 1, 16, 45, 70),
    "age_days": (0, 27, 300, 16000),
    "birth_weight_g": (900, 1800, 3200),
    "los_days": (1, 4, 9, 30),
    "icu_hours": (0, 0.5, 30, 97.5),
}
VALUES: Final = {
    "sex": ("F", "M"),
    "discharge_way": ("1", "2", "3", "4", "5", "9"),
    "department": ("ICU", "0301"),
}


class Hand(NamedTuple):
    """Cases as drawn, ``n`` of them.

    Attributes:
        diagnoses: shape ``(n, places)``, the principal first; :data:`NOBODY` where there is no code.
        procedures: likewise.
        numbers: shape ``(n, 5)``, NaN for missing.
        values: shape ``(n, 3)``: place in the deck's values, 0 for missing.
    """

    diagnoses: Codes
    procedures: Codes
    numbers: NDArray[np.float64]
    values: NDArray[np.int32]


@dataclass
class Wish:
    """What a rule or row asks for: the tests of its conditions that are not negated."""

    sets: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, list[Compare]] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, conditions: Iterable[Condition]) -> Wish:
        """Take together what conditions ask for."""
        wish = cls()
        for condition in conditions:
            for test in _asked_for(condition):
                match test:
                    case InSet(slot, name):
                        wish.sets.setdefault(slot, []).append(name)
                    case Compare(number):
                        wish.numbers.setdefault(number, []).append(test)
                    case OneOf(name, values):
                        wish.values.setdefault(name, []).extend(values)
                    case Flag(name):
                        wish.flags.add(name)
        return wish


def _asked_for(condition: Condition) -> Iterator[Test]:
    match condition:
        case Not():
            return
        case And(items) | Or(items):
            for item in items:
                yield from _asked_for(item)
        case _:
            yield from tests_of(condition)


class Pile:
    """The codes of one kind, diagnoses or procedures, and the sets of them that conditions name."""

    def __init__(self, codes: Sequence[str], sets: Mapping[str, Collection[str]]) -> None:
        self._number = {code: at for at, code in enumerate(codes, 1)}
        self._sets = {name: self.numbered(members) for name, members in sets.items()}
        filled = [codes for codes in self._sets.values() if len(codes)] or [np.zeros(1, np.int32)]
        self._all_sets = np.concatenate(filled)
        self._sizes = np.array([len(codes) for codes in filled])
        self._starts = np.cumsum(self._sizes) - self._sizes

    def numbered(self, codes: Collection[str]) -> Codes:
        """Numbers of those of some codes that are known."""
        return np.array(sorted(self._number[code] for code in codes if code in self._number), np.int32)

    def pool(self, names: Sequence[str]) -> Codes:
        """Codes in all of some sets; where there is none, codes in any."""
        pools = [self._sets[name] for name in names]
        both = pools[0]
        for other in pools[1:]:
            both = np.intersect1d(both, other)
        return both if len(both) else np.concatenate(pools)

    def known(self, n: int, rng: np.random.Generator) -> Codes:
        """Any codes, unknown ones among them."""
        return rng.integers(0, len(self._number) + 1, n, np.int32)

    def of_sets(self, n: int, rng: np.random.Generator) -> Codes:
        """Codes of sets, each set as likely as the next."""
        which = rng.integers(0, len(self._sizes), n)
        at = (rng.random(n) * self._sizes[which]).astype(np.int64)
        codes: Codes = self._all_sets[self._starts[which] + at]
        return codes


class Deck:
    """What cases of one scheme are drawn from.

    Attributes:
        values: the values of each field that cases are given; the first, empty, is a missing one.
    """

    def __init__(self, scheme: Scheme) -> None:
        tables, tree = scheme.tables, scheme.tree
        diagnosis_sets, procedure_sets = tree.sets_used
        self._dx = Pile(scheme.diagnoses, {name: tables.sets[name] for name in diagnosis_sets})
        self._proc = Pile(scheme.procedures, {name: tables.sets[name] for name in procedure_sets})
        self._levels = {level: self._dx.numbered(codes) for level, codes in tables.complications.items()}
        self._trauma = self._dx.numbered(tables.trauma_sites)
        self._wishes = [
            Wish.of((mdc.entry, rule.when, *(row.when for row in rows)))
            for mdc in tree.mdcs
            for rule in mdc.rules
            for rows in ((), *((row,) for row in rule.rows))
        ]
        tests = [test for condition in tree.conditions() for test in tests_of(condition)]
        self._numbers = {name: _near(name, tests) for name in NUMBERS}
        self.values = {name: ["", *dict.fromkeys((*VALUES[name], *_values(name, tests)))] for name in FIELDS}

    def deal(self, n: int, seed: int) -> Hand:
        """Draw ``n`` cases, in no order; the same seed draws the same ones."""
        rng = np.random.default_rng(seed)
        towards = np.bincount(rng.integers(len(self._wishes), size=n), minlength=len(self._wishes))
        hands = [
            Hand(
                self._diagnoses(wish, count, rng),
                self._procedures(wish, count, rng),
                self._facts(wish, count, rng),
                self._fields(wish, count, rng),
            )
            for wish, count in zip(self._wishes, towards.tolist(), strict=True)
            if count
        ]
        order = rng.permutation(n)
        return Hand(*(np.concatenate(part)[order] for part in zip(*hands, strict=True)))

    def _diagnoses(self, wish: Wish, n: int, rng: np.random.Generator) -> Codes:
        first, other = wish.sets.get("pdx", []), wish.sets.get("any_dx", []) + wish.sets.get("other_dx", [])
        if first:
            principal = _pick(self._dx.pool(first), n, rng)
        else:
            principal = self._dx.of_sets(n, rng)
            if other:
                principal = np.where(rng.random(n) < 0.5, _pick(self._dx.pool(other[:1]), n, rng), principal)
        chance = rng.random(n)
        principal = np.where(chance < 0.06, self._dx.of_sets(n, rng), principal)
        principal = np.where(chance > 0.98, self._dx.known(n, rng), principal)
        wants_sites = "trauma_sites" in wish.numbers
        places = [principal]
        places += [_some(0.9, _pick(self._dx.pool([name]), n, rng), rng) for name in other[:3]]
        for level, codes in self._levels.items():
            places.append(_some(0.7 if level.lower() in wish.flags else 0.3, _pick(codes, n, rng), rng))
        for _ in range(2):
            places.append(_some(0.6 if wants_sites else 0.03, _pick(self._trauma, n, rng), rng))
        places.append(_some(0.3, self._dx.of_sets(n, rng), rng))
        places.append(_some(0.3, self._dx.known(n, rng), rng))
        places.append(_some(0.02, principal, rng))
        return _table(places, 9)

    def _procedures(self, wish: Wish, n: int, rng: np.random.Generator) -> Codes:
        first, other = (
            wish.sets.get("main_proc", []),
            wish.sets.get("any_proc", []) + wish.sets.get("other_proc", []),
        )
        wanted = _pick(self._proc.pool(first), n, rng) if first else self._proc.of_sets(n, rng)
        main = wanted if first else _some(0.5, wanted, rng)
        main = np.where(rng.random(n) < 0.05, self._proc.of_sets(n, rng), main)
        places = [main]
        places += [_some(0.9, _pick(self._proc.pool([name]), n, rng), rng) for name in other[:4]]
        places.append(_some(0.25, self._proc.of_sets(n, rng), rng))
        places.append(_some(0.1, self._proc.known(n, rng), rng))
        table = _table(places, 7)
        turned = rng.random(n) < 0.15
        table[turned, :2] = table[turned, 1::-1]
        table[rng.random(n) < (0.6 if "no_procedures" in wish.flags else 0.05)] = NOBODY
        return table

    def _facts(self, wish: Wish, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        columns = []
        for name, values in self._numbers.items():
            asked = [interval(test) for test in wish.numbers.get(name, [])]
            fit = values[[all(low <= value <= high for low, high in asked) for value in values]]
            column = rng.choice(values, n)
            if asked and len(fit):
                column = np.where(rng.random(n) < 0.75, rng.choice(fit, n), column)
            columns.append(np.where(rng.random(n) < 0.08, math.nan, column))
        return np.stack(columns, axis=1)

    def _fields(self, wish: Wish, n: int, rng: np.random.Generator) -> NDArray[np.int32]:
        columns = []
        for name, values in self.values.items():
            column = rng.integers(0, len(values), n, np.int32)
            if asked := wish.values.get(name):
                wanted = np.array([values.index(value) for value in asked], np.int32)
                column = np.where(rng.random(n) < 0.75, rng.choice(wanted, n), column)
            columns.append(column)
        return np.stack(columns, axis=1)


def draw(compiled: CompiledScheme, n: int, seed: int) -> Batch:
    """Draw ``n`` cases of a compiled scheme, encoded for its kernel."""
    deck = Deck(scheme_of(compiled))
    hand = deck.deal(n, seed)
    diagnoses, diagnosis_at = _flat(hand.diagnoses)
    procedures, procedure_at = _flat(hand.procedures)
    values = np.empty_like(hand.values)
    for column, (name, known) in enumerate(deck.values.items()):
        numbers = np.array([compiled.value_numbers(name).get(value, 0) for value in known], np.int32)
        values[:, column] = numbers[hand.values[:, column]]
    return Batch(diagnoses, diagnosis_at, procedures, procedure_at, hand.numbers, values)


def draw_cases(scheme: Scheme, n: int, seed: int) -> list[Case]:
    """Draw ``n`` cases of a scheme, for the walker. They are those that :func:`draw` draws."""
    deck = Deck(scheme)
    hand = deck.deal(n, seed)
    named = (("", *scheme.diagnoses), ("", *scheme.procedures))
    cases = []
    for diagnoses, procedures, numbers, values in zip(*(part.tolist() for part in hand), strict=True):
        facts: dict[str, Any] = {
            name: deck.values[name][at] or None for name, at in zip(FIELDS, values, strict=True)
        }
        facts |= {name: None if math.isnan(n) else n for name, n in zip(NUMBERS, numbers, strict=True)}
        cases.append(Case(_named(named[0], diagnoses), _named(named[1], procedures), **facts))
    return cases


def _named(codes: Sequence[str], numbers: Sequence[int]) -> tuple[str, ...]:
    return tuple(codes[number] or UNKNOWN_CODE for number in numbers if number != NOBODY)


def _pick(codes: Codes, n: int, rng: np.random.Generator) -> Codes:
    return rng.choice(codes, n) if len(codes) else np.full(n, NOBODY, np.int32)


def _some(share: float, codes: Codes, rng: np.random.Generator) -> Codes:
    return np.where(rng.random(len(codes)) < share, codes, NOBODY).astype(np.int32)


def _table(places: Sequence[Codes], width: int) -> Codes:
    empty = [np.full(len(places[0]), NOBODY, np.int32)] * (width - len(places))
    return np.stack([*places[:width], *empty], axis=1)


def _flat(table: Codes) -> tuple[Codes, NDArray[np.int64]]:
    there = table != NOBODY
    starts = np.zeros(len(table) + 1, np.int64)
    np.cumsum(there.sum(axis=1), out=starts[1:])
    return table[there], starts


def _near(name: str, tests: Iterable[Test]) -> NDArray[np.float64]:
    """Values of a number at and beside the constants it is compared with, and usual ones."""
    step = 1.0 if name in WHOLE_NUMBERS else 0.5
    limits = {test.value for test in tests if isinstance(test, Compare) and test.number == name}
    values = {*map(float, USUAL[name]), *(limit + by for limit in limits for by in (-step, 0, step))}
    return np.array(sorted(value for value in values if value >= LOWEST.get(name, 0.0)))


def _values(name: str, tests: Iterable[Test]) -> Iterator[str]:
    for test in tests:
        if isinstance(test, OneOf) and test.field == name:
            yield from test.values
