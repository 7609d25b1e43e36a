"""Intervals for a share: Wilson's for reading, and a bound that holds however often one looks."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

_Z: Final = 1.959963984540054
_STEPS: Final = 32
_RATIOS: Final = tuple((step + 0.5) / _STEPS for step in range(_STEPS))


class Interval(NamedTuple):
    """An interval of a share."""

    low: float
    high: float


def wilson(useful: int, n: int) -> Interval | None:
    """Return Wilson's 95 % interval of a share; ``None``: there is nothing to judge by.

    It holds for one look. Whoever looks again until it falls below something needs :class:`Boundary`.
    """
    if n == 0:
        return None
    share, square = useful / n, _Z * _Z / n
    middle = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def evidence(threshold: float, useful: int, useless: int) -> float:
    """Return the logarithm of the evidence that a share is below a threshold.

    It is the mean, over the shares ``r * threshold`` with ``r`` = 1/64, 3/64 … 63/64, of how much better
    such a share foretells the answers than the threshold does. While each answer is useful with a chance of
    at least the threshold, whatever came before, this mean is a supermartingale that starts at 1: the
    chance that it ever reaches ``1 / alpha`` is at most ``alpha`` (Ville), so one may look after every
    answer.
    """
    terms = [
        useful * math.log(ratio) + useless * (math.log1p(-ratio * threshold) - math.log1p(-threshold))
        for ratio in _RATIOS
    ]
    most = max(terms)
    return most + math.log(sum(math.exp(term - most) for term in terms) / _STEPS)


def upper_bound(useful: int, useless: int, alpha: float) -> float:
    """Return the bound that a share exceeds, at any time of looking, with a chance of at most ``alpha``.

    The evidence rises with the threshold, so the bound is below a threshold exactly when the evidence against
    that threshold has passed ``1 / alpha``.
    """
    needed = -math.log(alpha)
    low, high = 0.0, 1.0 - 1e-12
    if evidence(high, useful, useless) < needed:
        return 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if evidence(middle, useful, useless) >= needed:
            high = middle
        else:
            low = middle
    return high


class Boundary:
    """How many useless answers, beside so many useful ones, show that a share is below a threshold.

    Attributes:
        threshold: a share of this or more is good.
        alpha: chance that a good share ever crosses the boundary.
    """

    def __init__(self, threshold: float, alpha: float) -> None:
        self.threshold = threshold
        self.alpha = alpha
        self._needed = -math.log(alpha)
        self._useless: list[int] = []

    def useless(self, useful: int) -> int:
        """Return the least number of useless answers that suffice beside the useful ones."""
        while len(self._useless) <= useful:
            count = self._useless[-1] if self._useless else 1
            while evidence(self.threshold, len(self._useless), count) < self._needed:
                count += 1
            self._useless.append(count)
        return self._useless[useful]

    def crossed(self, useful: int, useless: int) -> bool:
        """Whether the answers show it."""
        return useless >= self.useless(useful)
