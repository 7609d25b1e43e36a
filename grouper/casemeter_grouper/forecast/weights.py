"""How much the counted odds and the running cost each weigh: fitted on stays that were not counted.

This module loads scipy; nothing that serves calls imports it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TIE = 1e-3
"""How strongly weights are held to 1, so that a bucket with few stays keeps to it."""

_MOST_DAYS = 20_000

Floats = NDArray[np.float64]


def fit_weights(
    scores: NDArray[np.float64],
    there: NDArray[np.bool_],
    hit: NDArray[np.intp],
    bucket: NDArray[np.int32],
    buckets: int,
) -> Floats:
    """Return the weights under which the final families are likeliest, by bucket of days.

    Args:
        scores: ``days x candidates x scores``.
        there: ``days x candidates``: whether there is such a candidate.
        hit: place of the final family among the candidates; -1: it is none of them.
        bucket: of each day.
        buckets: how many there are.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # it has no types

    weights = np.ones((buckets, scores.shape[2]))
    for number in range(buckets):
        some = np.flatnonzero((bucket == number) & (hit >= 0))[:_MOST_DAYS]
        if len(some):
            x, own, place = np.where(there[some][:, :, None], scores[some], 0.0), there[some], hit[some]
            weights[number] = minimize(
                _loss,
                weights[number],
                (x, own, place),
                method="L-BFGS-B",
                jac=True,
                bounds=[(0.0, 2.0)] * x.shape[2],
            ).x
    return weights


def _loss(
    weights: Floats, x: Floats, there: NDArray[np.bool_], place: NDArray[np.intp]
) -> tuple[float, Floats]:
    rows = np.arange(len(place))
    score = np.where(there, x @ weights, -np.inf)
    score -= score.max(axis=1, keepdims=True)
    odds = np.exp(score)
    odds /= odds.sum(axis=1, keepdims=True)
    held = weights - 1
    value = -float(np.mean(np.log(np.maximum(odds[rows, place], 1e-300)))) + _TIE * float(held @ held)
    slope = (np.einsum("nk,nkj->nj", odds, x) - x[rows, place]).mean(axis=0) + 2 * _TIE * held
    return value, slope
