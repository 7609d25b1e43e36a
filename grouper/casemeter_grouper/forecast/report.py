"""How well a forecast does on stays that it has not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.calibrate import places
from casemeter_grouper.forecast.forecaster import Asked, Forecaster
from casemeter_grouper.forecast.kernel import BUCKET, GROUP
from casemeter_grouper.forecast.stay_days import StayDays

LEAST: Final = 1e-6
"""A group that was thought impossible counts as so probable in a log loss."""


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
    asked = forecaster.ask_all(known)
    sizes = set_sizes(forecaster, asked, known)
    day_from = np.array(forecaster.manifest["day_from"])
    after = np.append(day_from[1:], np.iinfo(np.int32).max)
    bucket = known[:, BUCKET]
    stands_for = np.minimum(rows.days.astype(np.int64) + 1, after[bucket]) - day_from[bucket]
    by_bucket = [
        figures(forecaster, asked, sizes, rows, (bucket == at).astype(np.float64))
        if (bucket == at).any()
        else None
        for at in range(len(day_from))
    ]
    return Report(figures(forecaster, asked, sizes, rows, stands_for.astype(np.float64)), tuple(by_bucket))


def set_sizes(forecaster: Forecaster, asked: Asked, known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many candidates, from the first, reach the level of each day; if none do, one more."""
    arrays = forecaster.file.arrays
    level = arrays["levels"][arrays["group_chapter"][known[:, GROUP]], known[:, BUCKET]]
    reached = np.cumsum(asked.probabilities, axis=1) >= level[:, None]
    found: NDArray[np.int64] = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, asked.sizes + 1)
    return found


def figures(
    forecaster: Forecaster,
    asked: Asked,
    sizes: NDArray[np.int64],
    rows: StayDays,
    weight: NDArray[np.float64],
) -> Figures:
    """Return how well days were foretold.

    Args:
        forecaster: what was asked.
        asked: what it said.
        sizes: of the sets.
        rows: the days.
        weight: how much each day counts, at least 0.
    """
    place = places(asked, rows.final_group.astype(np.int32) + 1)
    answered = (asked.sizes > 0) * weight
    probability = np.where(place >= 0, asked.probabilities[np.arange(len(place)), place], 0.0)
    low, _, high = asked.ends[:, :3].T
    first, _, last = asked.ends[:, 3:].T
    paid = answered * (rows.cost > 0)
    in_cost = (low <= rows.final_cost) & (rows.final_cost <= high)
    in_days = (first <= rows.days) & (rows.days <= last)
    return Figures(
        days=int((weight > 0).sum()),
        never_seen=1 - float(answered.sum() / weight.sum()),
        log_loss=_mean(-np.log(np.maximum(probability, LEAST)), answered),
        first_right=_mean(place == 0, answered),
        covered=_mean((place >= 0) & (place < sizes), answered),
        set_size=_mean(sizes, answered),
        abstained=_mean(sizes > forecaster.most_in_set, answered),
        cost_covered=_mean(in_cost, paid),
        cost_width=float(np.median((high / np.maximum(low, 1))[paid > 0])) if paid.any() else 0.0,
        days_covered=_mean(in_days, answered),
        days_width=_mean(last - first + 1, answered),
    )


def _mean(values: NDArray[Any], weight: NDArray[np.float64]) -> float:
    return float(np.average(values, weights=weight)) if weight.any() else 0.0
