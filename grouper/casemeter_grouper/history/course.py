"""What was known of made-up stays from when, as rows of the table ``course``."""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from casemeter_grouper.history.draw import NOBODY, Stays
from casemeter_grouper.history.world import Ints, World

KINDS: Final = ("principal", "other", "planned", "done")
TO_THE_END: Final = 0
"""Stands for the last day of what stood to the end."""

_PRINCIPAL, _OTHER, _PLANNED, _DONE = range(len(KINDS))


class Course(NamedTuple):
    """What was known from when, one row for each code, in the order of the stays.

    Attributes:
        stay: place of the stay among those drawn.
        from_day: first day at whose end it was known.
        until_day: last one; ``TO_THE_END``: it stood to the end.
        kind: place in :data:`KINDS`.
        code: number of the diagnosis; of a procedure its number behind all diagnoses.
        position: place among the codes of that kind, from 1: other diagnoses stand in the order in which they
            became known; the main procedure is 1.
    """

    stay: Ints
    from_day: Ints
    until_day: Ints
    kind: Ints
    code: Ints
    position: Ints


def course_of(world: World, stays: Stays) -> Course:
    """Return what was known from when. What is known after the last day only is not in it."""
    asked = world.procedure_at[stays.plan + 1] - world.procedure_at[stays.plan]
    most = 2 * len(stays.days) + len(stays.comorbid) + 2 * int(asked.sum())
    rows = np.empty((most, len(Course._fields)), np.int32)
    count = _fill(stays, world.comorbid, world.procedure_at, world.procedure, len(world.diagnoses), rows)
    return Course(*np.ascontiguousarray(rows[:count].T))


@njit(cache=True, nogil=True)
def _add(rows, at, stay, begin, until, kind, code, position):  # type: ignore[no-untyped-def]
    row = rows[at]
    row[0], row[1], row[2], row[3], row[4], row[5] = stay, begin, until, kind, code, position
    return at + 1


@njit(cache=True, nogil=True)
def _position(days, start, end, place):  # type: ignore[no-untyped-def]
    """Return the place of a comorbidity by the day it is known, which tells nothing of later ones."""
    before = 0
    for other in range(start, end):
        if days[other] < days[place] or (days[other] == days[place] and other < place):
            before += 1
    return before + 1


@njit(cache=True, nogil=True)
def _fill(stays, comorbid, procedure_at, procedure, diagnoses, rows):  # type: ignore[no-untyped-def]
    at = 0
    for stay in range(stays.days.shape[0]):
        days = stays.days[stay]
        right = stays.corrected_day[stay]
        if stays.impression[stay] != NOBODY and right > 1:
            until = right - 1 if right <= days else TO_THE_END
            at = _add(rows, at, stay, 1, until, _PRINCIPAL, stays.impression[stay], 1)
        if right <= days:
            at = _add(rows, at, stay, right, TO_THE_END, _PRINCIPAL, stays.variant[stay], 1)
        start, end = stays.comorbid_at[stay], stays.comorbid_at[stay + 1]
        for place in range(start, end):
            known = stays.comorbid_day[place]
            if known <= days:
                code = comorbid[stays.comorbid[place]]
                position = _position(stays.comorbid_day, start, end, place)
                at = _add(rows, at, stay, known, TO_THE_END, _OTHER, code, position)
        first, last = procedure_at[stays.plan[stay]], procedure_at[stays.plan[stay] + 1]
        ordered, reported = stays.ordered_day[stay], stays.reported_day[stay]
        for place in range(first, last):
            code = diagnoses + procedure[place]
            if ordered < reported:
                until = reported - 1 if reported <= days else TO_THE_END
                at = _add(rows, at, stay, ordered, until, _PLANNED, code, 1 + place - first)
            if reported <= days:
                at = _add(rows, at, stay, reported, TO_THE_END, _DONE, code, 1 + place - first)
    return at
