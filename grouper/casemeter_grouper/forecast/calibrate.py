"""Conformal calibration: how far sets and intervals must reach, by stays that were not learned from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.forecaster import Asked
from casemeter_grouper.forecast.kernel import BUCKET, COST, DAY, NO_COST

_FEWEST = 300
"""Days that a chapter and bucket need for a level of their own."""

Floats = NDArray[np.float64]


def places(asked: Asked, final: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the place of the final group among the candidates of each day; -1 where it is none of them."""
    hit = asked.groups == final[:, None]
    found: NDArray[np.intp] = np.where(hit.any(axis=1), hit.argmax(axis=1), -1)
    return found


def needed(asked: Asked, final: NDArray[np.int32]) -> Floats:
    """Return the level that each day's set must reach to hold the final group; above 1 where none does."""
    place = places(asked, final)
    before = np.cumsum(asked.probabilities, axis=1) - asked.probabilities
    # A set grows until it reaches the level: the final group is in it when what stands before is below it.
    level = before[np.arange(len(place)), place]
    found: Floats = np.where(place < 0, 2.0, level)
    return found


def set_levels(
    asked: Asked,
    known: NDArray[np.int64],
    final: NDArray[np.int32],
    chapter: NDArray[np.int32],
    shape: tuple[int, int],
    level: float,
) -> Floats:
    """Return the level that sets must reach, by chapter and bucket; never below the level itself."""
    need = needed(asked, final)
    bucket = known[:, BUCKET]
    answered = asked.sizes > 0
    levels = np.full(shape, level)
    for day in range(shape[1]):
        of_day = answered & (bucket == day)
        common = _quantile(need[of_day], level)
        for number in range(shape[0]):
            own = need[of_day & (chapter == number)]
            levels[number, day] = max(level, _quantile(own, level) if len(own) >= _FEWEST else common)
    found: Floats = np.minimum(levels, 1.0)
    return found


def _quantile(values: Floats, level: float) -> float:
    """The least value that at least so many of one more than there are do not exceed."""
    if not len(values):
        return level
    rank = min(int(np.ceil((len(values) + 1) * level)), len(values))
    # The level must lie above what stands before the truth.
    return float(np.nextafter(np.partition(values, rank - 1)[rank - 1], 3.0))


def margins(
    asked: Asked,
    known: NDArray[np.int64],
    final_cost: NDArray[np.int64],
    days: NDArray[np.int32],
    buckets: int,
    level: float,
) -> Floats:
    """Return how much wider each end must be drawn, by bucket; below 0 where it may be narrower."""
    bucket, cost = known[:, BUCKET], known[:, COST]
    day = known[:, DAY]
    found = np.zeros((buckets, 4))
    final = np.log(np.maximum(final_cost, 1).astype(np.float64))
    low, high = (np.log(np.maximum(asked.ends[:, at], 1.0)) for at in (0, 2))
    left = np.log(1.0 + days - day)
    days_low, days_high = (np.log(np.maximum(1.0 + asked.ends[:, at] - day, 1.0)) for at in (3, 5))
    for at in range(buckets):
        own = (bucket == at) & (asked.sizes > 0)
        paid = own & (cost != NO_COST)
        found[at, :2] = _quantile(np.maximum(low - final, final - high)[paid], level)
        found[at, 2:] = _quantile(np.maximum(days_low - left, left - days_high)[own], level)
    return found
