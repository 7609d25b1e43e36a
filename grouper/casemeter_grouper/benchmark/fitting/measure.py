"""Measuring the groups, or the ADRGs: which cases count, and what they were like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.benchmark.fitting.collect import Curves, Stays
from casemeter_grouper.benchmark.fitting.figures import DayFigures, Figures
from casemeter_grouper.benchmark.fitting.kernel import add_fees
from casemeter_grouper.benchmark.fitting.policy import Policy
from casemeter_grouper.benchmark.fitting.quantiles import QUARTILES, masses, packed, quantiles, weighted
from casemeter_grouper.pack.progress import advance

Ints = NDArray[np.int64]
_STEP = 65_536


@dataclass(frozen=True, eq=False)
class Cases:
    """The cases of many units (groups or ADRGs), those of each year of each unit standing together.

    Attributes:
        order: places of the stays.
        at: ``units * years + 1`` places in :attr:`order`.
        set_aside: ``units x years``, cases that were trimmed away.
        years: number of years.
    """

    order: Ints
    at: Ints
    set_aside: Ints
    years: int

    def of(self, unit: int) -> tuple[Ints, list[int]]:
        """Return the places of the cases of a unit, year after year, and their number in each year."""
        at = self.at[unit * self.years : (unit + 1) * self.years + 1]
        return self.order[at[0] : at[-1]], np.diff(at).tolist()

    def count(self, unit: int) -> int:
        """Return the number of cases of a unit."""
        return int(self.at[(unit + 1) * self.years] - self.at[unit * self.years])


def cases_of(stays: Stays, unit: NDArray[np.int32], units: int, year: Ints, policy: Policy) -> Cases:
    """Return the cases that count.

    Args:
        stays: all stays.
        unit: of each stay; -1: none.
        units: number of units.
        year: place of the year of each stay among those that count; -1: it does not.
        policy: says what is set aside.
    """
    years = len(policy.year_weights)
    cell = np.where((unit >= 0) & (year >= 0), unit.astype(np.int64) * years + year, -1)
    order = np.argsort(cell, kind="stable")
    order = order[np.searchsorted(cell, 0, sorter=order) :]
    at = np.searchsorted(cell[order], np.arange(units * years + 1))
    kept = np.ones(len(order), np.bool_)
    if policy.trims:
        for first, end in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
            if end > first:
                cost = stays.cost_fen[order[first:end]]
                low, high = _limits(cost, policy)
                kept[first:end] = (cost >= low) & (cost <= high)
    before = np.concatenate(([0], np.cumsum(kept)))
    kept_at = before[at]
    set_aside = (np.diff(at) - np.diff(kept_at)).reshape(units, years)
    return Cases(order[kept], kept_at, set_aside, years)


def _limits(cost: Ints, policy: Policy) -> tuple[int, int]:
    """Return the lowest and the highest cost that count among those of one unit and year."""
    lower, upper = quantiles(packed(cost, np.zeros(1, np.int64)), masses((1,), (len(cost),)), QUARTILES)
    return ceil(lower - policy.below * (upper - lower)), floor(upper + policy.above * (upper - lower))


def measure(
    stays: Stays, curves: Curves | None, cases: Cases, units: Sequence[int], policy: Policy
) -> dict[int, Figures]:
    """Measure units.

    Args:
        stays: all stays.
        curves: their costs by day; ``None``: not known.
        cases: of all units.
        units: those that are measured; each has a case.
        policy: weights and least number of cases.

    Returns:
        The figures of each unit.
    """
    fees, fee_cases = _fees(stays, cases)
    found = {}
    for done, unit in enumerate(units):
        place, counts = cases.of(unit)
        rows = slice(unit * cases.years, (unit + 1) * cases.years)
        weights = policy.year_weights
        year = np.repeat(np.arange(cases.years), counts)
        mass = masses(weights, counts)
        cost = stays.cost_fen[place]
        los = stays.los_days[place].astype(np.int64)
        mean = weighted(weights, counts, _sums(cost, counts))
        squares = weighted(weights, counts, _sums_of_squares(cost, counts))
        found[unit] = Figures(
            cases=len(place),
            set_aside=int(cases.set_aside[unit].sum()),
            mean_fen=mean,
            cv_squared=squares / mean**2 - 1,
            cost_fen=quantiles(packed(cost, year), mass),
            mean_los=weighted(weights, counts, _sums(los, counts)),
            los=quantiles(packed(los, year), mass),
            shares=_shares(fees[rows], fee_cases[rows].tolist(), weights),
            days=() if curves is None else _days(stays, curves, place, year, policy),
        )
        advance("measuring", done + 1, len(units))
    return found


def _sums(values: Ints, counts: Sequence[int]) -> list[int]:
    """Return the sum of each year's values."""
    before = np.concatenate(([0], np.cumsum(values)))
    ends = np.cumsum([0, *counts])
    return [int(total) for total in np.diff(before[ends])]


def _sums_of_squares(values: Ints, counts: Sequence[int]) -> list[int]:
    """Return the sum of the squares of each year's values; these are beyond 64 bits."""
    sums, end = [], 0
    for count in counts:
        first, end = end, end + count
        sums.append(
            sum(
                sum(value * value for value in values[start : min(start + _STEP, end)].tolist())
                for start in range(first, end, _STEP)
            )
        )
    return sums


def _fees(stays: Stays, cases: Cases) -> tuple[Ints, Ints]:
    """Return the sums of the fees of each year of each unit, and of how many cases they are."""
    cells = len(cases.at) - 1
    cell = np.full(len(stays), -1, np.int32)
    cell[cases.order] = np.repeat(np.arange(cells, dtype=np.int32), np.diff(cases.at))
    cell[~stays.fees_add_up] = -1
    width = stays.fees_fen[0].shape[1] if stays.fees_fen else 0
    sums = np.zeros((cells, width), np.int64)
    first = 0
    for part in stays.fees_fen:
        add_fees(sums, cell[first : first + len(part)], part)
        first += len(part)
    return sums, np.bincount(cell[cell >= 0], minlength=cells)


def _shares(fees: Ints, counts: Sequence[int], weights: Sequence[int]) -> tuple[Fraction, ...]:
    if not any(counts):
        return ()
    means = [weighted(weights, counts, sums.tolist()) for sums in fees.T]
    whole = sum(means, Fraction())
    return tuple(mean / whole for mean in means)


def _days(stays: Stays, curves: Curves, place: Ints, year: Ints, policy: Policy) -> tuple[DayFigures, ...]:
    """Return the cost by day of cases that stand year after year."""
    known = curves.known[place]
    place, year = place[known], year[known]
    if len(place) < policy.least_cases:
        return ()
    los = stays.los_days[place]
    last = min(int(np.sort(los)[-policy.least_cases]), policy.last_day)
    counts = np.bincount(year, minlength=len(policy.year_weights)).tolist()
    mass = masses(policy.year_weights, counts)
    start = curves.at[place]
    cost = np.zeros(len(place), np.int64)
    days = []
    for day in range(1, last + 1):
        there = los + 1 >= day
        cost[there] = curves.cost_fen[start[there] + day - 1]
        days.append(
            DayFigures(
                int((los >= day).sum()),
                weighted(policy.year_weights, counts, _sums(cost, counts)),
                quantiles(packed(cost, year), mass),
            )
        )
    return tuple(days)
