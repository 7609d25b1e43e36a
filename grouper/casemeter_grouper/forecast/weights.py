"""How much the counted odds and the running cost each weigh: fitted on stays that were not counted.

This module loads scipy; nothing that serves calls imports it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TIE = 1e-3
"""How strongly weights are held to 1, so that a bucket with few stays keeps to it."""

Floats = NDArray[np.float64]


def fit_weights(scores: Floats, there: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Floats:
    """Return the weights under which the final families are likeliest; ones where no day can tell.

    Args:
        scores: ``days x candidates x scores``.
        there: ``days x candidates``: whether there is such a candidate.
        hits: likewise, whether it is the one that the stay ended in; days without any are left out.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # it has no types

    weights = np.ones(scores.shape[2])
    known = hits.any(axis=1)
    if not known.any():
        return weights
    own = there[known]
    x = np.where(own[:, :, None], scores[known], 0.0)
    bounds = [(0.0, 2.0)] * len(weights)
    given = (x, own, hits[known].argmax(axis=1))
    fitted: Floats = minimize(_loss, weights, given, method="L-BFGS-B", jac=True, bounds=bounds).x
    return fitted


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
