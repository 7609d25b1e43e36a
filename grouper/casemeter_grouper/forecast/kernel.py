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
from casemeter_grouper.forecast.known import Procedures

SHOWN: Final = 10
"""The most candidates that an answer names."""

NO_COST: Final = -(2**62)
"""Stands for a cost that is not known."""

MOST_COUNTED: Final = 2
"""More MCCs, or more CCs, are counted as so many."""

COUNTED_STATES: Final = (MOST_COUNTED + 1) ** 2
POSITIONS: Final = 4
STATES: Final = COUNTED_STATES + POSITIONS
"""What is known of complications: how many stand, or else the place of the group in its family."""

PROCEDURE_STATES: Final = len(Procedures)

UNLIKELY_SHARE: Final = 0.02
UNLIKELY_VARIANCE: Final = 1.5
"""So many costs lie far off, with so much more variance."""

ARRAYS: Final = (
    *("context_masks", "context_keys", "context_at", "context_cases"),
    *("candidate", "odds", "middle", "variance", "trend", "weights"),
    *("member_at", "member", "share_row", "shares"),
    *("interval_masks", "interval_keys", "intervals", "end_trend", "margins", "levels", "group_chapter"),
)
"""The arrays of a bundle that make :class:`Tables`, in its order."""


class Tables(NamedTuple):
    """A forecast bundle as the kernel reads it.

    There are ``L`` levels of contexts, ``C`` contexts with ``E`` candidates in all, ``F`` families, ``G``
    groups and ``M`` chapters, each counted from 1 (0 is no such thing), ``K`` levels and ``I`` contexts of
    intervals, ``B`` buckets of days, ``S`` states of complications and ``A`` age bands, one of them for
    unknown ages.

    Attributes:
        context_masks: int32, ``L x parts``: which parts the contexts of a level name; the most special first.
        context_keys: int64, ``C``, ascending.
        context_at: int32, ``C + 1``: context ``i`` has the candidates ``at[i]`` to ``at[i + 1] - 1``.
        context_cases: int32, ``C``: stays it was counted from.
        candidate: int32, ``E``: number of a family; ascending within a context.
        odds: float64, ``E``: ln of its probability. What the candidates leave is that of all others.
        middle: float64, ``E``: middle of the level of ln of cost of stays that end in it.
        variance: float64, ``E``: its variance; 0: not known.
        trend: float64, ``B x 4``: as :class:`casemeter_grouper.forecast.costs.Trend` has it.
        weights: float64, ``B x 2``: of the odds and of the cost.
        member_at: int32, ``F + 2``: family ``f`` has the groups ``member[at[f]:at[f + 1]]``.
        member: int32: groups, ascending within a family.
        share_row: int32, ``G + 1``: row of each group in what follows.
        shares: float64, ``rows x (B * S * A)``: share of a group in its family; row 0: all of it.
        interval_masks: int32, ``K x parts``.
        interval_keys: int64, ``I``, ascending.
        intervals: float64, ``I x 9``: as :data:`INTERVAL` names them.
        end_trend: float64, ``B x 3``: as :class:`casemeter_grouper.forecast.ends.Ends` has it.
        margins: float64, ``steps x 4``: how much wider each end is drawn: cost below and above, then days.
        levels: float64, ``(M + 1) x B``: probability that a set must reach, by chapter of the planned group.
        group_chapter: int32, ``G + 1``.
    """

    context_masks: NDArray[np.int32]
    context_keys: NDArray[np.int64]
    context_at: NDArray[np.int32]
    context_cases: NDArray[np.int32]
    candidate: NDArray[np.int32]
    odds: NDArray[np.float64]
    middle: NDArray[np.float64]
    variance: NDArray[np.float64]
    trend: NDArray[np.float64]
    weights: NDArray[np.float64]
    member_at: NDArray[np.int32]
    member: NDArray[np.int32]
    share_row: NDArray[np.int32]
    shares: NDArray[np.float64]
    interval_masks: NDArray[np.int32]
    interval_keys: NDArray[np.int64]
    intervals: NDArray[np.float64]
    end_trend: NDArray[np.float64]
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
ln of 1 and the days that are left. Both move with the day as the trend of the ends says.
"""

PART_COUNT: Final = len(SHIFTS)
PROCEDURE_STATE, BUCKET = 5, 6
GROUP, STATE, AGE, MARGIN, DAY, COST = range(PART_COUNT, PART_COUNT + 6)
"""Places among what is known of a day; the parts of its contexts come first."""

KNOWN_SIZE: Final = PART_COUNT + 6

ANSWER_SIZE: Final = 9 + 2 * SHOWN
"""Numbers of an answer: candidates shown, size of the set, cases, ends and middles, then the candidates."""


@njit(cache=True, nogil=True)
def _part(body, places, number, item):  # type: ignore[no-untyped-def]
    start, rows, columns = places[number]
    return body[start : start + rows * columns * item]


@njit(cache=True, nogil=True)
def _ints(body, places, number):  # type: ignore[no-untyped-def]
    return _part(body, places, number, 4).view(np.int32)


@njit(cache=True, nogil=True)
def _floats(body, places, number):  # type: ignore[no-untyped-def]
    return _part(body, places, number, 8).view(np.float64)


@njit(cache=True, nogil=True)
def _tables(body, places):  # type: ignore[no-untyped-def]
    return Tables(
        _ints(body, places, 0).reshape(places[0, 1], places[0, 2]),
        _part(body, places, 1, 8).view(np.int64),
        _ints(body, places, 2),
        _ints(body, places, 3),
        _ints(body, places, 4),
        _floats(body, places, 5),
        _floats(body, places, 6),
        _floats(body, places, 7),
        _floats(body, places, 8).reshape(places[8, 1], places[8, 2]),
        _floats(body, places, 9).reshape(places[9, 1], places[9, 2]),
        _ints(body, places, 10),
        _ints(body, places, 11),
        _ints(body, places, 12),
        _floats(body, places, 13).reshape(places[13, 1], places[13, 2]),
        _ints(body, places, 14).reshape(places[14, 1], places[14, 2]),
        _part(body, places, 15, 8).view(np.int64),
        _floats(body, places, 16).reshape(places[16, 1], places[16, 2]),
        _floats(body, places, 17).reshape(places[17, 1], places[17, 2]),
        _floats(body, places, 18).reshape(places[18, 1], places[18, 2]),
        _floats(body, places, 19).reshape(places[19, 1], places[19, 2]),
        _ints(body, places, 20),
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
def _cost_score(tables, known, place):  # type: ignore[no-untyped-def]
    """Ln of how likely the running cost is if the stay ends in a candidate."""
    bucket = known[BUCKET]
    trend = tables.trend[bucket]
    level = np.log(float(known[COST])) - trend[known[PROCEDURE_STATE]] * (
        np.log(float(known[DAY])) - trend[PROCEDURE_STATES]
    )
    variance = tables.variance[place]
    if variance == 0.0:
        return 0.0
    square = (level - tables.middle[place]) ** 2
    near = (1 - UNLIKELY_SHARE) * np.exp(-square / (2 * variance)) / np.sqrt(variance)
    wide = variance + UNLIKELY_VARIANCE
    return np.log(near + UNLIKELY_SHARE * np.exp(-square / (2 * wide)) / np.sqrt(wide))


@njit(cache=True, nogil=True)
def _score(tables, known, context, score):  # type: ignore[no-untyped-def]
    """Fill the scores of the families of a context; return the probability that they have together."""
    bucket = known[BUCKET]
    start, end = tables.context_at[context], tables.context_at[context + 1]
    listed = 0.0
    for place in range(start, end):
        listed += np.exp(tables.odds[place])
        score[place - start] = tables.weights[bucket, 0] * tables.odds[place]
        if known[COST] > 0:
            score[place - start] += tables.weights[bucket, 1] * _cost_score(tables, known, place)
    return min(listed, 1.0)


@njit(cache=True, nogil=True)
def _fill(tables, known, group, probability):  # type: ignore[no-untyped-def]
    """Fill the candidates of a day; return how many there are, and the context, or -1."""
    context = _find(tables.context_masks, tables.context_keys, known)
    if context < 0:
        return 0, context
    start = tables.context_at[context]
    families = tables.context_at[context + 1] - start
    score = np.empty(families)
    listed = _score(tables, known, context, score)
    most, total = score.max(), 0.0
    for family in range(families):
        score[family] = np.exp(score[family] - most)
        total += score[family]
    columns = tables.shares.shape[1] // tables.weights.shape[0]
    cell = known[BUCKET] * columns + known[STATE] * (columns // STATES) + known[AGE]
    size = 0
    for family in range(families):
        number = tables.candidate[start + family]
        odds = listed * score[family] / total
        for place in range(tables.member_at[number], tables.member_at[number + 1]):
            group[size] = tables.member[place]
            probability[size] = odds * tables.shares[tables.share_row[group[size]], cell]
            size += 1
    return size, context


@njit(cache=True, nogil=True)
def scores(body, places, known, families, scores, sizes):  # type: ignore[no-untyped-def]
    """Fill what the weights of many days are fitted to.

    Args:
        body: uint8, the mapped bytes of a bundle.
        places: int64, one row for each array of :data:`ARRAYS`: first byte, rows, columns.
        known: int64, ``n x KNOWN_SIZE``.
        families: int32, ``n x most``, filled with the candidates.
        scores: float64, ``n x most x 2``, filled with ln of their odds and that of the running cost.
        sizes: int32, ``n``, filled with the number of candidates.
    """
    tables = _tables(body, places)
    for row in range(known.shape[0]):
        context = _find(tables.context_masks, tables.context_keys, known[row])
        if context < 0:
            continue
        start = tables.context_at[context]
        sizes[row] = tables.context_at[context + 1] - start
        for place in range(sizes[row]):
            families[row, place] = tables.candidate[start + place]
            scores[row, place, 0] = tables.odds[start + place]
            if known[row, COST] > 0:
                scores[row, place, 1] = _cost_score(tables, known[row], start + place)


@njit(cache=True, nogil=True)
def _first(group, probability, size, wanted):  # type: ignore[no-untyped-def]
    """Bring the likeliest to the front, of equal ones by number."""
    for place in range(min(wanted, size)):
        best = place
        for other in range(place + 1, size):
            more = probability[other] - probability[best]
            if more > 0 or (more == 0 and group[other] < group[best]):
                best = other
        group[place], group[best] = group[best], group[place]
        probability[place], probability[best] = probability[best], probability[place]


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
    margins, trend = tables.margins[known[MARGIN]], tables.end_trend[known[BUCKET]]
    day, cost = known[DAY], known[COST]
    since = np.log(float(day)) - trend[2]
    if cost != NO_COST:
        x = np.log(max(float(cost), 1.0))
        kept = min(max(x, row[0]), row[1])
        base = max(x, row[0]) + row[2] * kept + trend[0] * since
        out[0] = max(np.floor(np.exp(base + row[3] - margins[0])), float(cost))
        out[2] = max(np.ceil(np.exp(base + row[5] + margins[1])), out[0])
        out[1] = min(max(np.rint(np.exp(base + row[4])), out[0]), out[2])
    later = trend[1] * since
    out[3] = day + max(np.floor(np.exp(row[6] + later - margins[2]) - 1), 0.0)
    out[5] = max(day + np.ceil(np.exp(row[8] + later + margins[3]) - 1), out[3])
    out[4] = min(max(day + np.rint(np.exp(row[7] + later) - 1), out[3]), out[5])


@njit(cache=True, nogil=True)
def run_one(body, places, most, known):  # type: ignore[no-untyped-def]
    """Answer for one day of a stay.

    Args:
        body: uint8, the mapped bytes of a bundle.
        places: int64, one row for each array of :data:`ARRAYS`: first byte, rows, columns.
        most: candidates for which there is room.
        known: int64, :data:`KNOWN_SIZE` numbers.

    Returns:
        :data:`ANSWER_SIZE` numbers; none where no stay ever stood like this one.
    """
    tables = _tables(body, places)
    group, probability = np.empty(most, np.int32), np.empty(most, np.float64)
    size, context = _fill(tables, known, group, probability)
    if context < 0:
        return np.empty(0, np.float64)
    _first(group, probability, size, SHOWN)
    out = np.zeros(ANSWER_SIZE, np.float64)
    shown = min(size, SHOWN)
    level = tables.levels[tables.group_chapter[known[GROUP]], known[BUCKET]]
    out[0] = shown
    out[1] = _set_size(probability, shown, level)
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
        groups: int32, ``n x most``, filled with the candidates in the order of their families.
        probabilities: float64, ``n x most``, filled likewise.
        sizes: int32, ``n``, filled with the number of candidates; 0: no stay ever stood like this one.
        ends: float64, ``n x 6``, filled with the ends and middles of final cost and length of stay.
    """
    tables = _tables(body, places)
    for row in range(known.shape[0]):
        sizes[row], context = _fill(tables, known[row], groups[row], probabilities[row])
        if context >= 0:
            _ends(tables, known[row], ends[row])
