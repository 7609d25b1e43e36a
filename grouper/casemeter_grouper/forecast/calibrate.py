"""Conformal calibration: how far sets and intervals must reach, by stays that were not learned from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.kernel import BUCKET, COST, DAY, MARGIN, NO_COST
from casemeter_grouper.forecast.measured import Measured
from casemeter_grouper.forecast.model import Steps
from casemeter_grouper.forecast.stay_days import StayDays, stands_for

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


def _weighed_quantile(values: Floats, weight: Floats, level: float) -> float:
    """The same where each value stands for several days; the one more is as heavy as they are on average."""
    order = np.argsort(values, kind="stable")
    summed = np.cumsum(weight[order])
    place = np.searchsorted(summed, level * summed[-1] * (1 + 1 / len(values)))
    return float(np.nextafter(values[order[min(place, len(values) - 1)]], np.inf))


def margins(
    measured: Measured, rows: StayDays, known: NDArray[np.int64], steps: Steps, level: float
) -> Floats:
    """Return how much wider each end must be drawn, by step of days; below 0 where it may be narrower.

    Args:
        measured: what was said of the days.
        rows: days, one of each bucket that a stay reached.
        known: the same days as the kernel takes them.
        steps: of the model.
        level: how often the intervals should hold the truth.
    """
    step, bucket, cost, day = (known[:, at] for at in (MARGIN, BUCKET, COST, DAY))
    count = len(steps.margin_from)
    found = np.zeros((count, 4))
    weight = stands_for(rows, bucket, steps.day_from)
    final = np.log(np.maximum(rows.final_cost, 1).astype(np.float64))
    low, high = (np.log(np.maximum(measured.ends[:, at], 1.0)) for at in (0, 2))
    left = np.log(1.0 + np.maximum(rows.days - day, 0))
    first, last = (np.log(np.maximum(1.0 + measured.ends[:, at] - day, 1.0)) for at in (3, 5))
    cost_off, days_off = np.maximum(low - final, final - high), np.maximum(first - left, left - last)
    for at in range(count):
        own = measured.answered & (step == at)
        if 0 < own.sum() < _FEWEST:
            own = measured.answered & (bucket == bucket[own][0])
        paid = own & (cost != NO_COST)
        found[at, :2] = _weighed_quantile(cost_off[paid], weight[paid], level) if paid.any() else 0.0
        found[at, 2:] = _weighed_quantile(days_off[own], weight[own], level) if own.any() else 0.0
    # A step that no stay reached is as wide as the last one that some did.
    reached = np.isin(np.arange(count), step[measured.answered])
    found[~reached] = found[np.flatnonzero(reached)[-1]] if reached.any() else 0.0
    return found
