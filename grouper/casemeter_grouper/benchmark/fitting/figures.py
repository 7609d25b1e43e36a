"""The figures of groups, as fitting finds them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class DayFigures(NamedTuple):
    """What stays had cost by the end of one day, finished ones with their final cost.

    Attributes:
        still_in: stays at least as long as the day.
        mean_fen: mean cost.
        fen: quantiles of the cost, as :data:`~casemeter_grouper.benchmark.spread.PERCENTS`.
    """

    still_in: int
    mean_fen: Fraction
    fen: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the cases of one group, or of one ADRG, were like. All of it is exact.

    Attributes:
        cases: that were measured, at least 1.
        set_aside: whose cost lies too far from the others.
        mean_fen: mean cost.
        cv_squared: squared standard deviation of the cost (over the number of cases), divided by the square
            of the mean.
        cost_fen: quantiles of the cost, as :data:`~casemeter_grouper.benchmark.spread.PERCENTS`.
        mean_los: mean length of stay in days.
        los: quantiles of it.
        shares: of each front-page category in the cost, adding up to 1; empty: not known of any case.
        days: from day 1 to the last that enough stays reach; empty: not known of enough cases.
    """

    cases: int
    set_aside: int
    mean_fen: Fraction
    cv_squared: Fraction
    cost_fen: tuple[Fraction, ...]
    mean_los: Fraction
    los: tuple[Fraction, ...]
    shares: tuple[Fraction, ...]
    days: tuple[DayFigures, ...]


class Measured(NamedTuple):
    """One group with its figures.

    Attributes:
        basis: one of :data:`~casemeter_grouper.benchmark.load.BASES`.
        own_cases: cases of the group itself, after trimming.
        figures: of its own cases, or of all cases of its ADRG.
    """

    code: str
    basis: str
    own_cases: int
    figures: Figures


class Unmeasured(NamedTuple):
    """One group that too few cases are of.

    Attributes:
        cases: of the group, after trimming.
        adrg: code of its ADRG; empty: there is none.
        adrg_cases: cases of the ADRG, after trimming; 0: it was not asked.
    """

    code: str
    cases: int
    adrg: str
    adrg_cases: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was not used, and why.

    Attributes:
        reason: a word of ``reasons.toml``, or of the reader of histories.
        count: how often.
        example: one of them, without anything that names a patient; may be empty.
    """

    reason: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was found.

    Attributes:
        first_year, last_year: calendar years of the discharges that count.
        weights: of the years that have stays, by year.
        stays: that were given.
        measured: by code.
        unmeasured: by code.
        dropped: in the order of their reasons.
    """

    first_year: int
    last_year: int
    weights: dict[int, int]
    stays: int
    measured: tuple[Measured, ...]
    unmeasured: tuple[Unmeasured, ...]
    dropped: tuple[Dropped, ...]
