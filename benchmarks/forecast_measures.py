"""How well a forecast does on days of stays: against how they ended, and against the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.measured import measure
from casemeter_grouper.forecast.report import LEAST
from casemeter_grouper.forecast.stay_days import StayDays
from forecast_days import Law

AT_ONCE: Final = 20_000
"""Days that are asked for at once: each has a row of all candidates."""

FEWEST: Final = 500
"""Stays that a chapter, or a day, must have to be held to the level by itself."""

SIGMAS: Final = 3

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Cell(NamedTuple):
    """Days that have something in common, and how often their sets hold the truth.

    Attributes:
        name: of the cell.
        days: how many.
        stays: that these are of.
        covered: share of the days whose set holds the group that the stay ended in.
    """

    name: str
    days: int
    stays: int
    covered: float

    def spare(self, level: float) -> float:
        """By how much it lies above the level less three binomial standard errors of the stays.

        Stays are counted and not days: the days of a stay agree.
        """
        return self.covered - level + SIGMAS * float(np.sqrt(level * (1 - level) / self.stays))


def coverage(covered: Bools, rows: StayDays, names: Sequence[str], cell: NDArray[Any]) -> list[Cell]:
    """Return how often the sets of each cell hold the truth, for cells with enough stays.

    Args:
        covered: whether the set of each day does.
        rows: the days.
        names: of the cells.
        cell: number of that of each day; negative: none.
    """
    found = []
    for number, name in enumerate(names):
        own = cell == number
        stays = len(np.unique(rows.stay[own]))
        if stays >= FEWEST:
            found.append(Cell(name, int(own.sum()), stays, float(covered[own].mean())))
    return found


def day_cells(day: NDArray[Any]) -> tuple[list[str], Ints]:
    """Return a cell for each day of stay, those from which on too few stays have each pooled in one."""
    count = np.bincount(day)
    thin = np.flatnonzero(count[1:] < FEWEST) + 1
    tail = int(thin[0]) if len(thin) else len(count)
    names = [f"day {number}" for number in range(1, tail)]
    return [*names, f"day {tail} on"], np.minimum(day, tail).astype(np.int64) - 1


class Ratio(NamedTuple):
    """A ratio of two means over the same days, with its standard error."""

    value: float
    error: float

    def __str__(self) -> str:
        return f"{self.value:.4f} ± {self.error:.4f}"


def ratio(above: Floats, below: Floats) -> Ratio:
    """Return the ratio of the means of paired values."""
    value = above.mean() / below.mean()
    error = (above - value * below).std() / np.sqrt(len(above)) / below.mean()
    return Ratio(float(value), float(error))


@dataclass(frozen=True, eq=False)
class Compared:
    """A forecast beside the truth on days, ``n`` of them.

    Attributes:
        loss: minus ln of what the forecast gave the group that the stay ended in.
        true_loss: minus ln of what is true of it.
        cross: what the loss is expected to be, by the truth.
        entropy: what the true loss is expected to be.
        size: of the forecast's set, however wide.
        true_size: of the smallest set that holds the truth with the level.
        held: true probability that the forecast's set holds the truth.
        right: whether the forecast's first candidate was it.
        true_right: whether the truth's was.
        best: true probability of the truth's first candidate.
        on_average: mean size of sets that hold the truth with the level on average only.
    """

    loss: Floats
    true_loss: Floats
    cross: Floats
    entropy: Floats
    size: Floats
    true_size: Floats
    held: Floats
    right: Bools
    true_right: Bools
    best: Floats
    on_average: float


def compare(
    forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64], laws: Sequence[Law]
) -> Compared:
    """Hold a forecast against the truth; a day without an answer counts as one of an impossible group.

    Args:
        forecaster: what is asked.
        rows: the days.
        known: the same days as the kernel takes them.
        laws: what is true of each day.
    """
    level, count = forecaster.header.level, len(known)
    measured, final = measure(forecaster, rows, known), rows.final_group.astype(np.int32) + 1
    cross, entropy, true_loss, true_size, held, best = np.zeros((6, count))
    true_right = np.zeros(count, np.bool_)
    for first in range(0, count, AT_ONCE):
        said = forecaster.ask_all(known[first : first + AT_ONCE])
        for row, law in enumerate(laws[first : first + AT_ONCE]):
            at, p = first + row, law.probabilities
            dense = np.zeros(len(forecaster.codes.groups) + 1)
            dense[said.groups[row]] = said.probabilities[row]
            in_set = np.isin(law.groups, said.groups[row, : int(measured.set_size[at])])
            own = p[law.groups == final[at]]
            cross[at] = -(p * np.log(np.maximum(dense[law.groups], LEAST))).sum()
            entropy[at] = -(p * np.log(p)).sum()
            true_loss[at] = -np.log(own[0]) if len(own) else -np.log(LEAST)
            true_size[at] = int(np.searchsorted(np.cumsum(p), level - 1e-12)) + 1
            held[at], best[at] = p[in_set].sum(), p[0]
            true_right[at] = law.groups[0] == final[at]
    size = measured.set_size.astype(np.float64)
    return Compared(
        -np.log(np.maximum(measured.probability, LEAST)),
        true_loss,
        cross,
        entropy,
        size,
        true_size,
        held,
        measured.place == 0,
        true_right,
        best,
        on_average([law.probabilities for law in laws], level),
    )


def on_average(probabilities: Sequence[Floats], level: float) -> float:
    """Return the mean size of the smallest sets that hold the truth with the level on average over all days.

    Nothing keeps the probability of one day's set from lying far below the level.
    """
    pooled = -np.sort(-np.concatenate(probabilities))
    return (int(np.searchsorted(np.cumsum(pooled), level * len(probabilities))) + 1) / len(probabilities)


class Widths(NamedTuple):
    """Intervals of a forecast beside the true ones, day by day.

    Attributes:
        cost: ln of the upper by the lower end of the final cost.
        true_cost: of the true interval.
        days: from end to end of the length of stay, both counted.
        true_days: of the true interval.
    """

    cost: Floats
    true_cost: Floats
    days: Floats
    true_days: Floats


def widths(ends: Floats, laws: Sequence[Law]) -> Widths:
    """Return how wide intervals are.

    Args:
        ends: of the forecast, as of :class:`~casemeter_grouper.forecast.measured.Measured`.
        laws: what is true of the same days.
    """
    cost = np.array([(law.cost_fen.low, law.cost_fen.high) for law in laws])
    days = np.array([(law.los_days.low, law.los_days.high) for law in laws])
    low, _, high, first, _, last = ends.T
    return Widths(
        np.log(high / np.maximum(low, 1)),
        np.log(cost[:, 1] / cost[:, 0]),
        last - first + 1,
        days[:, 1] - days[:, 0] + 1,
    )


class Reliability(NamedTuple):
    """How often what was given a probability came true.

    Attributes:
        given: mean probability of the candidates of each twentieth of probability.
        came: share of them that were the group that the stay ended in.
        candidates: how many.
    """

    given: Floats
    came: Floats
    candidates: Ints


def reliability(forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64]) -> Reliability:
    """Tell how often candidates come true, by twentieths of their probability."""
    bins, final = 20, rows.final_group.astype(np.int32) + 1
    given, came, count = np.zeros((3, bins))
    for first in range(0, len(known), AT_ONCE):
        said = forecaster.ask_all(known[first : first + AT_ONCE])
        there = said.groups > 0
        cell = np.minimum((said.probabilities[there] * bins).astype(np.int64), bins - 1)
        hit = said.groups == final[first : first + AT_ONCE, None]
        given += np.bincount(cell, said.probabilities[there], bins)
        came += np.bincount(cell, hit[there], bins)
        count += np.bincount(cell, minlength=bins)
    some = count > 0
    return Reliability(given[some] / count[some], came[some] / count[some], count[some].astype(np.int64))


def by_day(values: NDArray[Any], day: NDArray[Any], days: Sequence[int]) -> list[float]:
    """Return the mean of values on each of some days of stay; NaN where there is none."""
    return [float(values[day == one].mean()) if (day == one).any() else float("nan") for one in days]


def timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds that something takes: the least of five times."""
    times = []
    for _ in range(5):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)
