"""Settled stays as lists of plain rows, for tests: made into chunks, and measured in a plain way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import ceil, floor

import numpy as np

from casemeter_grouper.benchmark.fitting.fit import Groups
from casemeter_grouper.benchmark.fitting.policy import Policy
from casemeter_grouper.benchmark.fitting.quantiles import SCALE
from casemeter_grouper.history.settled import CATEGORIES, NONE, Ragged, SettledChunk
from casemeter_grouper.history.settled_days import DayChunk

GROUPS = Groups(
    codes=("BR21", "BR23", "BR25", "IR29"),
    adrgs=("BR2", "IR2"),
    adrg_of=np.array([0, 0, 0, 1], np.int32),
)


_DAY_ONE = date(1970, 1, 1)


@dataclass(frozen=True)
class Stay:
    """One stay.

    Attributes:
        group: code; an ADRG alone for one that is in no group of it.
        charges: amounts by day of stay; empty: the whole cost on day 1.
        fees: ten of them; empty: the whole cost in the first category.
    """

    number: int
    group: str
    year: int
    cost: int
    los: int = 1
    charges: tuple[tuple[int, int], ...] = ()
    fees: tuple[int, ...] = ()

    @property
    def discharge(self) -> int:
        return (date(self.year, 6, 1) - _DAY_ONE).days

    @property
    def key(self) -> int:
        return self.number * 0x9E3779B97F4A7C15 % 2**64


def stay_chunk(stays: Sequence[Stay]) -> SettledChunk:
    """Make stays one chunk."""
    count = len(stays)
    group = [GROUPS.codes.index(stay.group) if stay.group in GROUPS.codes else NONE for stay in stays]
    empty = Ragged(np.zeros(0, np.int32), np.zeros(count + 1, np.int64))
    fees = [stay.fees or (stay.cost, *[0] * (CATEGORIES - 1)) for stay in stays]
    nothing = np.zeros(count, np.int32)
    return SettledChunk(
        file=0,
        row=np.arange(1, count + 1),
        key=np.array([stay.key for stay in stays], np.uint64),
        group=np.array(group, np.int32),
        adrg=np.array([GROUPS.adrgs.index(stay.group[:3]) for stay in stays], np.int32),
        status=np.zeros(count, np.uint8),
        discharge=np.array([stay.discharge for stay in stays], np.int32),
        year=np.array([stay.year for stay in stays], np.int32),
        cost_fen=np.array([stay.cost for stay in stays], np.int64),
        los_days=np.array([stay.los for stay in stays], np.int32),
        age_years=nothing,
        sex=np.zeros(count, np.uint8),
        department=nothing,
        fees_fen=np.array(fees, np.int64).reshape(count, CATEGORIES),
        principal=nothing,
        others=empty,
        procedures=empty,
        newborn=np.full((count, 2), np.nan),
    )


def charge_rows(stays: Sequence[Stay]) -> list[tuple[int, int, int]]:
    """Return key, day and amount of every charge."""
    return [(stay.key, *row) for stay in stays for row in stay.charges or ((1, stay.cost),)]


def charge_chunk(rows: Sequence[tuple[int, int, int]]) -> DayChunk:
    """Make charges one chunk."""
    return DayChunk(
        key=np.array([row[0] for row in rows], np.uint64),
        day=np.array([row[1] for row in rows], np.int32),
        date=np.full(len(rows), -1, np.int32),
        total_fen=np.array([row[2] for row in rows], np.int64),
    )


# The plain reading: lists and fractions, one group after the other.


@dataclass
class Plain:
    """Figures of one group; money in fen."""

    cases: int
    set_aside: int
    mean: Fraction
    variance: Fraction
    quantiles: list[Fraction]
    mean_los: Fraction
    los_quantiles: list[Fraction]
    shares: list[Fraction]
    days: list[tuple[int, Fraction, list[Fraction]]] = field(default_factory=list)


PERCENTS = (10, 25, 50, 75, 90)


def quantile(values: Sequence[tuple[int, int]], percent: int) -> Fraction:
    """Quantile of values with masses."""
    ordered = sorted(values)
    wanted = Fraction(sum(mass for _, mass in ordered) * percent, 100)
    reached = 0
    for at, (value, mass) in enumerate(ordered):
        reached += mass
        if reached == wanted:
            return Fraction(value + ordered[at + 1][0], 2)
        if reached > wanted:
            return Fraction(value)
    raise AssertionError


def trimmed(stays: Sequence[Stay], policy: Policy) -> list[Stay]:
    """The stays of one group whose cost is not far from the others of their year."""
    kept = []
    for year in sorted({stay.year for stay in stays}):
        own = [stay for stay in stays if stay.year == year]
        lower, upper = (quantile([(stay.cost, 1) for stay in own], percent) for percent in (25, 75))
        low, high = lower - policy.below * (upper - lower), upper + policy.above * (upper - lower)
        kept += [stay for stay in own if not policy.trims or ceil(low) <= stay.cost <= floor(high)]
    return kept


def cost_by(stay: Stay, day: int) -> int:
    """Cost of a stay up to the end of a day; what is taken back later was never spent."""
    rows = stay.charges or ((1, stay.cost),)
    later = range(min(day, stay.los + 1), stay.los + 2)
    return max(0, min(sum(amount for on, amount in rows if on <= end) for end in later))


def plainly(stays: Sequence[Stay], policy: Policy, last: int) -> Plain | None:
    """Measure the stays of one group."""
    first = last - len(policy.year_weights) + 1
    weights = {first + at: weight for at, weight in enumerate(policy.year_weights)}
    counted = [stay for stay in stays if stay.year in weights]
    kept = trimmed(counted, policy)
    if len(kept) < policy.least_cases:
        return None
    by_year: dict[int, list[Stay]] = defaultdict(list)
    for stay in kept:
        by_year[stay.year].append(stay)

    def mean(values: dict[int, list[int]]) -> Fraction:
        present = {year: of_year for year, of_year in values.items() if of_year}
        total = sum(weights[year] for year in present)
        return sum(
            (Fraction(weights[year] * sum(v), total * len(v)) for year, v in present.items()), Fraction()
        )

    def of(value: str) -> dict[int, list[int]]:
        return {year: [getattr(stay, value) for stay in own] for year, own in by_year.items()}

    masses = {year: weights[year] * SCALE // len(own) for year, own in by_year.items()}
    average = mean(of("cost"))
    fees = {stay: stay.fees or (stay.cost, *[0] * (CATEGORIES - 1)) for stay in kept}
    sound = [stay for stay in kept if sum(fees[stay]) == stay.cost and min(fees[stay]) >= 0]
    parts = [
        mean({year: [fees[stay][at] for stay in sound if stay.year == year] for year in by_year})
        for at in range(CATEGORIES if sound else 0)
    ]
    found = Plain(
        cases=len(kept),
        set_aside=len(counted) - len(kept),
        mean=average,
        variance=mean({year: [c * c for c in costs] for year, costs in of("cost").items()}) - average**2,
        quantiles=[quantile([(stay.cost, masses[stay.year]) for stay in kept], p) for p in PERCENTS],
        mean_los=mean(of("los")),
        los_quantiles=[quantile([(stay.los, masses[stay.year]) for stay in kept], p) for p in PERCENTS],
        shares=[part / sum(parts) for part in parts],
    )
    known = [stay for stay in kept if sum(a for _, a in stay.charges or ((1, stay.cost),)) == stay.cost]
    of_days = {year: [stay for stay in known if stay.year == year] for year in by_year}
    masses = {year: weights[year] * SCALE // len(own) for year, own in of_days.items() if own}
    day = 1
    while (still := sum(stay.los >= day for stay in known)) >= policy.least_cases and day <= policy.last_day:
        costs = {year: [cost_by(stay, day) for stay in own] for year, own in of_days.items()}
        spread = [(cost, masses[year]) for year, own in costs.items() for cost in own]
        found.days.append((still, mean(costs), [quantile(spread, p) for p in PERCENTS]))
        day += 1
    return found
