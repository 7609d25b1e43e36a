"""From the rows that hold for a stay to its tariff, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

from casemeter_grouper.payment.formulas import Facts, divisor, worth
from casemeter_grouper.payment.header import Method
from casemeter_grouper.payment.rows import Addition, Band, Price
from casemeter_grouper.payment.tariff import Line, Piece, Tariff, segment_of

_MILLION = 10**6
FEN = 100
"""Fen in a yuan."""


def factor_of(additions: Sequence[Addition]) -> Fraction:
    """Return what the coefficient is multiplied by."""
    return prod((row.factor for row in additions), start=Fraction(1))


def tariff_of(
    facts: Facts, bands: Sequence[Band], price: Price | None, additions: tuple[Addition, ...]
) -> Tariff:
    """Compute a tariff.

    Args:
        facts: weight, coefficient, price and means.
        bands: of the weight, in order, without gap and overlap.
        price: the row that holds, if any.
        additions: rows that hold.

    Raises:
        Missing: a band needs a price or a mean that is not known.
    """
    extra = sum((row.extra for row in additions), Fraction(0))
    pieces = []
    for band in bands:
        by = divisor(band.divisor, facts)
        segment = segment_of(band, by)
        if segment is None:
            continue
        fixed = (
            band.fixed * facts.standard + band.fixed_without_coefficient * facts.without_coefficient + extra
        )
        slope = band.per_multiple * worth(band.pay_divisor, facts) if band.per_multiple else Fraction(0)
        money = None if facts.price is None else Line.of(fixed * facts.price, slope * facts.price)
        points = None if facts.method is Method.RATE else Line.of(fixed * _MILLION, slope * _MILLION)
        pieces.append(Piece(segment, money, points, by))
    return Tariff(
        standard_fen=None
        if facts.price is None
        else Line.of(facts.standard * facts.price, Fraction(0)).rounded(0),
        weight=facts.weight,
        coefficient=facts.coefficient,
        price_yuan=price.price_yuan if price else None,
        provisional=price.provisional if price else False,
        price_as_of=price.as_of if price else "",
        additions=additions,
        pieces=tuple(pieces),
    )
