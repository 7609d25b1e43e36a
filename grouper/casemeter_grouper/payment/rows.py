"""The rows of a payment pack, and their form in its bundle: JSON, each fraction a pair of integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Price:
    """Yuan per weight, per point or per score.

    Attributes:
        level: level of hospital, or empty for any.
        insurance: name of the insurance, or empty for any.
        valid_from: first day, ``YYYY-MM-DD``, or empty for always.
        valid_until: last day, or empty for open.
        provisional: not settled yet: money under it is an estimate.
        as_of: day or month the price was stated, or empty.
    """

    level: str
    insurance: str
    price_yuan: Fraction
    valid_from: str
    valid_until: str
    provisional: bool
    as_of: str


@dataclass(frozen=True, slots=True)
class Coefficient:
    """The coefficient of hospitals; an empty cell holds for any."""

    level: str
    hospital: str
    group: str
    coefficient: Fraction


@dataclass(frozen=True, slots=True)
class Band:
    """One straight piece of what is paid over the multiple.

    Attributes:
        weight_above: the piece is for weights above this, exclusive; ``None``: from 0.
        weight_to: up to this weight, inclusive; ``None``: any above.
        start: multiple where the piece starts; ``None``: at 0, inclusive.
        end: multiple where it ends; ``None``: it does not.
        fixed: part of the standard (with coefficient) that is paid whatever the cost.
        fixed_without_coefficient: part of the standard without the coefficient that is paid too.
        per_multiple: paid per multiple of ``pay_divisor``.
        divisor: what the cost is divided by to choose the band.
        pay_divisor: what it is divided by to pay.
        doubt: what looks wrong in the source of the row, or empty.
    """

    band: str
    level: str
    insurance: str
    weight_above: Fraction | None
    weight_to: Fraction | None
    start: Fraction | None
    start_inclusive: bool
    end: Fraction | None
    end_inclusive: bool
    fixed: Fraction
    fixed_without_coefficient: Fraction
    per_multiple: Fraction
    divisor: str
    pay_divisor: str
    doubt: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A reason to take a stay out of group payment; every stated condition must hold, an empty one holds.

    Attributes:
        days_below: holds for fewer days than this.
        days_above: holds for more days than this.
    """

    insurance: tuple[str, ...]
    visit_kind: tuple[str, ...]
    self_pay: bool
    department: tuple[str, ...]
    group: tuple[str, ...]
    days_below: int | None
    days_above: int | None
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class SpecialCase:
    """When a stay may be submitted for separate settlement (特例单议); every stated condition must hold.

    Attributes:
        cost_above_yuan: in yuan.
        quota_share: share of discharges that may be submitted (0.05 = 5 %), or ``None``.
        valid_from: first day of the period, ``YYYY-MM-DD``, or empty.
        valid_until: last day of the period, or empty.
    """

    multiple_above: Fraction | None
    cost_above_yuan: Fraction | None
    days_above: int | None
    icu_hours_above: Fraction | None
    quota_share: Fraction | None
    valid_from: str
    valid_until: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Addition:
    """Something on top for a group or for stays of traditional Chinese medicine.

    Attributes:
        tcm: only for stays treated by traditional Chinese medicine.
        factor: the coefficient is multiplied by this.
        extra: points or score added to what is settled.
    """

    group: tuple[str, ...]
    tcm: bool
    factor: Fraction
    extra: Fraction
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Charges that are not in scope: of an item, of a category, or of an item within a category."""

    item: str
    category: str
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A cheaper item that does the same."""

    item: str
    equivalent_item: str
    equivalent_name: str
    note: str


@dataclass(frozen=True, slots=True)
class PriceLevel:
    """A group that is priced by another level than the hospital's (a group meant for any level)."""

    group: str
    level: str


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything of a payment pack but its header.

    Attributes:
        insurance: codes and names a hospital may send, each with the pack's own name.
        mean_cost_yuan: cost that a weight of 1 stands for, or ``None``.
        points_per_weight: points that a weight of 1 earns.
        weights: weight of each group, or ``None``: the scheme's own pay.
    """

    levels: tuple[str, ...]
    insurance: Mapping[str, str]
    mean_cost_yuan: Fraction | None
    points_per_weight: Fraction
    weights: Mapping[str, Fraction] | None
    prices: tuple[Price, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()
    bands: tuple[Band, ...] = ()
    outside: tuple[Outside, ...] = ()
    special_cases: tuple[SpecialCase, ...] = ()
    additions: tuple[Addition, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    equivalents: tuple[Equivalent, ...] = ()
    price_levels: tuple[PriceLevel, ...] = field(default=())


_ROWS: dict[str, type] = {
    "prices": Price,
    "coefficients": Coefficient,
    "bands": Band,
    "outside": Outside,
    "special_cases": SpecialCase,
    "additions": Addition,
    "exclusions": Exclusion,
    "equivalents": Equivalent,
    "price_levels": PriceLevel,
}


def to_json(tables: Tables) -> dict[str, Any]:
    """Return the tables as JSON values; the same tables give the same values."""
    return {item.name: _encoded(getattr(tables, item.name)) for item in fields(tables)}


def from_json(values: Mapping[str, Any]) -> Tables:
    """Return the tables that :func:`to_json` was given."""
    parts: dict[str, Any] = {name: _decoded(value) for name, value in values.items() if name not in _ROWS}
    rows: dict[str, Any] = {
        name: tuple(_row(kind, row) for row in values[name]) for name, kind in _ROWS.items()
    }
    return Tables(**parts, **rows)


def _row(kind: type, values: Sequence[Any]) -> Any:
    return kind(*map(_decoded, values))


def _encoded(value: Any) -> Any:
    match value:
        case Fraction():
            return [value.numerator, value.denominator]
        case tuple():
            return [_encoded(item) for item in value]
        case Mapping():
            return {key: _encoded(item) for key, item in value.items()}
        case str() | bool() | int() | None:
            return value
    return [_encoded(getattr(value, item.name)) for item in fields(value)]


def _decoded(value: Any) -> Any:
    match value:
        case [int(numerator), int(denominator)]:
            return Fraction(numerator, denominator)
        case list():
            return tuple(value)
        case dict():
            return {key: _decoded(item) for key, item in value.items()}
    return value
