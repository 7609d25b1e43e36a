"""The tables of a payment pack and their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casemeter_grouper.pack.tables import Columns

WEIGHTS, PRICES, COEFFICIENTS, BANDS = "weights.csv", "prices.csv", "coefficients.csv", "bands.csv"
OUTSIDE, SPECIAL_CASES, ADDITIONS = "outside.csv", "special_cases.csv", "extra_points.csv"
EXCLUSIONS, EQUIVALENTS, PRICE_LEVELS = "excluded_charges.csv", "equivalents.csv", "price_levels.csv"

REASONS: Final = ("reason_zh", "reason_en")
COLUMNS: Final[Mapping[str, Columns]] = {
    WEIGHTS: Columns(("group", "weight"), (), ("name",)),
    PRICES: Columns(("price_yuan", "status"), ("level", "insurance"), ("valid_from", "valid_until", "as_of")),
    COEFFICIENTS: Columns(("coefficient",), (), ("level", "hospital", "group")),
    BANDS: Columns(
        ("band", "divisor"),
        ("from", "from_inclusive", "to", "to_inclusive", "fixed", "per_multiple"),
        (
            *("level", "insurance", "weight_from", "weight_to"),
            *("fixed_without_coefficient", "pay_divisor", "doubt"),
        ),
    ),
    OUTSIDE: Columns(
        REASONS,
        (),
        ("insurance", "visit_kind", "self_pay", "department", "group", "days_below", "days_above"),
    ),
    SPECIAL_CASES: Columns(
        REASONS,
        (),
        (
            *("multiple_above", "cost_above_yuan", "days_above", "icu_hours_above"),
            *("quota_share", "valid_from", "valid_until"),
        ),
    ),
    ADDITIONS: Columns(REASONS, (), ("group", "tcm", "factor", "extra")),
    EXCLUSIONS: Columns(REASONS, (), ("item", "category")),
    EQUIVALENTS: Columns(("item", "equivalent_item", "equivalent_name"), (), ("note",)),
    PRICE_LEVELS: Columns(("group", "level")),
}
"""The columns of every table. All but the bands may be missing; what that means stands in docs/payment.md."""
