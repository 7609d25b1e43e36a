"""Conformal calibration: how far sets and intervals must reach, by stays that were not learned from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.kernel import BUCKET, COST, DAY, MARGIN, NO_COST
from casemeter_grouper.forecast.measured import Measured
from casemeter_grouper.forecast.stay_days import StayDays

_FEWEST = 300
"""Days that a chapter and bucket need for a level of their own, and a step for margins of its own."""

Floats = NDArray[np.float64]


def set_levels(
    measured: Measured,
    bucket: NDArray[np.int64],
    chapter: NDArray[np.int32],
    shape: tuple[int, int],
    level: float,
) -> Floats:
    """Return the level that sets must reach, by chapter and bucket; never below the level itself."""
    levels = np.full(shape, level)
    for day in range(shape[1]):
        of_day = measured.answered & (bucket == day)
        common = _quantile(measured.before[of_day], level)
        for number in range(shape[0]):
            own = measured.before[of_day & (chapter == number)]
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


def margins(measured: Measured, rows: StayDays, known: NDArray[np.int64], steps: int, level: float) -> Floats:
    """Return how much wider each end must be drawn, by step of days; below 0 where it may be narrower."""
    step, bucket, cost, day = (known[:, at] for at in (MARGIN, BUCKET, COST, DAY))
    found = np.zeros((steps, 4))
    final = np.log(np.maximum(rows.final_cost, 1).astype(np.float64))
    low, high = (np.log(np.maximum(measured.ends[:, at], 1.0)) for at in (0, 2))
    left = np.log(1.0 + np.maximum(rows.days - day, 0))
    first, last = (np.log(np.maximum(1.0 + measured.ends[:, at] - day, 1.0)) for at in (3, 5))
    cost_off, days_off = np.maximum(low - final, final - high), np.maximum(first - left, left - last)
    for at in range(steps):
        own = measured.answered & (step == at)
        if 0 < own.sum() < _FEWEST:
            own = measured.answered & (bucket == bucket[own][0])
        paid = own & (cost != NO_COST)
        found[at, :2] = _quantile(cost_off[paid], level) if paid.any() else 0.0
        found[at, 2:] = _quantile(days_off[own], level) if own.any() else 0.0
    # A step that no stay reached is as wide as the last one that some did.
    reached = np.isin(np.arange(steps), step[measured.answered])
    found[~reached] = found[np.flatnonzero(reached)[-1]] if reached.any() else 0.0
    return found
