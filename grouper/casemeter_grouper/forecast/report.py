"""How well a forecast does on stays that it has not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.kernel import BUCKET
from casemeter_grouper.forecast.measured import Measured, measure
from casemeter_grouper.forecast.stay_days import StayDays, stands_for

LEAST: Final = 1e-6
"""A group that was thought impossible counts as so probable in a log loss."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """How well some days were foretold.

    Attributes:
        days: how many were asked for.
        never_seen: share of them without an answer; what follows is of the others.
        log_loss: mean of minus ln of the probability of the final group.
        first_right: share whose likeliest group was the final one.
        covered: share whose set holds the final group, however wide it is.
        set_size: mean size of these sets.
        abstained: share whose set is too wide to be told.
        cost_covered: share whose final cost is in its interval.
        cost_width: median of upper by lower end.
        days_covered: share whose length of stay is in its interval.
        days_width: mean of the days from end to end.
    """

    days: int
    never_seen: float
    log_loss: float
    first_right: float
    covered: float
    set_size: float
    abstained: float
    cost_covered: float
    cost_width: float
    days_covered: float
    days_width: float


@dataclass(frozen=True)
class Report:
    """How well a forecast does, by bucket of days.

    Attributes:
        all_days: over all stay-days; a day that was drawn from several counts as so many.
        by_bucket: for each bucket; ``None`` where no stay was that long.
    """

    all_days: Figures
    by_bucket: tuple[Figures | None, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "all_days": asdict(self.all_days),
            "by_bucket": [figures and asdict(figures) for figures in self.by_bucket],
        }


def report_of(forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64]) -> Report:
    """Test a forecast.

    Args:
        forecaster: what is tested.
        rows: days, one of each bucket that a stay reached.
        known: the same days as the kernel takes them.
    """
    measured = measure(forecaster, rows, known)
    day_from = forecaster.steps.day_from
    bucket, most = known[:, BUCKET], forecaster.most_in_set
    by_bucket = [
        figures(measured, rows, of_bucket.astype(np.float64), most) if of_bucket.any() else None
        for of_bucket in (bucket == at for at in range(len(day_from)))
    ]
    return Report(figures(measured, rows, stands_for(rows, bucket, day_from), most), tuple(by_bucket))


def figures(measured: Measured, rows: StayDays, weight: Floats, most_in_set: int) -> Figures:
    """Return how well days were foretold.

    Args:
        measured: what was said.
        rows: the days.
        weight: how much each day counts, at least 0.
        most_in_set: the most groups of a set that is told.
    """
    answered = measured.answered * weight
    low, _, high = measured.ends[:, :3].T
    first, _, last = measured.ends[:, 3:].T
    paid = answered * (rows.cost > 0)
    in_cost = (low <= rows.final_cost) & (rows.final_cost <= high)
    in_days = (first <= rows.days) & (rows.days <= last)
    return Figures(
        days=int((weight > 0).sum()),
        never_seen=1 - float(answered.sum() / weight.sum()),
        log_loss=_mean(-np.log(np.maximum(measured.probability, LEAST)), answered),
        first_right=_mean(measured.place == 0, answered),
        covered=_mean(measured.covered, answered),
        set_size=_mean(measured.set_size, answered),
        abstained=_mean(measured.set_size > most_in_set, answered),
        cost_covered=_mean(in_cost, paid),
        cost_width=float(np.median((high / np.maximum(low, 1))[paid > 0])) if paid.any() else 0.0,
        days_covered=_mean(in_days, answered),
        days_width=_mean(last - first + 1, answered),
    )


def _mean(values: NDArray[Any], weight: Floats) -> float:
    return float(np.average(values, weights=weight)) if weight.any() else 0.0
