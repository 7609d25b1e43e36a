"""Daily charges and courses joined to the stays that they are of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.standing import TO_THE_END, Courses
from casemeter_grouper.history.settled import SettledChunk
from casemeter_grouper.history.settled_days import NO_DAY, CourseChunk, DayChunk

MOST_DAYS: Final = 10_000
"""A longer stay counts as one of so many days."""

Ints = NDArray[np.int32]


class Pages(NamedTuple):
    """What the front pages say, one entry for each stay.

    Attributes:
        key: hash of what names the stay.
        discharge: days since 1970-01-01.
        days: length of stay.
        age: completed years; -1: unknown.
        sex: 1 male, 2 female, 0 unknown.
        department: number, from 0; -1: unknown.
        cost: final cost in fen.
        group: group that it ended in.
        newborn: age in days and birth weight in grams; NaN: unknown.
    """

    key: NDArray[np.uint64]
    discharge: Ints
    days: Ints
    age: Ints
    sex: NDArray[np.uint8]
    department: Ints
    cost: NDArray[np.int64]
    group: Ints
    newborn: NDArray[np.float64]

    def part(self, start: int, end: int) -> Pages:
        """Return some stays."""
        return Pages(
            self.key[start:end],
            self.discharge[start:end],
            self.days[start:end],
            self.age[start:end],
            self.sex[start:end],
            self.department[start:end],
            self.cost[start:end],
            self.group[start:end],
            self.newborn[start:end],
        )


def pages_of(chunks: Iterable[SettledChunk]) -> Pages:
    """Hold what is needed of the pages, in the order of the files."""
    held: list[Pages] = []
    for chunk in chunks:
        held.append(
            Pages(
                chunk.key,
                chunk.discharge,
                np.minimum(chunk.los_days, MOST_DAYS),
                chunk.age_years,
                chunk.sex,
                chunk.department,
                chunk.cost_fen,
                chunk.group,
                chunk.newborn,
            )
        )
    return Pages(*(np.concatenate(column) for column in zip(*held, strict=True)))


class Places:
    """Where the stays of keys are."""

    def __init__(self, keys: NDArray[np.uint64]) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the place of each key's stay; -1 where there is none."""
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found: NDArray[np.int64] = np.where(self._keys[at] == keys, self._order[at], -1)
        return found


def running_costs(
    chunks: Iterable[DayChunk], pages: Pages, places: Places
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return what stays had cost by the end of each of their days, in fen.

    What was charged before the first day counts to it, what was charged after the last day to that.

    Returns:
        The costs, one stay after the other, and where each stay begins; the last place is the end.
    """
    at = np.concatenate([[0], np.cumsum(pages.days, dtype=np.int64)])
    cost = np.zeros(at[-1], np.int64)
    admission = pages.discharge.astype(np.int64) - pages.days
    for chunk in chunks:
        place = places.of(chunk.key)
        there = place >= 0
        stay = place[there]
        day = np.where(chunk.day == NO_DAY, chunk.date - admission[place] + 1, chunk.day)[there]
        np.add.at(cost, at[stay] + np.clip(day, 1, pages.days[stay]) - 1, chunk.total_fen[there])
    np.cumsum(cost, out=cost)
    before = np.concatenate([[0], cost])[at[:-1]]
    return cost - np.repeat(before, pages.days), at


def courses_of(chunks: Iterable[CourseChunk], stays: int, places: Places) -> Courses:
    """Return the courses of stays, their rows by stay, kind and position."""
    order: list[NDArray[np.int64]] = []
    columns: list[tuple[Ints, Ints, Ints, Ints]] = []
    for chunk in chunks:
        place = places.of(chunk.key)
        there = place >= 0
        order.append((place << 16 | chunk.kind.astype(np.int64) << 14 | chunk.position)[there])
        last = np.where(chunk.until_day < 0, TO_THE_END, chunk.until_day)
        rows = (chunk.from_day, last.astype(np.int32), chunk.kind.astype(np.int32), chunk.code)
        columns.append((rows[0][there], rows[1][there], rows[2][there], rows[3][there]))
    keys = np.concatenate(order)
    sort = np.argsort(keys, kind="stable")
    at = np.searchsorted(keys[sort], np.arange(stays + 1) << 16)
    return Courses(
        at.astype(np.int64), *(np.concatenate(column)[sort] for column in zip(*columns, strict=True))
    )
