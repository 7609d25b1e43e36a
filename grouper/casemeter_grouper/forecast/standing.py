"""What stood on a day of a stay: its diagnoses and procedures, picked from their courses.

The loops are compiled; nothing that serves calls imports this.
"""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.history.reading.grouping import Ragged

PRINCIPAL, OTHER, PLANNED, DONE = 0, 1, 2, 3

KINDS: Final = ("principal", "other", "planned", "done")
"""As the table of courses writes them; their numbers are their places."""

NOTHING: Final = -1
"""Stands for a code that is not there."""

TO_THE_END: Final = np.iinfo(np.int32).max
"""Stands for the last day of what stands to the end."""


class Courses(NamedTuple):
    """The courses of many stays: their rows by stay, kind and position.

    Attributes:
        at: stay ``i`` has the rows ``at[i]`` to ``at[i + 1] - 1``; int64.
        first: first day that a row stands; int32, as all that follow.
        last: last day.
        kind: number of its kind.
        code: number of its code.
    """

    at: NDArray[np.int64]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    kind: NDArray[np.int32]
    code: NDArray[np.int32]


@njit(cache=True, nogil=True)
def _is_done(courses, stay, day, code):  # type: ignore[no-untyped-def]
    for row in range(courses.at[stay], courses.at[stay + 1]):
        stands = courses.first[row] <= day <= courses.last[row]
        if stands and courses.kind[row] == DONE and courses.code[row] == code:
            return True
    return False


@njit(cache=True, nogil=True)
def _pick(courses, stays, days, planned_too, principal, others, other_at, procedures, procedure_at):  # type: ignore[no-untyped-def]
    """Fill the lists of codes, or only count them where they have no room yet; return who has plans."""
    has_plan = np.zeros(stays.shape[0], np.bool_)
    other = procedure = 0
    for place in range(stays.shape[0]):
        stay, day = stays[place], days[place]
        # Rows come by kind; procedures that are done stand before those that are planned.
        for wanted in (PRINCIPAL, OTHER, DONE, PLANNED):
            for row in range(courses.at[stay], courses.at[stay + 1]):
                if courses.kind[row] != wanted or not courses.first[row] <= day <= courses.last[row]:
                    continue
                code = courses.code[row]
                if wanted == PRINCIPAL:
                    principal[place] = code
                elif wanted == OTHER:
                    if others.shape[0]:
                        others[other] = code
                    other += 1
                else:
                    if wanted == PLANNED:
                        if _is_done(courses, stay, day, code):
                            continue
                        has_plan[place] = True
                        if not planned_too:
                            continue
                    if procedures.shape[0]:
                        procedures[procedure] = code
                    procedure += 1
        other_at[place + 1], procedure_at[place + 1] = other, procedure
    return has_plan


class Standing(NamedTuple):
    """Codes that stand on days of stays, as numbers.

    Attributes:
        principal: the principal diagnosis; :data:`NOTHING` where none stands.
        others: the other diagnoses.
        procedures: the procedures.
        has_plan: whether a procedure is planned and not done yet.
    """

    principal: NDArray[np.int32]
    others: Ragged
    procedures: Ragged
    has_plan: NDArray[np.bool_]


def standing(
    courses: Courses, stays: NDArray[np.int64], days: NDArray[np.int32], *, planned_too: bool
) -> Standing:
    """Return what stood at the end of days of stays.

    Args:
        courses: of all stays.
        stays: places of stays, one for each day.
        days: days of those stays, from 1.
        planned_too: append the planned procedures to those that are done.
    """
    none = np.empty(0, np.int32)
    principal = np.full(len(stays), NOTHING, np.int32)
    other_at, procedure_at = (np.zeros(len(stays) + 1, np.int64) for _ in range(2))
    _pick(courses, stays, days, planned_too, principal, none, other_at, none, procedure_at)
    others, procedures = np.empty(other_at[-1], np.int32), np.empty(procedure_at[-1], np.int32)
    has_plan = _pick(courses, stays, days, planned_too, principal, others, other_at, procedures, procedure_at)
    return Standing(principal, Ragged(others, other_at), Ragged(procedures, procedure_at), has_plan)
