"""The parsed form of a condition, and the vocabulary that conditions may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


def text_of(condition: Condition) -> str:
    """Return the condition as it would be written, with the fewest parentheses."""
    return _text(condition, 0)


def _number_text(value: float) -> str:
    # A float's own text may have an exponent, which conditions are not written with.
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


def _text(condition: Condition, binding: int) -> str:
    match condition:
        case InSet(slot, name):
            return f"{slot} in {name}"
        case Compare(number, op, value):
            return f"{number} {op} {_number_text(value)}"
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
