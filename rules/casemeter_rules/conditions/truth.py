"""Truth where facts may be missing: true or false is only what holds whatever the missing facts are."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from math import inf
from typing import Final, NamedTuple


class Truth(IntEnum):
    """Kleene's three values, in his order: ``and`` is the least of its parts, ``or`` the greatest."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2

    def negated(self) -> Truth:
        """Truth of the opposite."""
        return Truth(2 - self)


class Decision(NamedTuple):
    """What a condition comes to for a stay.

    Attributes:
        truth: whether it holds.
        evidence: places in the request that decided it, such as ``encounter.charges.lines[3]``.
        missing: what would have to be known to decide it, see docs/conditions.md.
    """

    truth: Truth
    evidence: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def negated(self) -> Decision:
        """The decision on the opposite, for the same reasons."""
        return self._replace(truth=self.truth.negated())


FALSE: Final = Decision(Truth.FALSE)
TRUE: Final = Decision(Truth.TRUE)


def unknown(*missing: str) -> Decision:
    """A decision that waits for facts."""
    return Decision(Truth.UNKNOWN, (), missing)


class Span(NamedTuple):
    """All values that a number may have.

    Attributes:
        low: the least.
        high: the greatest.
        exists: there is such a number; without it, every test on it is false.
        evidence: as of a decision.
        missing: as of a decision.
    """

    low: float = -inf
    high: float = inf
    exists: Truth = Truth.TRUE
    evidence: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def compared(self, op: str, limit: float) -> Decision:
        """Compare it with a limit."""
        least, greatest = _TRUTHS[op](self.low, self.high, limit)
        truth = min(self.exists, Truth.TRUE if least else Truth.UNKNOWN if greatest else Truth.FALSE)
        if truth is Truth.UNKNOWN:
            return Decision(truth, (), self.missing)
        return Decision(truth, self.evidence)


def exactly(value: float, *evidence: str) -> Span:
    """A number that is known."""
    return Span(value, value, Truth.TRUE, evidence)


NOT_THERE: Final = Span(exists=Truth.FALSE)
"""A number that the stay does not have, such as the day of a procedure where there is none."""

_TRUTHS: Final[dict[str, Callable[[float, float, float], tuple[bool, bool]]]] = {
    # Whether it holds of all values, and whether it holds of some.
    "<": lambda low, high, limit: (high < limit, low < limit),
    "<=": lambda low, high, limit: (high <= limit, low <= limit),
    "=": lambda low, high, limit: (low == high == limit, low <= limit <= high),
    ">=": lambda low, high, limit: (low >= limit, high >= limit),
    ">": lambda low, high, limit: (low > limit, high > limit),
}
