"""What a cost is divided by, and what a multiple of it is worth.

With U the price of a weight of 1, w the weight (or score), k the coefficient, m the mean cost of a weight of
1 and g the mean cost of the group: the standard is ``S = w·U·k``, and ``W = w·U`` is the standard without the
coefficient. docs/payment.md has the reasons.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from casemeter_grouper.payment.header import Method

STANDARD: Final = "standard"
MEAN: Final = "mean_x_weight"
MEAN_WITH_COEFFICIENT: Final = "mean_x_weight_x_coefficient"
MEAN_OF_COEFFICIENT: Final = "mean_x_coefficient"
GROUP_MEAN: Final = "group_mean"
COST: Final = "cost"
DIVISORS: Final = (STANDARD, MEAN, MEAN_WITH_COEFFICIENT, MEAN_OF_COEFFICIENT, GROUP_MEAN, COST)
"""Every divisor that a band may name; :data:`COST` pays the cost itself and divides nothing."""

PRICE: Final = "price"
MEAN_COST: Final = "mean"
"""What may be missing."""


class Facts(NamedTuple):
    """What decides the tariff of a stay.

    Attributes:
        method: of the policy.
        weight: w; weight or score, above 0.
        coefficient: k, with the factors of additions.
        unit: what a weight of 1 earns before the price: points, or 1.
        price: fen per weight, point or score; ``None`` when it is not known.
        mean: m in fen, or ``None``.
        group_mean: g in fen, or ``None``.
    """

    method: Method
    weight: Fraction
    coefficient: Fraction
    unit: Fraction
    price: Fraction | None
    mean: Fraction | None
    group_mean: Fraction | None

    @property
    def without_coefficient(self) -> Fraction:
        """W before the price: points, score or weight without the coefficient."""
        return self.weight * self.unit

    @property
    def standard(self) -> Fraction:
        """S before the price: points, score or weight with the coefficient."""
        return self.without_coefficient * self.coefficient


class Missing(Exception):
    """A divisor needs a figure that is not known.

    Attributes:
        what: :data:`PRICE` or :data:`MEAN_COST`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def divisor(name: str, facts: Facts) -> Fraction:
    """Return what the cost is divided by, in fen.

    Raises:
        Missing: a figure that it needs is not known.
    """
    if name == STANDARD and facts.method is not Method.POINTS:
        return facts.standard * _known(facts.price, PRICE)
    if name == GROUP_MEAN:
        return _known(facts.group_mean, MEAN_COST)
    mean = _known(facts.mean, MEAN_COST)
    if name == MEAN:
        return mean * facts.weight
    if name == MEAN_OF_COEFFICIENT:
        return mean * facts.coefficient
    return mean * facts.weight * facts.coefficient


def worth(name: str, facts: Facts) -> Fraction:
    """Return what one fen of cost earns when a multiple is paid in full, before the price.

    Raises:
        Missing: a figure that it needs is not known.
    """
    if name == COST or (name == STANDARD and facts.method is not Method.POINTS):
        return 1 / _known(facts.price, PRICE)
    if name == MEAN:
        return facts.without_coefficient / divisor(name, facts)
    if name == MEAN_OF_COEFFICIENT:
        return facts.unit * facts.coefficient / divisor(name, facts)
    return facts.standard / divisor(name, facts)


def _known(value: Fraction | None, what: str) -> Fraction:
    if not value:
        raise Missing(what)
    return value
