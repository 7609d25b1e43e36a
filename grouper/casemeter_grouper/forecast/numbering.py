"""The codes of a fit, numbered as its bundle numbers them, and days of stays in these numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.kernel import NO_COST
from casemeter_grouper.forecast.keys import Parts
from casemeter_grouper.forecast.model import Codes
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.history.reading.grouping import PackGrouping

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Numbering:
    """From the numbers of a pack to those of a bundle.

    Attributes:
        codes: the lists of the bundle.
        day_from: first day of each bucket.
    """

    codes: Codes
    day_from: Sequence[int]
    _principal: Ints
    _subcategory: Ints
    _category: Ints

    @classmethod
    def of(
        cls,
        rows: StayDays,
        grouping: PackGrouping,
        chapters: Sequence[str],
        departments: Sequence[str],
        day_from: Sequence[int],
    ) -> Numbering:
        """Number the codes of the days that are learned from.

        Args:
            rows: the days.
            grouping: the pack.
            chapters: MDC of each of its groups; empty texts in a catalogue.
            departments: numbered from 1 in the days.
            day_from: first day of each bucket.
        """
        written = ["", *grouping.diagnoses.number]
        principals = sorted(written[number] for number in np.unique(rows.principal).tolist() if number)
        subcategories, categories = (sorted({code[:size] for code in principals}) for size in (5, 3))
        number = {code: at for at, code in enumerate(principals, 1)}
        named = sorted({chapter for chapter in chapters if chapter})
        codes = Codes(
            principals,
            subcategories,
            categories,
            grouping.groups,
            grouping.adrgs,
            named,
            departments,
            [int(adrg) + 1 for adrg in grouping.adrg_of],
            [named.index(chapter) + 1 if chapter else 0 for chapter in chapters],
        )
        prefixes = [{code: at for at, code in enumerate(part, 1)} for part in (subcategories, categories)]
        columns = [[number.get(code, 0) for code in written]]
        columns += [
            [known.get(code[:size], 0) for code in written]
            for known, size in zip(prefixes, (5, 3), strict=True)
        ]
        return cls(codes, day_from, *(np.array(column, np.int32) for column in columns))

    def parts(self, rows: StayDays) -> Parts:
        """Return the parts of days."""
        family = np.array([0, *self.codes.group_family], np.int32)
        departments = np.where(rows.department <= len(self.codes.departments), rows.department, 0)
        return Parts(
            self._principal[rows.principal],
            self._subcategory[rows.principal],
            self._category[rows.principal],
            rows.planned + 1,
            family[rows.planned + 1],
            departments.astype(np.int32),
            (rows.planned != rows.group).astype(np.int32),
            self.buckets(rows.day),
        )

    def buckets(self, days: Ints) -> Ints:
        """Return the bucket of days."""
        return (np.searchsorted(self.day_from, days, side="right") - 1).astype(np.int32)

    def known(self, rows: StayDays) -> NDArray[np.int64]:
        """Return days as the kernel takes them."""
        parts = self.parts(rows)
        cost = np.where(rows.cost > 0, rows.cost, NO_COST)
        return np.stack([*parts, rows.day, cost], axis=1).astype(np.int64)
