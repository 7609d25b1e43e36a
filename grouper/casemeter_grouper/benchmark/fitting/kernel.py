"""The loops of fitting that go over every charge, every day and every fee.

numba compiles them; they take and change arrays of whole numbers, and nothing depends on an order.
"""

# numba's decorators have no types, and the types of what it compiles are those of the calls.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@njit(cache=True, nogil=True)
def add_charges(cost: Ints, place: Ints, amount: Ints) -> None:
    """Add each amount at its place."""
    for i in range(len(place)):
        cost[place[i]] += amount[i]


@njit(cache=True, nogil=True)
def cumulate(cost: Ints, at: Ints, final: Ints, known: NDArray[np.bool_]) -> None:
    """Turn what was charged on each day of each stay into its cost up to the end of the day, in place.

    Args:
        cost: of the days of all stays.
        at: places of the stays.
        final: cost of each stay.
        known: set to whether the days of the stay make up its cost.
    """
    for stay in range(len(final)):
        first, end = at[stay], at[stay + 1]
        total = 0
        for place in range(first, end):
            total += cost[place]
            cost[place] = total
        known[stay] = total == final[stay]
        # What is taken back later was never spent.
        least = total
        for place in range(end - 1, first - 1, -1):
            least = min(least, cost[place])
            cost[place] = max(least, 0)


@njit(cache=True, nogil=True)
def add_fees(sums: Ints, cell: NDArray[np.int32], fees: NDArray[np.integer]) -> None:
    """Add the fees of each stay to those of its cell; -1: to none."""
    for i in range(len(cell)):
        if cell[i] >= 0:
            for category in range(fees.shape[1]):
                sums[cell[i], category] += fees[i, category]
