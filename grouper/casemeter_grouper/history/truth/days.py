"""Length of stay as the copula takes it: for every scenario and severity, where a day more begins."""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.history.truth.normal import FAR, quantile
from casemeter_grouper.history.world import Floats, World

_LEAST: Final = 1e-13
"""Stays that are so seldom longer are not: the last day takes all of them."""


class Days(NamedTuple):
    """Thresholds of a standard normal number, by scenario and severity.

    Attributes:
        at: int64, ``S * Z + 1``: scenario ``s`` with severity ``z`` has those from ``at[s * Z + z]`` on.
        threshold: a stay has ``n`` days where the number lies between the thresholds ``n - 1`` and ``n``; the
            first is minus infinity, as good as, and the last is infinity.
    """

    at: NDArray[np.int64]
    threshold: Floats


def days_of(world: World) -> Days:
    """Return the thresholds of a world."""
    means = np.maximum((world.mean_los[:, None] - 1) * world.los_lift[None, :], 0.0).reshape(-1)
    return Days(*_thresholds(means, world.dispersion))


@njit(cache=True)
def _thresholds(means, dispersion):  # type: ignore[no-untyped-def]
    counts = np.empty(len(means), np.int64)
    for place in range(len(means)):
        counts[place] = _go_through(means[place], dispersion, np.empty(0), 0)
    at = np.zeros(len(means) + 1, np.int64)
    at[1:] = np.cumsum(counts + 1)
    threshold = np.empty(at[-1])
    for place in range(len(means)):
        own = threshold[at[place] : at[place + 1]]
        _go_through(means[place], dispersion, own, counts[place])
        own[0] = -FAR
        own[-1] = FAR
    return at, threshold


@njit(cache=True)
def _go_through(mean, dispersion, out, count):  # type: ignore[no-untyped-def]
    """Return how many days a stay may have; fill in the thresholds between them if ``count`` tells it."""
    odds = mean / (dispersion + mean)
    probability = (1 - odds) ** dispersion
    up_to, days = probability, 1
    while 1 - up_to > _LEAST:
        if days < count:
            out[days] = quantile(up_to) if up_to <= 0.5 else -quantile(1 - up_to)
        probability *= odds * (dispersion + days - 1) / days
        up_to += probability
        days += 1
    return days
