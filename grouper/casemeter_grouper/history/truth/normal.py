"""The normal distribution, for compiled loops."""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import math
from typing import Final

from numba import njit

FAR: Final = 38.0
"""Beyond it, either way, lies less than the smallest float."""

_ROOT_HALF: Final = math.sqrt(0.5)
_ROOT_TWO_PI: Final = math.sqrt(2 * math.pi)


@njit(cache=True, nogil=True)
def below(x):  # type: ignore[no-untyped-def]
    """Probability of a number up to ``x``."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@njit(cache=True, nogil=True)
def between(low, high):  # type: ignore[no-untyped-def]
    """Probability of a number from ``low`` to ``high``, of which small ones far out keep their digits."""
    if low > 0:
        return 0.5 * (math.erfc(low * _ROOT_HALF) - math.erfc(high * _ROOT_HALF))
    return 0.5 * (math.erfc(-high * _ROOT_HALF) - math.erfc(-low * _ROOT_HALF))


@njit(cache=True, nogil=True)
def density(x):  # type: ignore[no-untyped-def]
    """Density at ``x``."""
    return math.exp(-0.5 * x * x) / _ROOT_TWO_PI


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
