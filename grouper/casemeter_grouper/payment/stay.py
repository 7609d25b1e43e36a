"""What a policy needs to know of a stay, and why a stay has no price."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import NamedTuple


class Stay(NamedTuple):
    """What a policy needs to know of a stay. An empty text or ``None`` is unknown: it meets no condition.

    Attributes:
        group: code of the group.
        day: on which prices hold, ``YYYY-MM-DD``.
        scheme_weight: the scheme's own weight or score of the group.
        group_mean: the group's own mean cost, in fen.
        level: level of the hospital, in the pack's words.
        hospital: code of the hospital.
        insurance: code or name of the insurance, as sent.
        department: code or name of the department, as sent.
        visit_kind: kind of the visit, in the pack's words, such as ``day_surgery``.
        self_pay: the patient pays all.
        tcm: treated by traditional Chinese medicine.
        los_days: length of stay in days.
        icu_hours: hours in intensive care.
        is_open: the patient is still in hospital, and the discharge is not ordered.
    """

    group: str
    day: str
    scheme_weight: Fraction | None = None
    group_mean: Fraction | None = None
    level: str = ""
    hospital: str = ""
    insurance: str = ""
    department: str = ""
    visit_kind: str = ""
    self_pay: bool = False
    tcm: bool = False
    los_days: int | None = None
    icu_hours: float | None = None
    is_open: bool = False


class NotPricedReason(StrEnum):
    """Why a stay has no margin and no band."""

    OUTSIDE = "outside"
    """A row of the pack takes it out of group payment."""
    NOT_IN_FORCE = "not_in_force"
    """The policy does not hold on the day."""
    NO_WEIGHT = "no_weight"
    """The group has no weight or score."""
    NO_COEFFICIENT = "no_coefficient"
    """The pack has coefficients, but none for the hospital."""
    NO_PRICE = "no_price"
    """The pack has no rate, point value or price for level, insurance and day, and needs one."""
    NO_BAND = "no_band"
    """The pack has no bands for level, insurance and weight."""
    NO_MEAN = "no_mean"
    """The bands divide by a mean cost that is not known."""


class NotPriced(NamedTuple):
    """Why a stay has no price, in words for people.

    Attributes:
        text_zh: the reason in Chinese.
        text_en: the reason in English.
    """

    reason: NotPricedReason
    text_zh: str
    text_en: str


def not_priced(reason: NotPricedReason, **details: object) -> NotPriced:
    """Return a reason with its sentences."""
    entry = _sentences()[reason]
    return NotPriced(reason, entry["zh"].format(**details), entry["en"].format(**details))


@cache
def _sentences() -> dict[str, dict[str, str]]:
    text = resources.files("casemeter_grouper.payment").joinpath("reasons.toml").read_text("utf-8")
    return tomllib.loads(text)
