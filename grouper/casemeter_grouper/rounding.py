"""Rounding as money is rounded."""

from __future__ import annotations

from fractions import Fraction


def half_up(value: Fraction) -> int:
    """Return the nearest whole number, the higher one of two."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
