"""The normal distribution, for compiled loops."""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

FAR: Final = 38.0
"""Beyond it, either way, lies less than the smallest float."""

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_TWO_PI: Final = math.sqrt(2 * math.pi)

_STEPS: Final = 128
"""Steps of the table for each unit."""

_END: Final = 10
"""Beyond it, either way, the table has nothing: what lies there is below 1e-23."""

_X = np.arange(_END * _STEPS + 2) / _STEPS
_ABOVE = np.array([0.5 * math.erfc(x * _ROOT_HALF) for x in _X])
_SLOPE = -np.exp(-0.5 * _X**2) / _ROOT_TWO_PI / _STEPS


@njit(cache=True, nogil=True)
def below(x):  # type: ignore[no-untyped-def]
    """Probability of a number up to ``x``."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@njit(cache=True, nogil=True)
def density(x):  # type: ignore[no-untyped-def]
    """Density at ``x``."""
    return math.exp(-0.5 * x * x) / _ROOT_TWO_PI


@njit(cache=True, nogil=True)
def _above(x):  # type: ignore[no-untyped-def]
    """Probability of a number above ``x``, at least 0; from a table, right to eight digits at every ``x``."""
    if x >= _END:
        return 0.0
    place = int(x * _STEPS)
    t = x * _STEPS - place
    left, right = _ABOVE[place], _ABOVE[place + 1]
    bend = _SLOPE[place] - (right - left)
    other = (right - left) - _SLOPE[place + 1]
    # The cubic that has both ends and both slopes.
    return left + t * (right - left + (1 - t) * ((1 - t) * bend + t * other))


@njit(cache=True, nogil=True)
def between(low, high):  # type: ignore[no-untyped-def]
    """Probability of a number from ``low`` to ``high``; small ones far out keep their digits."""
    if low > 0:
        return _above(low) - _above(high)
    if high < 0:
        return _above(-high) - _above(-low)
    return 1 - _above(high) - _above(-low)


@njit(cache=True, nogil=True)
def quantile(probability):  # type: ignore[no-untyped-def]
    """Return the number up to which ``probability``, 0 to 0.5, of all lie.

    A rough beginning (Abramowitz and Stegun, 26.2.22), then Newton's way with the second derivative.
    """
    if probability < 1e-300:
        return -FAR
    root = math.sqrt(-2 * math.log(probability))
    x = (2.30753 + 0.27061 * root) / (1 + 0.99229 * root + 0.04481 * root * root) - root
    for _ in range(3):
        step = (below(x) - probability) / density(x)
        x -= step / (1 + 0.5 * x * step)
    return x
