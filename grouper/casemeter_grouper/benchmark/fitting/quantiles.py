"""Quantiles over several years of unequal weight, in whole numbers.

A case of a year ``y`` with weight ``w_y`` and ``n_y`` cases has the mass ``w_y * SCALE // n_y``, so that
each year has its weight whatever the number of its cases. The quantile of ``p`` percent is the smallest value
up to which at least ``p`` percent of the mass lies; where that is exactly ``p`` percent, the middle between
that value and the next. In one year this is the ordinary median for ``p = 50``, and for any ``p`` what SAS
calls PCTLDEF=5. Nothing depends on the order of the cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.benchmark.spread import PERCENTS

Ints = NDArray[np.int64]

QUARTILES: Final = (25, 75)
SCALE: Final = 2_329_089_562_800
"""A multiple of every number up to 30: years of no more cases have their weight exactly."""

_YEAR_BITS: Final = 4
MAX_YEARS: Final = 1 << _YEAR_BITS


def masses(weights: Sequence[int], cases: Sequence[int]) -> Ints:
    """Return the mass of a case of each year; 0 for a year without cases."""
    return np.array([w * SCALE // n if n else 0 for w, n in zip(weights, cases, strict=True)], np.int64)


def packed(values: Ints, years: NDArray[np.integer]) -> Ints:
    """Return values together with their years (places in the weights), as :func:`quantiles` takes them.

    Args:
        values: 0 or more and below 2**59.
        years: as many.
    """
    return (values << _YEAR_BITS) | years


def quantiles(cases: Ints, mass: Ints, percents: Sequence[int] = PERCENTS) -> tuple[Fraction, ...]:
    """Return quantiles of values of several years, exactly.

    Args:
        cases: at least one value with its year, of :func:`packed`, in any order.
        mass: of a case of each year.
        percents: above 0 and below 100.
    """
    ordered = np.sort(cases)
    reached = np.cumsum(mass[ordered & (MAX_YEARS - 1)])
    total = int(reached[-1])
    found = []
    for percent in percents:
        wanted = total * percent
        at = int(np.searchsorted(reached, -(-wanted // 100)))
        value = int(ordered[at]) >> _YEAR_BITS
        after = int(ordered[at + 1]) >> _YEAR_BITS if int(reached[at]) * 100 == wanted else value
        found.append(Fraction(value + after, 2))
    return tuple(found)


def weighted(weights: Sequence[int], cases: Sequence[int], sums: Sequence[int]) -> Fraction:
    """Return the mean of the means of the years that have cases, by their weights.

    Args:
        weights: of each year.
        cases: number of cases of each year, not all 0.
        sums: sum over the cases of each year.
    """
    present = [(w, n, s) for w, n, s in zip(weights, cases, sums, strict=True) if n]
    return sum((Fraction(w * s, n) for w, n, s in present), Fraction()) / sum(w for w, _, _ in present)
