"""The parsed form of a condition, and the words that stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

DIAGNOSIS_SLOTS: Final = ("pdx", "any_dx", "other_dx")
PROCEDURE_SLOTS: Final = ("main_proc", "any_proc", "other_proc")
SLOTS: Final = DIAGNOSIS_SLOTS + PROCEDURE_SLOTS
"""What an ``in`` test looks at: one place of the case, or several."""

NUMBERS: Final = ("age_years", "age_days", "birth_weight_g", "los_days", "icu_hours", "trauma_sites")
"""Facts that are numbers. ``trauma_sites`` is counted from the diagnoses; the others come with the case."""

WHOLE_NUMBERS: Final = frozenset(NUMBERS) - {"icu_hours"}
"""Numbers that take whole values only."""

FIELDS: Final = ("sex", "discharge_way", "department")
"""Facts that are compared with named values."""

FLAGS: Final = ("no_procedures", "mcc", "cc")
"""Tests that stand alone."""

# Only rules speak of what follows; SLOTS, NUMBERS, FIELDS and FLAGS above are those of schemes.

RULE_DIAGNOSIS_SLOTS: Final = ("acquired_dx",)
"""Diagnoses that rules alone look at: those that came up during the stay (admission condition 4)."""

ITEM_SLOTS: Final = ("any_item", "charged_item", "ordered_item", "placing_item")
"""Charges and orders that an ``in`` test looks at."""

DATES: Final = ("admission_date", "discharge_date", "as_of_date")
"""Facts that are dates. A :class:`Compare` holds a date as its days since 1970."""


@dataclass(frozen=True, slots=True)
class MeasureKind:
    """What can be asked of the members of a set that a stay has.

    Attributes:
        space: where the codes of the set are looked for: ``diagnosis``, ``procedure`` or ``item``.
        decimals: how many decimals a limit may have; none: it is whole.
        windowed: whether it can be asked for any so many days in a row.
        place: it tells a day, and there is none without a member; the others are then 0.
    """

    space: str
    decimals: int = 0
    windowed: bool = False
    place: bool = False


MEASURES: Final = {
    "quantity": MeasureKind("item", decimals=4, windowed=True),
    "amount_yuan": MeasureKind("item", decimals=2, windowed=True),
    "lines": MeasureKind("item", windowed=True),
    "days": MeasureKind("item", windowed=True),
    "items": MeasureKind("item"),
    "first_day": MeasureKind("item", place=True),
    "last_day": MeasureKind("item", place=True),
    "diagnoses": MeasureKind("diagnosis"),
    "procedures": MeasureKind("procedure"),
}
"""What is counted or summed over the members of a set."""

COMPARISONS: Final = ("<=", ">=", "<", ">", "=")


@dataclass(frozen=True, slots=True)
class InSet:
    """``slot in set``: true when a code in that place of the case is a member of the named set."""

    slot: str
    set: str


@dataclass(frozen=True, slots=True)
class Compare:
    """``number op value``: false when the number is not known."""

    number: str
    op: str
    value: float


@dataclass(frozen=True, slots=True)
class Measure(Compare):
    """``number(set) op value``, or ``number(set, days days) op value``: what the members of a set come to.

    Attributes:
        set: its name.
        days: the limit holds for any so many days in a row; 0: for the whole stay.
    """

    set: str
    days: int = 0

    @property
    def kind(self) -> MeasureKind:
        """What is asked."""
        return MEASURES[self.number]


@dataclass(frozen=True, slots=True)
class OneOf:
    """``field = value`` or ``field in (value, ...)``: false when the field is not known."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flag:
    """``mcc``, ``cc`` or ``no_procedures``."""

    name: str


@dataclass(frozen=True, slots=True)
class Const:
    """``always`` or ``never``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    """True when the condition inside is false."""

    item: Condition


@dataclass(frozen=True, slots=True)
class And:
    """True when every item is true."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when some item is true."""

    items: tuple[Condition, ...]


Test = InSet | Compare | OneOf | Flag
Condition = Test | Const | Not | And | Or


def tests_of(condition: Condition) -> Iterator[Test]:
    """Yield every test of a condition, left to right, repeats included."""
    match condition:
        case Const():
            return
        case Not(item):
            yield from tests_of(item)
        case And(items) | Or(items):
            for item in items:
                yield from tests_of(item)
        case _:
            yield condition


def space_of(test: InSet | Measure) -> str:
    """Where the codes of a test's set are looked for: ``diagnosis``, ``procedure`` or ``item``."""
    if isinstance(test, Measure):
        return test.kind.space
    return "item" if test.slot in ITEM_SLOTS else "diagnosis" if test.slot.endswith("dx") else "procedure"


def text_of(condition: Condition) -> str:
    """Return the condition as it would be written, with the fewest parentheses."""
    return _text(condition, 0)


def _number_text(value: float) -> str:
    # A float's own text may have an exponent, which conditions are not written with.
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


def _compare_text(test: Compare) -> str:
    name, limit = test.number, _number_text(test.value)
    if name in DATES:
        limit = day_of(test.value).isoformat()
    if isinstance(test, Measure):
        window = f", {test.days} day{'s' if test.days > 1 else ''}" if test.days else ""
        name = f"{name}({test.set}{window})"
    return f"{name} {test.op} {limit}"


def day_of(value: float) -> date:
    """Return the date that a :class:`Compare` holds as its days since 1970."""
    return date.fromordinal(_EPOCH + int(value))


def days_of(day: date) -> float:
    """Return a date as its days since 1970."""
    return float(day.toordinal() - _EPOCH)


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _text(condition: Condition, binding: int) -> str:
    match condition:
        case InSet(slot, name):
            return f"{slot} in {name}"
        case Compare():
            return _compare_text(condition)
        case OneOf(name, (value,)):
            return f"{name} = {value}"
        case OneOf(name, values):
            return f"{name} in ({', '.join(values)})"
        case Flag(name):
            return name
        case Const(value):
            return "always" if value else "never"
        case Not(item):
            return f"not {_text(item, 3)}"
        case And(items):
            body, own = " and ".join(_text(item, 2) for item in items), 2
        case Or(items):
            body, own = " or ".join(_text(item, 1) for item in items), 1
    return f"({body})" if own < binding or (own == binding and own < 3) else body
