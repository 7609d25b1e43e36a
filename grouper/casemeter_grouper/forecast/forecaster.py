"""Asking a forecast: from what is known on a day to where the stay is heading."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.bundle import Arrays, BundleError, BundleFile, Reason, open_bundle
from casemeter_grouper.forecast.kernel import (
    ARRAYS,
    COUNTED_STATES,
    MOST_COUNTED,
    NO_COST,
    POSITIONS,
    SHOWN,
    run,
    run_one,
    scores,
)
from casemeter_grouper.forecast.known import Absent, Answer, Candidate, Interval, Known, Procedures
from casemeter_grouper.forecast.model import CATEGORY, KIND, SUBCATEGORY, Codes, Header, Steps

_NO_GROUP: Final = (0, 0, 0)
_PENDING: Final = int(Procedures.PENDING)


class Asked(NamedTuple):
    """What the kernel says of many days.

    Attributes:
        groups: numbers of the candidates, the likeliest first, ``n x most``; 0 beyond the last.
        probabilities: likewise.
        sizes: number of candidates; 0: no stay ever stood so.
        ends: ``n x 6``: ends and middle of the final cost in fen, and of the length of stay in days.
    """

    groups: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    sizes: NDArray[np.int32]
    ends: NDArray[np.float64]


class Forecaster:
    """Answers from one forecast bundle. Immutable; any number of threads may use it.

    Attributes:
        header: who the forecast is.
        sha256: content hash of its bundle.
        most_in_set: the most groups of a set that it tells.
        steps: of days and ages.
        manifest: all that the bundle says of itself.
    """

    def __init__(self, file: BundleFile) -> None:
        manifest = file.manifest
        self.file = file
        self.manifest = manifest
        self.sha256 = file.sha256
        self.header = Header(**manifest["header"])
        self.most_in_set: int = manifest["most_in_set"]
        self.codes = Codes(**manifest["codes"])
        self.steps = Steps(**manifest["steps"])
        self._bucket = _steps(self.steps.day_from)
        self._age = _steps(self.steps.age_from, 1)
        self._margin = _steps(self.steps.margin_from)
        self._subcategory = {code: at for at, code in enumerate(self.codes.subcategories, 1)}
        self._category = {code: at for at, code in enumerate(self.codes.categories, 1)}
        self._principal = {
            code: (at, self._subcategory[code[:SUBCATEGORY]], self._category[code[:CATEGORY]])
            for at, code in enumerate(self.codes.principals, 1)
        }
        self._group = {
            code: (at, family, position)
            for at, (code, family, position) in enumerate(
                zip(
                    self.codes.groups,
                    self.codes.group_family,
                    positions(self.codes.group_family),
                    strict=True,
                ),
                1,
            )
        }
        self._usual_state: Sequence[int] = manifest["usual_state"]
        self._department = {code: at for at, code in enumerate(self.codes.departments, 1)}
        self._most = _room(file.arrays)
        # Two plain arrays: a named tuple of the same types as another kernel's makes every call slow.
        self._body = file.body
        self._places = np.array([file.place(name) for name in ARRAYS], np.int64)

    @classmethod
    def open(cls, path: Path) -> Forecaster:
        """Open and verify a bundle.

        Raises:
            BundleError: the bundle cannot be used.
        """
        file = open_bundle(path, KIND)
        try:
            return cls(file)
        except (KeyError, TypeError):
            # Its content hash holds, so another version of CaseMeter wrote it, with other entries.
            text = "learned by another version of CaseMeter; learn it again"
            raise BundleError(path, Reason.OTHER_COMPILER, text) from None

    def numbers(self, known: Known) -> tuple[int, ...]:
        """Return what is known as the kernel takes it.

        Raises:
            ValueError: the day is before the first.
        """
        number, family, position = self._group.get(known.planned_group, _NO_GROUP)
        code = self._principal.get(known.principal)
        if code is None:
            prefixes = known.principal[:SUBCATEGORY], known.principal[:CATEGORY]
            code = (0, self._subcategory.get(prefixes[0], 0), self._category.get(prefixes[1], 0))
        if known.procedures is not None:
            state = int(known.procedures)
        elif known.group != known.planned_group:
            state = _PENDING
        else:
            state = self._usual_state[family]
        major, minor = known.major, known.minor
        if major is None or minor is None:
            complications = COUNTED_STATES + position
        else:
            complications = min(major, MOST_COUNTED) * (MOST_COUNTED + 1) + min(minor, MOST_COUNTED)
        day, years, cost = known.day, known.age_years, known.cost_fen
        if day < 1:
            raise ValueError(f"the day of admission is day 1; there is no day {day}")
        buckets, ages, margins = self._bucket, self._age, self._margin
        return (
            *code,
            family,
            self._department.get(known.department, 0),
            state,
            buckets[day] if day < len(buckets) else buckets[-1],
            number,
            complications,
            0 if years is None else ages[years] if years < len(ages) else ages[-1],
            margins[day] if day < len(margins) else margins[-1],
            day,
            NO_COST if cost is None else cost,
        )

    def ask(self, known: Known) -> Answer | Absent:
        """Return where a stay is heading.

        Raises:
            ValueError: the day is before the first.
        """
        return self.answer(known, self.ask_numbers(known).tolist())

    def ask_numbers(self, known: Known) -> NDArray[np.float64]:
        """Return the same as the kernel's numbers; see :func:`casemeter_grouper.forecast.kernel.run_one`.

        Raises:
            ValueError: the day is before the first.
        """
        # A tuple: to make an array of it would take as long as to answer.
        found: NDArray[np.float64] = run_one(self._body, self._places, self._most, self.numbers(known))
        return found

    def ask_all(self, known: NDArray[np.int64]) -> Asked:
        """Ask for many days at once.

        Args:
            known: ``n`` rows of :meth:`numbers`.
        """
        count = len(known)
        asked = Asked(
            np.zeros((count, self._most), np.int32),
            np.zeros((count, self._most)),
            np.zeros(count, np.int32),
            np.zeros((count, 6)),
        )
        run(self._body, self._places, known, *asked)
        order = np.argsort(-asked.probabilities, axis=1, kind="stable")
        return asked._replace(
            groups=np.take_along_axis(asked.groups, order, axis=1),
            probabilities=np.take_along_axis(asked.probabilities, order, axis=1),
        )

    def scores(
        self, known: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]:
        """Return what weights are fitted to; see :func:`casemeter_grouper.forecast.kernel.scores`."""
        most = int(np.diff(self.file.arrays["context_at"].astype(np.int64)).max(initial=1))
        families, sizes = np.zeros((len(known), most), np.int32), np.zeros(len(known), np.int32)
        found = np.zeros((len(known), most, 2))
        scores(self._body, self._places, known, families, found, sizes)
        return families, found, sizes

    def answer(self, known: Known, numbers: list[float]) -> Answer | Absent:
        """Return the answer that the kernel's numbers stand for."""
        if not numbers:
            return Absent.NEVER_SEEN
        shown, size, cases = int(numbers[0]), int(numbers[1]), int(numbers[2])
        codes = self.codes.groups
        rest = 1.0
        for probability in numbers[9 + SHOWN :]:
            # One after the other: compiled code that says the same does so, and sum need not.
            rest -= probability
        candidates = tuple(
            [
                Candidate(codes[int(group) - 1], probability)
                for group, probability in zip(
                    numbers[9 : 9 + shown], numbers[9 + SHOWN : 9 + SHOWN + shown], strict=True
                )
            ]
        )
        return Answer(
            candidates,
            max(0.0, rest),
            size if size <= self.most_in_set else 0,
            None if known.cost_fen is None else Interval(*numbers[3:6]),
            Interval(*numbers[6:9]),
            cases,
        )


def positions(group_family: Sequence[int]) -> list[int]:
    """Return the place of each group in its family, from 0; those beyond the last count as the last."""
    seen: Counter[int] = Counter()
    found = []
    for family in group_family:
        found.append(min(seen[family], POSITIONS - 1))
        seen[family] += 1
    return found


def _steps(first: Sequence[int], number: int = 0) -> tuple[int, ...]:
    """Return the step of each number from 0 to the first of the last step; the first step has a number."""
    return tuple(max(bisect_right(first, at) - 1, 0) + number for at in range(first[-1] + 1))


def _room(arrays: Arrays) -> int:
    """The most groups that the families of any context have together."""
    members = np.diff(arrays["member_at"].astype(np.int64))[arrays["candidate"]]
    ends = np.concatenate([[0], np.cumsum(members)])[arrays["context_at"]]
    return int(np.diff(ends).max(initial=1))
