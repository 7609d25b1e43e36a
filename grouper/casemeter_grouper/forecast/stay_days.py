"""Days of settled stays: what was known at their end, and what became of the stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.signedinteger[Any]]

_DTYPES: Final = {
    **dict.fromkeys(("stay", "discharge", "principal"), np.int32),
    **dict.fromkeys(("day", "days", "age", "group", "planned", "department", "final_group"), np.int16),
    **dict.fromkeys(("state", "major", "minor"), np.int8),
    **dict.fromkeys(("cost", "final_cost"), np.int64),
}
"""Millions of days are held at once: no column is wider than it must be."""


@dataclass(frozen=True, eq=False)
class StayDays:
    """Days of stays, one row for each.

    Attributes:
        stay: place of the stay among all that were read.
        discharge: day of discharge, in days since 1970-01-01.
        day: day of stay, from 1.
        days: length of stay.
        principal: number of the principal diagnosis that stood, as the pack counts.
        group: number of the group as recorded.
        planned: number of the group with the planned procedures done.
        state: number of :class:`~casemeter_grouper.forecast.known.Procedures`.
        department: number of the department; 0: unknown.
        major: other diagnoses that stood as MCC.
        minor: those of the rest that stood as CC.
        age: completed years; -1: unknown.
        cost: cost up to the end of the day, in fen.
        final_group: number of the group the stay ended in.
        final_cost: final cost in fen.
    """

    stay: Integers
    discharge: Integers
    day: Integers
    days: Integers
    principal: Integers
    group: Integers
    planned: Integers
    state: Integers
    department: Integers
    major: Integers
    minor: Integers
    age: Integers
    cost: Integers
    final_group: Integers
    final_cost: Integers

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> StayDays:
        """Return some rows."""
        return StayDays(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    @classmethod
    def of(cls, parts: Sequence[StayDays]) -> StayDays:
        """Join parts, one after the other, in as little room as they need."""
        joined = {
            column.name: np.concatenate(
                [np.zeros(0, _DTYPES[column.name]), *(getattr(part, column.name) for part in parts)],
                dtype=_DTYPES[column.name],
                # Every value fits: lengths of stay are cut, and numbers of groups are small.
                casting="unsafe",
            )
            for column in fields(cls)
        }
        return cls(**joined)

    def narrow(self) -> StayDays:
        """Return the same in as little room as it needs."""
        return StayDays.of([self])


def stands_for(rows: StayDays, bucket: NDArray[np.int64], day_from: Sequence[int]) -> NDArray[np.float64]:
    """Return how many days each row stands for, where one day of each bucket that a stay reached was drawn.

    Without it the first days of a bucket would seem to be those of short stays: they are drawn more often
    there, having fewer days to draw from.

    Args:
        rows: the days.
        bucket: of each day, from 0.
        day_from: first day of each bucket.
    """
    first, after = np.array(day_from), np.append(day_from[1:], np.iinfo(np.int32).max)
    days: NDArray[np.float64] = np.minimum(rows.days + 1.0, after[bucket]) - first[bucket]
    return days
