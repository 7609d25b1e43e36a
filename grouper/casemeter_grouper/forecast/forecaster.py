"""Asking a forecast: from what is known on a day to where the stay is heading."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.bundle import BundleFile, open_bundle
from casemeter_grouper.forecast.kernel import ARRAYS, NO_COST, SHOWN, run, run_one
from casemeter_grouper.forecast.known import Absent, Answer, Candidate, Interval, Known
from casemeter_grouper.forecast.model import KIND, Codes, Header

_NOTHING: Final = (0, 0, 0)


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
        self._day_bucket = _steps(manifest["day_from"])
        self._last_bucket = len(manifest["day_from"]) - 1
        subcategory, category = (
            {code: at for at, code in enumerate(codes, 1)}
            for codes in (self.codes.subcategories, self.codes.categories)
        )
        self._subcategory, self._category = subcategory, category
        self._principal = {
            code: (at, subcategory[code[:5]], category[code[:3]])
            for at, code in enumerate(self.codes.principals, 1)
        }
        self._group = {code: at for at, code in enumerate(self.codes.groups, 1)}
        self._family = (0, *self.codes.group_family)
        self._department = {code: at for at, code in enumerate(self.codes.departments, 1)}
        self._most = int(np.diff(file.arrays["context_at"].astype(np.int64)).max(initial=0)) + 1
        # Two plain arrays: a named tuple of the same types as another kernel's makes every call slow.
        self._body = file.body
        self._places = np.array([file.place(name) for name in ARRAYS], np.int64)

    @classmethod
    def open(cls, path: Path) -> Forecaster:
        """Open and verify a bundle.

        Raises:
            BundleError: the bundle cannot be used.
        """
        return cls(open_bundle(path, KIND))

    def numbers(self, known: Known) -> tuple[int, ...]:
        """Return what is known as the kernel takes it.

        Raises:
            ValueError: the day is before the first.
        """
        day, principal, group, planned_group, cost, _, department = known
        if day < 1:
            raise ValueError(f"the day of admission is day 1; there is no day {day}")
        planned = self._group.get(planned_group, 0)
        code = self._principal.get(principal)
        if code is None:
            code = (0, self._subcategory.get(principal[:5], 0), self._category.get(principal[:3], 0))
        return (
            *code,
            planned,
            self._family[planned],
            self._department.get(department, 0),
            int(group != planned_group),
            self._day_bucket[day] if day < len(self._day_bucket) else self._last_bucket,
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
        return asked

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


def _steps(first: list[int]) -> tuple[int, ...]:
    """Return the step of each number from 0 to the first of the last step."""
    return tuple(max(bisect_right(first, number) - 1, 0) for number in range(first[-1] + 1))
