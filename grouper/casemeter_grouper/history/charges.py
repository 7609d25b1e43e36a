"""What is charged on each day of made-up stays, by category of the front page."""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.history.draw import Stays
from casemeter_grouper.history.world import Floats, Ints, World


class Charges(NamedTuple):
    """Charges of stays, one row for each day of each stay.

    Attributes:
        stay: place of the stay among those drawn.
        day: of the stay, from 1.
        fen: int64, ``rows x 10``: by category.
        total: int64, ``stays x 10``: of the whole stay.
    """

    stay: Ints
    day: Ints
    fen: NDArray[np.int64]
    total: NDArray[np.int64]


def charge(world: World, stays: Stays, noise: float, seed: np.random.SeedSequence) -> Charges:
    """Spread the cost of stays over their days and over the categories, to the fen.

    Args:
        world: that the stays were drawn from.
        stays: as drawn.
        noise: the share of a category on one day is up to so much more or less, 0 to 1.
        seed: of these charges alone.
    """
    rows = int(stays.days.sum())
    categories = world.category_share.shape[1]
    charges = Charges(
        np.repeat(np.arange(len(stays.days), dtype=np.int32), stays.days),
        np.empty(rows, np.int32),
        np.empty((rows, categories), np.int64),
        np.zeros((len(stays.days), categories), np.int64),
    )
    shares = np.array([world.first_share, world.operation_share, world.plain_first_share])
    generator = np.random.Generator(np.random.PCG64(seed))
    _fill(stays, shares, world.pace_gamma, world.category_share, noise, generator, charges)
    return charges


def share_by(day: int, days: int, operation_day: int, shares: Floats, gamma: float) -> float:
    """Return the share of the cost up to the end of a day, 0 to 1.

    Args:
        day: of the stay, at most ``days``.
        days: length of stay.
        operation_day: 0 where there is no operation.
        shares: the world's ``first_share``, ``operation_share`` and ``plain_first_share``.
        gamma: the pace.
    """
    return float(_share(day, days, operation_day, shares, gamma))


@njit(cache=True, nogil=True)
def _share(day, days, operation_day, shares, gamma):  # type: ignore[no-untyped-def]
    if day >= days:
        return 1.0
    if operation_day > 0:
        share = shares[0] + (1.0 - shares[0] - shares[1]) * day / days
        if day >= operation_day:
            share += shares[1]
    else:
        share = shares[2] + (1.0 - shares[2]) * (day - 1) / (days - 1)
    return share**gamma


@njit(cache=True, nogil=True)
def _fill(stays, shares, paces, category_share, noise, generator, charges):  # type: ignore[no-untyped-def]
    categories = category_share.shape[1]
    weights = np.empty(categories)
    row = 0
    for stay in range(stays.days.shape[0]):
        days, cost = stays.days[stay], stays.cost_fen[stay]
        gamma = paces[stays.gamma[stay]]
        own = category_share[stays.scenario[stay]]
        before = 0
        for day in range(1, days + 1):
            share = _share(day, days, stays.operation_day[stay], shares, gamma)
            now = cost if day == days else int(cost * share + 0.5)
            of_day = now - before
            before = now
            largest = 0
            total = 0.0
            for category in range(categories):
                weights[category] = own[category] * (1.0 + noise * (2.0 * generator.random() - 1.0))
                total += weights[category]
                if weights[category] > weights[largest]:
                    largest = category
            rest = of_day
            for category in range(categories):
                part = int(of_day * (weights[category] / total))
                charges.fen[row, category] = part
                charges.total[stay, category] += part
                rest -= part
            # What rounding left over goes to the largest, so that the sums are exact.
            charges.fen[row, largest] += rest
            charges.total[stay, largest] += rest
            charges.day[row] = day
            row += 1
