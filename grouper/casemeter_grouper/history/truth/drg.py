"""Final groups by a DRG scheme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import numpy as np

from casemeter_grouper.compiled.codes import UNKNOWN
from casemeter_grouper.compiled.scheme import NUMBERS, CompiledScheme
from casemeter_grouper.condition import And, Compare, Condition, Const, InSet, Not, Or, Test, tests_of
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.truth.outcomes import STATES, Complications, Rows
from casemeter_grouper.history.truth.pages import numbers_of, pages_of
from casemeter_grouper.history.world import Floats, Ints, World
from casemeter_grouper.kernel import Batch

_OTHERS: Final = ("any_dx", "other_dx")
_SITES: Final = "trauma_sites"
_ON_ORDER: Final = "1"
"""Way of leaving of every made-up stay."""

_MISSING: Final = ("birth_weight_g", "icu_hours")
"""Numbers of a case that the world does not draw; every test on them fails."""

_DAYS_OF_YEAR: Final = 365
_NEWBORN_DAYS: Final = 29
"""Days of age that there are in the first year of life: stays of no completed year are of newborns."""
_DIAGNOSES: Final = 3
"""Diagnoses of a page that stands for others: the principal one, an MCC and a CC, or an unknown one."""


class SchemeOutcomes:
    """What a DRG scheme makes of the pages of a world; see :class:`Outcomes`.

    Facts that the world does not draw are missing: weight at birth, hours of intensive care. Days of age are
    spread evenly over the year of age, in the first over its first 29 days.
    """

    def __init__(self, world: World, scheme: CompiledScheme) -> None:
        """Prepare.

        Raises:
            ValueError: the scheme looks at comorbidities of the world otherwise than as complications.
        """
        self._world = world
        self._scheme = scheme
        self._grouper = Grouper(scheme)
        self._diagnoses = numbers_of(scheme.diagnoses.number, world.diagnoses)
        self._check()
        codes = ["" if leaf is None else leaf.group for leaf in scheme.leaves]
        self.groups = tuple(sorted(set(codes)))
        number = {code: at for at, code in enumerate(self.groups)}
        self._group_of_leaf = np.array([number[code] for code in codes], np.int32)
        self.pages = pages_of(world)
        self._procedures, self._procedure_at = self.pages.flat(
            numbers_of(scheme.procedures.number, world.procedures).tolist()
        )
        self._bounds = {name: self._bounds_of(name) for name in ("age_years", "age_days", "los_days")}
        count, pieces = len(self.pages.principal), len(self._bounds["los_days"]) + 1
        self.rows = Rows(
            np.arange(count + 1, dtype=np.int64) * pieces,
            np.tile([*self._bounds["los_days"], np.inf], count).astype(np.float64),
            np.full(count * pieces, np.inf),
        )
        tables = scheme.program.complications[scheme.program.diagnosis_class[self._diagnoses]]
        own = tables[world.comorbid]
        self.complications = Complications(
            np.ascontiguousarray(own[:, 0]),
            np.ascontiguousarray(own[:, 1]),
            np.ascontiguousarray(tables[:, 2]),
        )
        self._others = self._representatives()
        self._of = cache(self._stacked)

    def of(self, age_years: int, female: bool, department: int) -> tuple[Floats, Ints]:
        """See :class:`Outcomes`."""
        values = self._scheme.value_numbers
        return self._of(
            _piece(self._bounds["age_years"], age_years),
            tuple(self._shares_of_days(age_years)),
            values("sex").get("F" if female else "M", 0),
            values("department").get(self._world.departments[department], 0),
        )

    def _check(self) -> None:
        """Make sure that other diagnoses matter as complications only."""
        tree, codes = self._scheme.tree, [self._world.diagnoses[at] for at in self._world.comorbid.tolist()]
        asked = {test for condition in tree.conditions() for test in _asked(condition)[1]}
        faults = [
            f"{code} is in {test.set}"
            for code in codes
            for test in asked
            if isinstance(test, InSet) and test.slot in _OTHERS and self._scheme.is_member(code, test)
        ]
        if any(isinstance(test, Compare) and test.number == _SITES for test in asked):
            faults += [f"{code} has a body site" for code in codes if self._scheme.sites(code)]
        if faults:
            text = "; ".join(sorted(faults))
            raise ValueError(
                f"comorbidities that the scheme looks at otherwise than as complications: {text}"
            )

    def _representatives(self) -> list[Ints]:
        """Return for each of :data:`STATES` the diagnoses of every page, one page after the other.

        Where no comorbidity makes a state, the page is left without: it is never in that state.
        """
        mcc, cc, principal = self.complications
        own = self._diagnoses[self._world.comorbid]
        tables, table_of_page = np.unique(principal[self.pages.principal], return_inverse=True)
        chosen = np.full((len(STATES), len(tables), _DIAGNOSES - 1), UNKNOWN, np.int32)
        for at, table in enumerate(tables.tolist()):
            stands = (mcc >= 0) & (mcc != table), (cc >= 0) & (cc != table)
            for place, (is_mcc, is_cc) in enumerate(STATES):
                if is_mcc and is_cc:
                    chosen[place, at] = *_first(own[stands[0]]), *_first(own[stands[1]])
                elif is_mcc:
                    chosen[place, at, :1] = _first(own[stands[0] & ~stands[1]])
                elif is_cc:
                    chosen[place, at, :1] = _first(own[stands[1] & ~stands[0]])
        pages = self._diagnoses[self.pages.principal][:, None]
        return [np.hstack([pages, others[table_of_page]]).reshape(-1) for others in chosen]

    def _bounds_of(self, name: str) -> list[float]:
        """Whole numbers after which the answer to a test of the scheme may change."""
        found: set[float] = set()
        for condition in self._scheme.tree.conditions():
            for test in tests_of(condition):
                if isinstance(test, Compare) and test.number == name:
                    found |= {np.ceil(test.value) - 1, np.floor(test.value)}
        return sorted(bound for bound in found if bound >= 0)

    def _shares_of_days(self, age_years: int) -> Iterator[tuple[int, float]]:
        """Yield the pieces of the days of age that a year of age has, each with its share of the year."""
        days = np.arange(_DAYS_OF_YEAR if age_years else _NEWBORN_DAYS) + age_years * _DAYS_OF_YEAR
        pieces = np.searchsorted(self._bounds["age_days"], days)
        for piece, count in zip(*np.unique(pieces, return_counts=True), strict=True):
            yield int(piece), count / len(days)

    def _stacked(
        self, years: int, days: tuple[tuple[int, float], ...], sex: int, department: int
    ) -> tuple[Floats, Ints]:
        ages = [
            (_middle(self._bounds["age_years"], years), _middle(self._bounds["age_days"], at))
            for at, _ in days
        ]
        groups = [self._grouped(*age, sex, department) for age in ages]
        return np.array([share for _, share in days]), np.stack(groups)

    def _grouped(self, age_years: float, age_days: float, sex: int, department: int) -> Ints:
        """Return the group of every row in each of :data:`STATES`."""
        bounds = self._bounds["los_days"]
        pages = len(self.pages.principal)
        groups = np.empty((pages, len(bounds) + 1, len(STATES)), np.int32)
        numbers = np.full((pages, len(NUMBERS)), np.nan)
        numbers[:, NUMBERS.index("age_years")] = age_years
        numbers[:, NUMBERS.index("age_days")] = age_days
        way = self._scheme.value_numbers("discharge_way").get(_ON_ORDER, 0)
        values = np.tile(np.array([sex, way, department], np.int32), (pages, 1))
        for piece in range(len(bounds) + 1):
            numbers[:, NUMBERS.index("los_days")] = _middle(bounds, piece)
            for at, diagnoses in enumerate(self._others):
                starts = np.arange(pages + 1, dtype=np.int64) * _DIAGNOSES
                batch = Batch(diagnoses, starts, self._procedures, self._procedure_at, numbers, values)
                groups[:, piece, at] = self._group_of_leaf[self._grouper.run(batch)[0]]
        return groups.reshape(-1, len(STATES))


def _asked(condition: Condition) -> tuple[bool | None, frozenset[Test]]:
    """Return the truth of a condition where missing numbers settle it, and else the tests it rests on."""
    match condition:
        case Const(truth):
            return truth, frozenset()
        case Compare(number) if number in _MISSING:
            return False, frozenset()
        case Not(item):
            value, tests = _asked(item)
            return None if value is None else not value, tests
        case And(items) | Or(items):
            # A part that is false settles an "and", one that is true an "or".
            settles = isinstance(condition, Or)
            parts = [_asked(item) for item in items]
            if any(value is settles for value, _ in parts):
                return settles, frozenset()
            tests = frozenset[Test]().union(*(tests for _, tests in parts))
            return None if tests else not settles, tests
        case _:
            return None, frozenset((condition,))


def _first(numbers: Ints) -> tuple[int]:
    return (int(numbers[0]) if len(numbers) else UNKNOWN,)


def _piece(bounds: Sequence[float], value: float) -> int:
    return int(np.searchsorted(bounds, value))


def _middle(bounds: Sequence[float], piece: int) -> float:
    """Return a number of a piece."""
    return bounds[piece] if piece < len(bounds) else bounds[-1] + 1 if bounds else 1.0
