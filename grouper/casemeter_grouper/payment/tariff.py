"""What a group pays in a policy, over the cost: straight pieces in whole fen, computed in integers."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, lcm
from typing import NamedTuple

from casemeter_grouper.payment.rows import Addition, Band

_POINTS = 6
"""Decimals of settled points and scores."""


class Segment(NamedTuple):
    """The costs of a band.

    Attributes:
        band: name of the band.
        from_fen: lowest cost of it, in fen.
        to_fen: highest cost of it, or ``None`` when it is open.
        doubt: what looks wrong in the source of the band, or empty.
    """

    band: str
    from_fen: int
    to_fen: int | None
    doubt: str


class Quote(NamedTuple):
    """What a stay of a cost is paid.

    Attributes:
        payment_fen: the whole standard, fund and patient together, rounded half up once;
            ``None`` when the policy has no price for it yet.
        points: settled points or score with 6 decimals, half up; ``None`` where the policy pays by rate.
        band: name of the band.
        ratio: the cost and what the band divides it by, both times the same number.
        segment: index among the segments of the tariff.
        doubt: what looks wrong in the source of the band, or empty.
    """

    payment_fen: int | None
    points: Decimal | None
    band: str
    ratio: tuple[int, int]
    segment: int
    doubt: str

    @property
    def multiple(self) -> Fraction:
        """Cost divided by what the band divides it by, exactly."""
        return Fraction(*self.ratio)


class Line(NamedTuple):
    """A straight line over the cost with integer coefficients: ``(fixed + slope * cost) / denominator``."""

    fixed: int
    slope: int
    denominator: int

    @classmethod
    def of(cls, fixed: Fraction, slope: Fraction) -> Line:
        """Return the line exactly."""
        denominator = lcm(fixed.denominator, slope.denominator)
        return cls(int(fixed * denominator), int(slope * denominator), denominator)

    def rounded(self, cost_fen: int) -> int:
        """Return the value at a cost, half up."""
        return (2 * (self.fixed + self.slope * cost_fen) + self.denominator) // (2 * self.denominator)


class Piece(NamedTuple):
    """A segment, with what it pays and earns.

    Attributes:
        money: fen over fen of cost; ``None`` without a price.
        points: millionths of a point over fen of cost; ``None`` where points are not counted.
        divisor: what the cost is divided by, in fen.
    """

    segment: Segment
    money: Line | None
    points: Line | None
    divisor: Fraction


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a group pays in a hospital for an insurance on a day.

    Attributes:
        standard_fen: what a stay without extra points in a band of the plain standard is paid, rounded half
            up; ``None`` when the policy has no price for it yet.
        weight: weight or score that pays.
        coefficient: of the hospital, with the factors of the additions.
        price_yuan: yuan per weight, point or score; ``None`` when none is known.
        provisional: the price is not settled: all money is an estimate.
        price_as_of: day or month the price was stated, or empty.
        additions: rows that add to the coefficient or to the points.
        pieces: the bands in order of cost, without gap and overlap from 0 on.
    """

    standard_fen: int | None
    weight: Fraction
    coefficient: Fraction
    price_yuan: Fraction | None
    provisional: bool
    price_as_of: str
    additions: tuple[Addition, ...]
    pieces: tuple[Piece, ...]
    _starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", [piece.segment.from_fen for piece in self.pieces])

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The bands in order of cost; together they hold every cost from 0 on, each once."""
        return tuple(piece.segment for piece in self.pieces)

    def quote(self, cost_fen: int) -> Quote:
        """Return what a stay of a cost is paid.

        Args:
            cost_fen: all charges in scope, in fen, 0 or more.

        Raises:
            ValueError: the cost is negative.
        """
        if cost_fen < 0:
            raise ValueError(f"a cost of {cost_fen} fen is below 0")
        at = bisect_right(self._starts, cost_fen) - 1
        segment, money, points, divisor = self.pieces[at]
        return Quote(
            None if money is None else money.rounded(cost_fen),
            None if points is None else Decimal(points.rounded(cost_fen)).scaleb(-_POINTS),
            segment.band,
            (cost_fen * divisor.denominator, divisor.numerator),
            at,
            segment.doubt,
        )

    def paid(self, cost_fen: int) -> tuple[int | None, str]:
        """Return the payment and the band of a cost, as :meth:`quote` does, and nothing else."""
        if cost_fen < 0:
            raise ValueError(f"a cost of {cost_fen} fen is below 0")
        segment, money, _, _ = self.pieces[bisect_right(self._starts, cost_fen) - 1]
        return None if money is None else money.rounded(cost_fen), segment.band

    def next_band(self, cost_fen: int) -> tuple[str, int] | None:
        """Return the band that a rising cost enters next and the cost in fen at which it does."""
        at = bisect_right(self._starts, cost_fen)
        return None if at == len(self.pieces) else self.pieces[at].segment[:2]


def segment_of(band: Band, divisor: Fraction) -> Segment | None:
    """Return the whole fen of cost that lie in a band, or ``None`` when none do.

    Args:
        band: the row.
        divisor: what the cost is divided by, in fen, above 0.
    """
    low, high = (band.start or 0) * divisor, None if band.end is None else band.end * divisor
    first = ceil(low) if band.start_inclusive else floor(low) + 1
    last = None if high is None else floor(high) if band.end_inclusive else ceil(high) - 1
    return None if last is not None and last < first else Segment(band.band, first, last, band.doubt)
