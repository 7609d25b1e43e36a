"""What a rule of a table asks: a few checks that every kind is built from.

A rule is tried when one of its trigger codes is recorded. A check then says when the rule is broken. Each
check has one meaning, written twice: in :mod:`casemeter_rules.walker`, to be read, and in
:mod:`casemeter_rules.kernel`, to be fast. Undecided is what the missing facts may turn either way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from casemeter_rules.codes import CodeSet


class Slot(IntEnum):
    """Where a check looks for codes."""

    PRINCIPAL = 0
    ANY_DIAGNOSIS = 1
    OTHER_DIAGNOSIS = 2
    ANY_PROCEDURE = 3
    ITEM = 4


STAY: Final = -1
SAME_DAY: Final = -2
SAME_HOUR: Final = -3
"""Windows: the whole stay, one local day, one hour of the clock. Any other window is a number of minutes."""

NUMBERS: Final = ("age_years", "age_days", "birth_weight_g", "los_days", "icu_hours", "facility_level")
"""Facts that are numbers, by their names in :class:`~casemeter_rules.facts.Stay`."""

VALUES: Final = {
    "sex": ("M", "F"),
    "visit_kind": (
        *("inpatient", "day_surgery", "day_care", "psychiatric_per_diem", "rehabilitation_per_diem"),
        *("long_term_per_diem", "outpatient", "emergency"),
    ),
    "insurance": ("employee", "resident", "work_injury", "maternity", "self_pay", "other"),
    "discharge_way": ("1", "2", "3", "4", "5", "9"),
}
"""Facts that are one of a few values."""


@dataclass(frozen=True, slots=True)
class Present:
    """Broken when a trigger code is recorded."""


@dataclass(frozen=True, slots=True)
class Between:
    """Broken when a number lies outside; undecided when it is not known.

    Attributes:
        fact: one of :data:`NUMBERS`.
        low: the least that is allowed.
        high: the most.
    """

    fact: str
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True, slots=True)
class Among:
    """Broken when a fact is none of some values; undecided when it is not known.

    Attributes:
        fact: one of :data:`VALUES`.
        values: that are allowed.
    """

    fact: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Needs:
    """Broken when a trigger has no code of a set where it is looked for. An item is no company of itself.

    Undecided when a code there is known to no dictionary, when no diagnosis is recorded at all (no principal
    one, where that is looked for), when the request holds no items, and when times that decide are not known.

    Attributes:
        window: how near in time it must be; only of items.
    """

    slot: Slot
    codes: CodeSet
    window: int = STAY


@dataclass(frozen=True, slots=True)
class Excludes:
    """Broken when another code of a set is recorded near a trigger, too.

    Undecided as :class:`Needs` is, and when quantities that decide are not known.

    Attributes:
        window: how near in time the two must be; only of items.
        whole: of items: only if each is charged at least once in full.
    """

    slot: Slot
    codes: CodeSet
    window: int = STAY
    whole: bool = False


@dataclass(frozen=True, slots=True)
class QuantityWithin:
    """Broken when more was charged and ordered within a number of days.

    Undecided when a quantity or day that decides is not known. A diagnosis or procedure counts one.

    Attributes:
        most: in ten-thousandths.
        period_days: consecutive local days; 0: the whole stay.
    """

    most: int
    period_days: int


@dataclass(frozen=True, slots=True)
class DaysWithin:
    """Broken when it was given on more local days; undecided when unknown days may decide."""

    most: int


@dataclass(frozen=True, slots=True)
class Apart:
    """Broken when two of the days it was given on lie nearer; undecided when unknown days may decide."""

    days: int


Check = Present | Between | Among | Needs | Excludes | QuantityWithin | DaysWithin | Apart
