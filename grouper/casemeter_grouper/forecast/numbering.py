"""The codes of a fit, numbered as its bundle numbers them, and days of stays in these numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.kernel import MOST_COUNTED, NO_COST
from casemeter_grouper.forecast.keys import Parts
from casemeter_grouper.forecast.model import CATEGORY, SUBCATEGORY, Codes, Steps
from casemeter_grouper.forecast.stay_days import Integers, StayDays
from casemeter_grouper.history.reading.grouping import PackGrouping

Ints = NDArray[np.int32]


def codes_of(
    rows: StayDays, grouping: PackGrouping, chapters: Sequence[str], departments: Sequence[str]
) -> Codes:
    """Return the codes of the days that are learned from.

    Args:
        rows: the days.
        grouping: the pack.
        chapters: MDC of each of its groups; empty texts in a catalogue.
        departments: numbered from 1 in the days.
    """
    written = ["", *grouping.diagnoses.number]
    principals = sorted(written[number] for number in np.unique(rows.principal).tolist() if number)
    named = sorted({chapter for chapter in chapters if chapter})
    # In a catalogue every group is a family of its own.
    families = grouping.adrgs or grouping.groups
    family = grouping.adrg_of + 1 if grouping.adrgs else np.arange(1, len(families) + 1)
    return Codes(
        principals,
        sorted({code[:SUBCATEGORY] for code in principals}),
        sorted({code[:CATEGORY] for code in principals}),
        grouping.groups,
        families,
        named,
        departments,
        family.tolist(),
        [named.index(chapter) + 1 if chapter else 0 for chapter in chapters],
    )


class Numbering:
    """From the numbers of a history, read for a pack, to those of a bundle.

    Attributes:
        codes: the lists of the bundle.
    """

    def __init__(
        self,
        codes: Codes,
        grouping: PackGrouping,
        departments: Sequence[str],
        steps: Steps,
    ) -> None:
        """Number the codes of a history.

        Args:
            codes: the lists of the bundle.
            grouping: the pack that the history was read for; its groups are those of the bundle.
            departments: numbered from 1 in the history.
            steps: of days and ages.
        """
        written = ["", *grouping.diagnoses.number]
        self.codes = codes
        self._steps = steps
        self._principal = _numbers(codes.principals, written)
        self._subcategory = _numbers(codes.subcategories, [code[:SUBCATEGORY] for code in written])
        self._category = _numbers(codes.categories, [code[:CATEGORY] for code in written])
        self._department = _numbers(codes.departments, ["", *departments])
        self._family = np.array([0, *codes.group_family], np.int32)

    def parts(self, rows: StayDays) -> Parts:
        """Return the parts of days."""
        return Parts(
            self._principal[rows.principal],
            self._subcategory[rows.principal],
            self._category[rows.principal],
            self._family[rows.planned.astype(np.int32) + 1],
            self._department[rows.department],
            rows.state.astype(np.int32),
            self.buckets(rows.day),
        )

    def final(self, rows: StayDays) -> Ints:
        """Return the family that the stay of each day ended in."""
        return self._family[rows.final_group.astype(np.int32) + 1]

    def buckets(self, days: Integers) -> Ints:
        """Return the bucket of days."""
        return (np.searchsorted(self._steps.day_from, days, side="right") - 1).astype(np.int32)

    def states(self, rows: StayDays) -> Ints:
        """Return what was known of the complications on days, as the kernel takes it."""
        counted = (np.minimum(count, MOST_COUNTED).astype(np.int32) for count in (rows.major, rows.minor))
        return next(counted) * (MOST_COUNTED + 1) + next(counted)

    def ages(self, rows: StayDays) -> Ints:
        """Return the age band of each day's stay, from 1; 0: unknown."""
        return np.searchsorted(self._steps.age_from, rows.age, side="right").astype(np.int32)

    def known(self, rows: StayDays) -> NDArray[np.int64]:
        """Return days as the kernel takes them."""
        planned = rows.planned.astype(np.int32) + 1
        cost = np.where(rows.cost > 0, rows.cost, NO_COST)
        margin = np.searchsorted(self._steps.margin_from, rows.day, side="right") - 1
        own = (planned, self.states(rows), self.ages(rows), margin, rows.day, cost)
        columns = (*self.parts(rows), *own)
        return np.stack(columns, axis=1).astype(np.int64)


def _numbers(codes: Sequence[str], written: Sequence[str]) -> Ints:
    """Return the number of each written text; 0: it is not among the codes."""
    number = {code: at for at, code in enumerate(codes, 1)}
    return np.array([number.get(text, 0) for text in written], np.int32)
