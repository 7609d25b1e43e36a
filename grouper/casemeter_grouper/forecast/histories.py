"""Reading histories into days of stays: what was known at the end of days, and what became of the stay.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.benchmark.fitting.history import is_made_up
from casemeter_grouper.forecast.complications import Complications
from casemeter_grouper.forecast.joining import Pages, Places, courses_of, pages_of, running_costs
from casemeter_grouper.forecast.known import Procedures
from casemeter_grouper.forecast.standing import NOTHING, Courses, Standing, standing
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.history import settled_days
from casemeter_grouper.history.reading.drops import Drops
from casemeter_grouper.history.reading.grouping import NONE, Encoded, PackGrouping
from casemeter_grouper.history.settled import Choices, open_settled
from casemeter_grouper.pack.progress import advance

_BLOCK: Final = 100_000

Ints = NDArray[np.int32]
Picker = Callable[[Ints, int], tuple[NDArray[np.int64], Ints]]
"""Picks days: takes the lengths of stay of a block and its number; returns places of stays and their days."""


@dataclass
class Read:
    """What was read beside the days.

    Attributes:
        departments: names, numbered from 1 in the days.
        drops: what became of the rows of pages, charges and courses.
        made_up: a history says that it is invented.
        stays: that were read.
        no_charges: stays that no daily charge was told of.
        blind: picked days on which no principal diagnosis stood, or no group.
    """

    departments: list[str] = field(default_factory=list)
    drops: dict[str, Drops] = field(default_factory=dict)
    made_up: bool = False
    stays: int = 0
    no_charges: int = 0
    blind: int = 0


def read_days(
    paths: Sequence[Path],
    grouping: PackGrouping,
    complications: Complications,
    pick: Picker,
    choices: Choices | None = None,
) -> tuple[StayDays, Read]:
    """Read histories.

    Args:
        paths: folders of histories, and files of them.
        grouping: the pack that groups.
        complications: of the pack.
        pick: which days of which stays.
        choices: how the files are to be read.

    Raises:
        HistoryError: some file cannot be read; all faults of all files.
        ValueError: no stay can be learned from.
    """
    history = open_settled(paths, grouping, choices)
    charges = settled_days.read_days(paths, with_hospital=history.with_hospital)
    course = settled_days.read_course(paths, grouping, choices, with_hospital=history.with_hospital)
    pages = pages_of(history.chunks(_teller("reading stays", history.rows)))
    places = Places(pages.key)
    cost, at = running_costs(charges.chunks(_teller("reading charges")), pages, places)
    courses = courses_of(course.chunks(_teller("reading courses")), len(pages.key), places)
    found = Read(
        list(history.departments),
        {"pages": history.drops, "charges": charges.drops, "course": course.drops},
        is_made_up(paths),
        len(pages.key),
    )
    parts = []
    for first in range(0, len(pages.key), _BLOCK):
        some = pages.part(first, first + _BLOCK)
        stays, days = pick(some.days, first // _BLOCK)
        charged = cost[at[first + 1 : first + len(some.key) + 1] - 1] > 0
        found.no_charges += int((~charged).sum())
        stays, days = stays[charged[stays]], days[charged[stays]]
        spent = cost[at[first + stays] + days - 1]
        rows = _rows(grouping, complications, some, courses, stays, days, first, spent)
        found.blind += len(days) - len(rows)
        parts.append(rows)
        advance("grouping days", min(first + _BLOCK, len(pages.key)), len(pages.key))
    return StayDays.of(parts), found


def _teller(what: str, total: int = 0) -> Callable[[int], None]:
    done = 0

    def tell(rows: int) -> None:
        nonlocal done
        done += rows
        advance(what, done, max(done, total))

    return tell


def _rows(
    grouping: PackGrouping,
    complications: Complications,
    pages: Pages,
    courses: Courses,
    stays: NDArray[np.int64],
    days: Ints,
    first: int,
    cost: NDArray[np.int64],
) -> StayDays:
    """Return the days of a block, by stay."""
    now = standing(courses, first + stays, days, planned_too=False)
    then = standing(courses, first + stays, days, planned_too=True)
    group = _groups(grouping, pages, stays, now, cost)
    planned = np.where(then.has_plan, _groups(grouping, pages, stays, then, cost), group)
    major, minor = complications(now.principal, now.others)
    done = np.where(np.diff(then.procedures.at) > 0, Procedures.DONE, Procedures.NONE)
    rows = StayDays(
        stay=first + stays,
        discharge=pages.discharge[stays],
        day=days,
        days=pages.days[stays],
        principal=now.principal,
        group=group,
        planned=planned,
        state=np.where(then.has_plan, Procedures.PENDING, done),
        department=pages.department[stays] + 1,
        major=major,
        minor=minor,
        age=pages.age[stays],
        cost=cost,
        final_group=pages.group[stays],
        final_cost=pages.cost[stays],
    )
    known = (now.principal != NOTHING) & (group != NONE) & (planned != NONE)
    order = np.argsort(stays, kind="stable")
    return rows.take(order[known[order]]).narrow()


def _groups(
    grouping: PackGrouping, pages: Pages, stays: NDArray[np.int64], codes: Standing, cost: NDArray[np.int64]
) -> Ints:
    sexes = grouping.value_numbers("sex")
    sex = np.array([0, sexes.get("M", 0), sexes.get("F", 0)], np.int32)[pages.sex[stays]]
    age = pages.age[stays]
    numbers = {
        "age_years": np.where(age < 0, np.nan, age),
        "age_days": pages.newborn[stays, 0],
        "birth_weight_g": pages.newborn[stays, 1],
    }
    return grouping.group(Encoded(*codes[:3], numbers, {"sex": sex}, cost)).group
