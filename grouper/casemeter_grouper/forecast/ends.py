"""Where cost and days of a stay will end: what settled stays that stood alike show.

The final cost is read as a multiple of the running cost, which moves with the running cost along a line; the
days that are left as they were. Contexts with few stays say nothing: the next more general one answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.costs import slope_within
from casemeter_grouper.forecast.kernel import INTERVAL
from casemeter_grouper.forecast.keys import LEVEL_SHIFT, Parts, keys_of
from casemeter_grouper.forecast.stay_days import StayDays

_FEWEST = 60
"""Days that a context needs to answer."""

Floats = NDArray[np.float64]


class Ends(NamedTuple):
    """Where cost and days end.

    Attributes:
        trend: for each bucket of days: how ln of final by running cost moves with ln of the day, how ln of 1
            and the days that are left does, and the mean of ln of the day.
        keys: of the contexts, ascending.
        numbers: of each, as :data:`~casemeter_grouper.forecast.kernel.INTERVAL` names them.
    """

    trend: Floats
    keys: NDArray[np.int64]
    numbers: Floats


def fit_ends(rows: StayDays, parts: Parts, masks: NDArray[np.int32], buckets: int, level: float) -> Ends:
    """Return where cost and days of stays end.

    Args:
        rows: days of stays with a cost above 0.
        parts: of the same days.
        masks: of the contexts, the most special first; the last one names nothing, and answers for whatever
            the others do not.
        buckets: number of buckets.
        level: how often an interval should hold the truth.
    """
    x = np.log(np.maximum(rows.cost, 1).astype(np.float64))
    ratio = np.log(np.maximum(rows.final_cost, 1).astype(np.float64)) - x
    left = np.log(1.0 + np.maximum(rows.days - rows.day, 0))
    trend = _trend(np.log(rows.day.astype(np.float64)), ratio, left, parts, buckets)
    since = np.log(rows.day.astype(np.float64)) - trend[parts.bucket, 2]
    ratio -= trend[parts.bucket, 0] * since
    left -= trend[parts.bucket, 1] * since
    tail = (1 - level) / 2
    quantiles = np.array([tail, 0.5, 1 - tail])
    keys: list[NDArray[np.int64]] = []
    numbers: list[Floats] = []
    for place in range(len(masks)):
        own = keys_of(0, masks[place], parts)
        order = np.argsort(own, kind="stable")
        found, starts = np.unique(own[order], return_index=True)
        bounds = [*starts.tolist(), len(own)]
        large = np.flatnonzero(np.diff(bounds) >= (_FEWEST if masks[place].any() else 1))
        table = np.zeros((len(large), len(INTERVAL)))
        for at, context in enumerate(large.tolist()):
            some = order[bounds[context] : bounds[context + 1]]
            table[at] = _numbers(x[some], ratio[some], left[some], quantiles)
        keys.append(found[large] + (place << LEVEL_SHIFT))
        numbers.append(table)
    return Ends(trend, np.concatenate(keys), np.concatenate(numbers))


def _trend(ln_day: Floats, ratio: Floats, left: Floats, parts: Parts, buckets: int) -> Floats:
    trend = np.zeros((buckets, 3))
    stands = parts.family.astype(np.int64) << 2 | parts.state
    for bucket in range(buckets):
        some = parts.bucket == bucket
        if some.any():
            slopes = (slope_within(ln_day[some], values[some], stands[some]) for values in (ratio, left))
            trend[bucket] = *slopes, ln_day[some].mean()
    return trend


def _numbers(x: Floats, ratio: Floats, left: Floats, quantiles: Floats) -> Sequence[float]:
    least, most = np.quantile(x, [0.01, 0.99])
    kept = np.clip(x, least, most)
    spread = float(np.var(kept))
    slope = float(np.cov(kept, ratio, bias=True)[0, 1]) / spread if spread > 1e-6 else 0.0
    return [
        float(least),
        float(most),
        slope,
        *np.quantile(ratio - slope * kept, quantiles).tolist(),
        *np.quantile(left, quantiles).tolist(),
    ]
