"""The kernel of forecasts: what is known on a day of a stay joined to what was counted, in one compiled loop.

It works on numbers only: codes are numbers of the bundle's own lists (0: not among them). The walker
(:mod:`casemeter_grouper.forecast.walker`) says the same in plain Python.
"""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.forecast.keys import LEVEL_SHIFT, SHIFTS

SHOWN: Final = 10
"""The most candidates that an answer names."""

NO_COST: Final = -(2**62)
"""Stands for a cost that is not known."""

ARRAYS: Final = (
    *("context_masks", "context_keys", "context_at", "context_cases", "candidate", "odds"),
    *("interval_masks", "interval_keys", "intervals", "margins", "levels", "group_chapter"),
)
"""The arrays of a bundle that make :class:`Tables`, in its order."""


class Tables(NamedTuple):
    """A forecast bundle as the kernel reads it.

    There are ``L`` levels of contexts, ``C`` contexts with ``E`` candidates in all, ``K`` levels and ``I``
    contexts of intervals, ``B`` buckets of days, ``G`` groups and ``M`` chapters of groups, both counted
    from 1; 0 is no such thing.

    Attributes:
        context_masks: int32, ``L x 8``: which parts the contexts of a level name; the most special first.
        context_keys: int64, ``C``, ascending.
        context_at: int32, ``C + 1``: context ``i`` has the candidates ``at[i]`` to ``at[i + 1] - 1``.
        context_cases: int32, ``C``: stays it was counted from.
        candidate: int32, ``E``: number of a group; ascending within a context.
        odds: float64, ``E``: ln of its probability. What the candidates leave is that of all other groups.
        interval_masks: int32, ``K x 8``.
        interval_keys: int64, ``I``, ascending.
        intervals: float64, ``I x 9``: as :data:`INTERVAL` names them.
        margins: float64, ``B x 4``: how much wider each end is drawn: cost below and above, days likewise.
        levels: float64, ``(M + 1) x B``: probability that a set must reach, by chapter of the planned group.
        group_chapter: int32, ``G + 1``.
    """

    context_masks: NDArray[np.int32]
    context_keys: NDArray[np.int64]
    context_at: NDArray[np.int32]
    context_cases: NDArray[np.int32]
    candidate: NDArray[np.int32]
    odds: NDArray[np.float64]
    interval_masks: NDArray[np.int32]
    interval_keys: NDArray[np.int64]
    intervals: NDArray[np.float64]
    margins: NDArray[np.float64]
    levels: NDArray[np.float64]
    group_chapter: NDArray[np.int32]


INTERVAL: Final = (
    *("least_cost", "most_cost", "slope", "cost_low", "cost_middle", "cost_high"),
    *("days_low", "days_middle", "days_high"),
)
"""Numbers of an interval's context.

With ``x`` the ln of the running cost in fen, kept between ``least_cost`` and ``most_cost``: ln of final by
running cost is ``slope * x`` and ``cost_low``, ``cost_middle`` or ``cost_high``. ``days_low`` and so on are
ln of 1 and the days that are left.
"""


PART_COUNT: Final = len(SHIFTS)
_DAY, _COST = PART_COUNT, PART_COUNT + 1
KNOWN_SIZE: Final = PART_COUNT + 2
"""Numbers that are known of a day: its parts, the day, and the cost."""

ANSWER_SIZE: Final = 9 + 2 * SHOWN
"""Numbers of an answer: candidates shown, size of the set, cases, ends and middles, then the candidates."""


@njit(cache=True, nogil=True)
def _part(body, places, number, item):  # type: ignore[no-untyped-def]
    start, rows, columns = places[number]
    return body[start : start + rows * columns * item]


@njit(cache=True, nogil=True)
def _tables(body, places):  # type: ignore[no-untyped-def]
    return Tables(
        _part(body, places, 0, 4).view(np.int32).reshape(places[0, 1], places[0, 2]),
        _part(body, places, 1, 8).view(np.int64),
        _part(body, places, 2, 4).view(np.int32),
        _part(body, places, 3, 4).view(np.int32),
        _part(body, places, 4, 4).view(np.int32),
        _part(body, places, 5, 8).view(np.float64),
        _part(body, places, 6, 4).view(np.int32).reshape(places[6, 1], places[6, 2]),
        _part(body, places, 7, 8).view(np.int64),
        _part(body, places, 8, 8).view(np.float64).reshape(places[8, 1], places[8, 2]),
        _part(body, places, 9, 8).view(np.float64).reshape(places[9, 1], places[9, 2]),
        _part(body, places, 10, 8).view(np.float64).reshape(places[10, 1], places[10, 2]),
        _part(body, places, 11, 4).view(np.int32),
    )


@njit(cache=True, nogil=True)
def _find(masks, keys, known):  # type: ignore[no-untyped-def]
    """Return the place of the most special context of a day, or -1."""
    for level in range(masks.shape[0]):
        key = np.int64(level) << LEVEL_SHIFT
        for part in range(PART_COUNT):
            if masks[level, part]:
                key += known[part] << SHIFTS[part]
        low, high = 0, keys.shape[0]
        while low < high:
            middle = (low + high) >> 1
            if keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        if low < keys.shape[0] and keys[low] == key:
            return low
    return -1


@njit(cache=True, nogil=True)
def _fill(tables, known, group, probability):  # type: ignore[no-untyped-def]
    """Fill the candidates of a day, the likeliest first; return how many, and the context, or -1."""
    context = _find(tables.context_masks, tables.context_keys, known)
    if context < 0:
        return 0, context
    start = tables.context_at[context]
    size = tables.context_at[context + 1] - start
    for place in range(size):
        group[place] = tables.candidate[start + place]
        probability[place] = np.exp(tables.odds[start + place])
    # Few and nearly sorted: each is moved to its place. Equal ones stay in the order of their codes.
    for place in range(1, size):
        moved, odds = group[place], probability[place]
        to = place
        while to > 0 and probability[to - 1] < odds:
            group[to], probability[to] = group[to - 1], probability[to - 1]
            to -= 1
        group[to], probability[to] = moved, odds
    return size, context


@njit(cache=True, nogil=True)
def _set_size(probability, size, level):  # type: ignore[no-untyped-def]
    """How many candidates, from the first, reach a level; one more than there are when they do not."""
    total = 0.0
    for place in range(size):
        total += probability[place]
        if total >= level:
            return place + 1
    return size + 1


@njit(cache=True, nogil=True)
def _ends(tables, known, out):  # type: ignore[no-untyped-def]
    """Fill the ends and middles of final cost (fen) and length of stay (days)."""
    row = tables.intervals[_find(tables.interval_masks, tables.interval_keys, known)]
    margins = tables.margins[known[PART_COUNT - 1]]
    day, cost = known[_DAY], known[_COST]
    if cost != NO_COST:
        x = np.log(max(float(cost), 1.0))
        kept = min(max(x, row[0]), row[1])
        base = max(x, row[0]) + row[2] * kept
        out[0] = max(np.floor(np.exp(base + row[3] - margins[0])), float(cost))
        out[1] = max(np.rint(np.exp(base + row[4])), float(cost))
        out[2] = max(np.ceil(np.exp(base + row[5] + margins[1])), float(cost))
    out[3] = day + max(np.floor(np.exp(row[6] - margins[2]) - 1), 0.0)
    out[4] = day + max(np.rint(np.exp(row[7]) - 1), 0.0)
    out[5] = day + max(np.ceil(np.exp(row[8] + margins[3]) - 1), 0.0)


@njit(cache=True, nogil=True)
def run_one(body, places, most, known):  # type: ignore[no-untyped-def]
    """Answer for one day of a stay.

    Args:
        body: uint8, the mapped bytes of a bundle.
        places: int64, one row for each array of :data:`ARRAYS`: first byte, rows, columns.
        most: candidates, above :data:`~casemeter_grouper.forecast.counting.MOST`, for which there is room.
        known: :data:`KNOWN_SIZE` whole numbers, a tuple or int64.

    Returns:
        :data:`ANSWER_SIZE` numbers; none where no stay ever stood like this one.
    """
    tables = _tables(body, places)
    group, probability = np.empty(most, np.int32), np.empty(most, np.float64)
    size, context = _fill(tables, known, group, probability)
    if context < 0:
        return np.empty(0, np.float64)
    out = np.zeros(ANSWER_SIZE, np.float64)
    shown = min(size, SHOWN)
    level = tables.levels[tables.group_chapter[known[3]], known[PART_COUNT - 1]]
    out[0] = shown
    out[1] = _set_size(probability, size, level)
    out[2] = tables.context_cases[context]
    _ends(tables, known, out[3:9])
    for place in range(shown):
        out[9 + place] = group[place]
        out[9 + SHOWN + place] = probability[place]
    return out


@njit(cache=True, nogil=True)
def run(body, places, known, groups, probabilities, sizes, ends):  # type: ignore[no-untyped-def]
    """Answer for many days of stays.

    Args:
        body: uint8, the mapped bytes of a bundle.
        places: int64, one row for each array of :data:`ARRAYS`: first byte, rows, columns.
        known: int64, ``n x KNOWN_SIZE``.
        groups: int32, ``n x most``, filled with the candidates, the likeliest first.
        probabilities: float64, ``n x most``, filled likewise.
        sizes: int32, ``n``, filled with the number of candidates; 0: no stay ever stood like this one.
        ends: float64, ``n x 6``, filled with the ends and middles of final cost and length of stay.
    """
    tables = _tables(body, places)
    for row in range(known.shape[0]):
        sizes[row], context = _fill(tables, known[row], groups[row], probabilities[row])
        if context >= 0:
            _ends(tables, known[row], ends[row])
