"""From tables to days of stays: what stood, what it had cost, and whose it was."""

from __future__ import annotations

import numpy as np
import pytest

from casemeter_grouper.forecast.fit import one_day_of_each_bucket
from casemeter_grouper.forecast.joining import Pages, Places, courses_of, running_costs
from casemeter_grouper.forecast.standing import NOTHING, standing
from casemeter_grouper.history.settled_days import KINDS, NO_DATE, NO_DAY, CourseChunk, DayChunk

KEYS = np.array([70, 20, 50], np.uint64)


def pages(days: list[int], discharge: list[int]) -> Pages:
    count = len(days)
    nothing = np.zeros(count, np.int32)
    return Pages(
        KEYS[:count],
        np.array(discharge, np.int32),
        np.array(days, np.int32),
        nothing,
        np.zeros(count, np.uint8),
        nothing,
        np.zeros(count, np.int64),
        nothing,
        np.full((count, 2), np.nan),
    )


def charges(*rows: tuple[int, int, int, int]) -> DayChunk:
    """Rows of key, day, date and amount."""
    key, day, date, amount = zip(*rows, strict=True)
    return DayChunk(
        np.array(key, np.uint64),
        np.array(day, np.int32),
        np.array(date, np.int32),
        np.array(amount, np.int64),
    )


def course(*rows: tuple[int, str, int, int, int, int]) -> CourseChunk:
    """Rows of key, kind, code, position, first and last day (-1: to the end)."""
    key, kind, code, position, first, last = zip(*rows, strict=True)
    return CourseChunk(
        np.array(key, np.uint64),
        np.array(first, np.int32),
        np.array(last, np.int32),
        np.array([KINDS.index(name) for name in kind], np.uint8),
        np.array(code, np.int32),
        np.array(position, np.int32),
    )


def test_places() -> None:
    assert Places(KEYS).of(np.array([50, 70, 1, 99, 20], np.uint64)).tolist() == [2, 0, -1, -1, 1]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([(70, 1, NO_DATE, 5), (70, 3, NO_DATE, 7)], [[5, 5, 12], [0, 0]], id="a day without"),
        pytest.param([(20, 2, NO_DATE, 5), (70, 1, NO_DATE, 1)], [[1, 1, 1], [0, 5]], id="in any order"),
        pytest.param([(70, 2, NO_DATE, 5), (70, 2, NO_DATE, 6)], [[0, 11, 11], [0, 0]], id="twice a day"),
        pytest.param([(70, 1, NO_DATE, 9), (70, 2, NO_DATE, -4)], [[9, 5, 5], [0, 0]], id="taken back"),
        pytest.param([(70, 9, NO_DATE, 5)], [[0, 0, 5], [0, 0]], id="after the last day"),
        pytest.param([(1, 1, NO_DATE, 5)], [[0, 0, 0], [0, 0]], id="of nobody"),
        # The first stay was admitted on day 100 - 3.
        pytest.param([(70, NO_DAY, 97, 3), (70, NO_DAY, 99, 4)], [[3, 3, 7], [0, 0]], id="by date"),
        pytest.param([(70, NO_DAY, 90, 3)], [[3, 3, 3], [0, 0]], id="before admission"),
    ],
)
def test_running_costs(rows: list[tuple[int, int, int, int]], expected: list[list[int]]) -> None:
    some = pages([3, 2], [100, 200])
    cost, at = running_costs([charges(row) for row in rows], some, Places(some.key))
    assert at.tolist() == [0, 3, 5]
    assert [cost[at[stay] : at[stay + 1]].tolist() for stay in range(2)] == expected


COURSE = (
    # The first stay: an impression is corrected, an operation is planned and done.
    (70, "principal", 11, 1, 1, 2),
    (70, "principal", 12, 1, 3, -1),
    (70, "other", 32, 2, 2, -1),
    (70, "other", 31, 1, 1, -1),
    (70, "planned", 51, 1, 2, 3),
    (70, "planned", 52, 2, 2, -1),
    (70, "done", 51, 1, 3, -1),
    # The second: nothing is known of it on its first day.
    (20, "principal", 13, 1, 2, -1),
    (99, "principal", 14, 1, 1, -1),
)


@pytest.mark.parametrize(
    ("stay", "day", "principal", "others", "done", "all_of_them"),
    [
        (0, 1, 11, [31], [], []),
        (0, 2, 11, [31, 32], [], [51, 52]),
        # What is done is not planned any more.
        (0, 3, 12, [31, 32], [51], [51, 52]),
        (0, 4, 12, [31, 32], [51], [51, 52]),
        (1, 1, NOTHING, [], [], []),
        (1, 2, 13, [], [], []),
        (2, 1, NOTHING, [], [], []),
    ],
)
def test_what_stood_on_a_day(
    stay: int, day: int, principal: int, others: list[int], done: list[int], all_of_them: list[int]
) -> None:
    courses = courses_of([course(*COURSE[:4]), course(*COURSE[4:])], 3, Places(KEYS))
    some = (np.array([stay]), np.array([day], np.int32))
    now, then = (standing(courses, *some, planned_too=planned) for planned in (False, True))
    for found, procedures in ((now, done), (then, all_of_them)):
        assert found.principal.tolist() == [principal]
        assert found.others.values.tolist() == others
        assert found.procedures.values.tolist() == procedures
        assert found.has_plan.tolist() == [all_of_them != done]


def test_one_day_of_each_bucket_is_drawn() -> None:
    pick = one_day_of_each_bucket([1, 2, 5], 1)
    length = np.array([1, 2, 4, 9, 30], np.int32)
    stays, days = pick(length, 0)
    drawn = sorted(zip(stays.tolist(), days.tolist(), strict=True))
    assert [stay for stay, _ in drawn] == [0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4]
    assert all(1 <= day <= length[stay] for stay, day in drawn)
    by_bucket = [np.searchsorted([1, 2, 5], day, side="right") for _, day in drawn]
    assert by_bucket == [1, 1, 2, 1, 2, 1, 2, 3, 1, 2, 3]
    again = pick(length, 0)
    assert [part.tolist() for part in again] == [stays.tolist(), days.tolist()]
    many = np.full(2_000, 30, np.int32)
    _, some = pick(many, 1)
    assert set(some.tolist()) == set(range(1, 31)), "every day of a bucket is drawn"
