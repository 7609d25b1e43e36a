"""The words that the conditions of schemes and of rules may use: one language, two vocabularies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from casemeter_grouper.condition.nodes import (
    DATES,
    DIAGNOSIS_SLOTS,
    FIELDS,
    FLAGS,
    ITEM_SLOTS,
    MEASURES,
    NUMBERS,
    PROCEDURE_SLOTS,
    RULE_DIAGNOSIS_SLOTS,
    SLOTS,
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What conditions of one kind of pack may speak of.

    Attributes:
        owner: key in ``faults.toml`` of the pack's kind, for errors that name it.
        slots: places for ``in`` tests.
        numbers: facts that are numbers.
        dates: facts that are dates.
        fields: facts with named values, and which values they can have; empty: any.
        flags: tests that stand alone.
        measures: what is counted or summed over the members of a set.
        max_tests: how many tests a condition may hold; ``None``: any number.
        strict_names: names may not hold full-width punctuation, which is a slip of the input method.
    """

    owner: str
    slots: tuple[str, ...]
    numbers: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]]
    flags: tuple[str, ...]
    dates: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    max_tests: int | None = None
    strict_names: bool = False

    @property
    def starts(self) -> tuple[str, ...]:
        """Every word that a test may begin with."""
        facts = (*self.numbers, *self.dates, *self.fields)
        return (*self.slots, *self.measures, *facts, *self.flags, "not", "always", "never")


SCHEME: Final = Vocabulary("scheme", SLOTS, NUMBERS, dict.fromkeys(FIELDS, ()), FLAGS)
"""What a grouping scheme may speak of."""

RULE: Final = Vocabulary(
    owner="rule",
    slots=(*DIAGNOSIS_SLOTS, *RULE_DIAGNOSIS_SLOTS, *PROCEDURE_SLOTS, *ITEM_SLOTS),
    numbers=(
        *(name for name in NUMBERS if name != "trauma_sites"),
        "admission_weight_g",
        "facility_level",
        "preop_days",
    ),
    dates=DATES,
    fields={
        "sex": ("M", "F"),
        "discharge_way": ("1", "2", "3", "4", "5", "9"),
        "department": (),
        "visit_kind": (
            "inpatient",
            "day_surgery",
            "day_care",
            "psychiatric_per_diem",
            "rehabilitation_per_diem",
            "long_term_per_diem",
        ),
        "insurance": (),
        "facility_kind": (),
        "phase": ("admission", "order", "in_stay", "discharge", "front_page", "submission"),
        "tcm": ("yes", "no"),
    },
    flags=("no_procedures",),
    measures=tuple(MEASURES),
    max_tests=200,
    strict_names=True,
)
"""What a rule may speak of: a stay with its orders and charges, but not what a scheme makes of its codes."""

VOCABULARIES: Final = (SCHEME, RULE)
