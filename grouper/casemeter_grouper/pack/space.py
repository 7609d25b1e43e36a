"""What a scheme can tell apart: classes of codes, and cells of numbers and fields, as bits of integers.

Codes with equal facts are one *class*. Numbers fall into *cells* between the constants of the scheme, and one
value stands for each; a field has a cell for each value the scheme names. One cell more is for a fact that is
missing or is a value no condition names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping
from functools import cached_property
from typing import Final, NamedTuple, TypeVar

from casemeter_grouper.compiled.graph import interval
from casemeter_grouper.condition import Compare, InSet, OneOf, Test, tests_of
from casemeter_grouper.condition.nodes import FIELDS, NUMBERS, WHOLE_NUMBERS
from casemeter_grouper.scheme import LEVELS, Scheme

LOWEST: Final[Mapping[str, int]] = {"birth_weight_g": 1, "los_days": 1}
"""The lowest value a case may hold of a number (see :class:`~casemeter_grouper.case.Case`); of others 0."""

VALUES: Final[Mapping[str, frozenset[str]]] = {
    "sex": frozenset("MF"),
    "discharge_way": frozenset("123459"),
}
"""The values a case may hold in a field (likewise); in a field that is not listed, any."""

FACTS: Final = NUMBERS + FIELDS
"""Facts beside codes, in the order in which :attr:`Space.cells` holds them."""

PLACES: Final = ("pdx", "other_dx", "main_proc", "other_proc")
"""Where a code stands in a case."""

_LOOKS_AT: Final = {
    **{place: (place,) for place in PLACES},
    "any_dx": ("pdx", "other_dx"),
    "any_proc": ("main_proc", "other_proc"),
}

Bits = int
"""A set of classes or of cells: one bit each."""

_NO_CODE: Final = ""
_Value = TypeVar("_Value", bound=Hashable)


class Classes(NamedTuple):
    """The classes of codes in one place of a case.

    Attributes:
        every: all of them; bit 0 is that of an unknown code, which has no fact.
        having: the classes that have a fact, by fact.
    """

    every: Bits
    having: Mapping[Hashable, Bits]

    @classmethod
    def of(cls, facts: Mapping[Hashable, Collection[str]], known: Collection[str]) -> Classes:
        """Sort codes into classes by the facts they have; codes that are not known have none."""
        facts_of: dict[str, list[Hashable]] = defaultdict(list)
        for fact, codes in facts.items():
            for code in codes:
                facts_of[code].append(fact)
        kinds = dict.fromkeys([(), *(tuple(facts_of[code]) for code in sorted(facts_of) if code in known)])
        having = dict.fromkeys(facts, 0)
        for at, kind in enumerate(kinds):
            for fact in kind:
                having[fact] |= 1 << at
        return cls((1 << len(kinds)) - 1, having)


class _Table(NamedTuple):
    """The fact of being in an exclusion table: as a complication of a level, or (``""``) as a principal."""

    level: str
    name: str


class Exclusion(NamedTuple):
    """What one exclusion table takes away.

    Attributes:
        principals: classes of the principal diagnoses that have the table.
        standing: classes of other diagnoses that stand beside them, by level.
    """

    principals: Bits
    standing: Mapping[str, Bits]


class Space:
    """Everything that a scheme can tell apart.

    Attributes:
        classes: classes of codes by place. The fact of being in a set is the name of the set.
        no_procedure: the class of a main procedure that is not there.
        sites: by place, pairs of body sites, as bits, and the classes of diagnoses that lie there; classes in
            no pair have none. Both places are empty where no condition counts sites.
        numbers: for each number the values that stand for its cells, but for the last one: missing. Body
            sites are counted and never missing; bit ``n`` is the count ``n``.
        fields: for each field likewise the values that conditions name.
    """

    def __init__(self, scheme: Scheme) -> None:
        tests = dict.fromkeys(test for condition in scheme.tree.conditions() for test in tests_of(condition))
        tables = scheme.tables
        counts_sites = any(isinstance(test, Compare) and test.number == "trauma_sites" for test in tests)
        sites = _by_value(tables.trauma_sites) if counts_sites else {}
        facts: dict[str, dict[Hashable, Collection[str]]] = {
            "pdx": _tables("", tables.exclusions),
            "other_dx": {},
            "main_proc": {_NO_CODE: [_NO_CODE]},
            "other_proc": {},
        }
        for level in LEVELS:
            facts["other_dx"] |= _tables(level, tables.complications[level])
        for lying, codes in sites.items():
            for place in _LOOKS_AT["any_dx"]:
                facts[place][lying] = codes
        for test in tests:
            if isinstance(test, InSet):
                for place in _LOOKS_AT[test.slot]:
                    facts[place][test.set] = tables.sets[test.set]
        diagnoses, procedures = frozenset(scheme.diagnoses), frozenset((*scheme.procedures, _NO_CODE))
        self.classes = {
            place: Classes.of(own, diagnoses if place.endswith("dx") else procedures)
            for place, own in facts.items()
        }
        self.no_procedure = self.classes["main_proc"].having[_NO_CODE]
        names = sorted(set[str]().union(*sites))
        self.sites = {
            place: [
                (sum(1 << names.index(site) for site in lying), self.classes[place].having[lying])
                for lying in sites
            ]
            for place in _LOOKS_AT["any_dx"]
        }
        self.numbers = {**_numbers(tests), "trauma_sites": range(len(names) + 1)}
        self.fields = _fields(tests)
        self._cells: dict[Compare | OneOf, Bits] = {}

    @cached_property
    def exclusions(self) -> tuple[Exclusion, ...]:
        """Every exclusion table of a principal diagnosis; the first is for those that have none."""
        principals, others = self.classes["pdx"], self.classes["other_dx"].having
        standing = dict.fromkeys(LEVELS, 0)
        for fact, classes in others.items():
            if isinstance(fact, _Table):
                standing[fact.level] |= classes
        found = [Exclusion(principals.every, standing)]
        for fact, classes in principals.having.items():
            if isinstance(fact, _Table):
                found[0] = Exclusion(found[0].principals & ~classes, standing)
                left = {
                    level: every & ~others.get(_Table(level, fact.name), 0)
                    for level, every in standing.items()
                }
                found.append(Exclusion(classes, left))
        return tuple(found)

    @cached_property
    def cells(self) -> tuple[Bits, ...]:
        """All cells of each of :data:`FACTS`."""
        counts = {**self.numbers, **self.fields}
        return tuple((1 << len(counts[fact]) + (fact != "trauma_sites")) - 1 for fact in FACTS)

    def inside(self, test: InSet) -> tuple[Bits, Bits]:
        """The classes in a set, of the first code and of the others; none for a place not looked at."""
        looked_at = _LOOKS_AT[test.slot]
        first, rest = PLACES[:2] if test.slot.endswith("dx") else PLACES[2:]
        return (
            self.classes[first].having[test.set] if first in looked_at else 0,
            self.classes[rest].having[test.set] if rest in looked_at else 0,
        )

    def cells_where(self, test: Compare | OneOf) -> Bits:
        """The cells of a number or field in which a test is true."""
        if test not in self._cells:
            match test:
                case Compare(name):
                    low, high = interval(test)
                    true = [low <= value <= high for value in self.numbers[name]]
                case OneOf(name, wanted):
                    true = [value in wanted for value in self.fields[name]]
            self._cells[test] = sum(1 << at for at, holds in enumerate(true) if holds)
        return self._cells[test]


def _by_value(table: Mapping[str, _Value]) -> dict[_Value, list[str]]:
    found: dict[_Value, list[str]] = defaultdict(list)
    for key, value in table.items():
        found[value].append(key)
    return dict(found)


def _tables(level: str, tables: Mapping[str, str]) -> dict[Hashable, Collection[str]]:
    return {_Table(level, table): codes for table, codes in _by_value(tables).items()}


def _numbers(tests: Iterable[Test]) -> dict[str, list[float]]:
    values = {number: {float(LOWEST.get(number, 0))} for number in NUMBERS}
    for test in tests:
        if isinstance(test, Compare) and math.isfinite(test.value):
            values[test.number].update(_around(test.value, test.number in WHOLE_NUMBERS))
    return {
        number: sorted(value for value in of if value >= LOWEST.get(number, 0))
        for number, of in values.items()
    }


def _fields(tests: Iterable[Test]) -> dict[str, list[str]]:
    values: dict[str, set[str]] = {field: set() for field in FIELDS}
    for test in tests:
        if isinstance(test, OneOf):
            values[test.field].update(
                VALUES.get(test.field, frozenset(test.values)).intersection(test.values)
            )
    return {field: sorted(of) for field, of in values.items()}


def _around(bound: float, whole: bool) -> tuple[float, float, float]:
    """The values nearest to a constant: below it, at it (if there is one), above it."""
    if whole:
        return float(math.ceil(bound) - 1), float(math.floor(bound)), float(math.floor(bound) + 1)
    return math.nextafter(bound, -math.inf), bound, math.nextafter(bound, math.inf)
