"""What two readings of one stay may differ in, and what a difference of their groups is put down to."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Part(StrEnum):
    """What two readings of a stay may differ in, in the order in which each is tried."""

    LATE = "late"
    """Whatever had come about by then, and came to be known later."""
    PRINCIPAL = "principal"
    """The principal diagnosis. What was principal and still stands goes among the others."""
    PROCEDURES = "procedures"
    """The procedures, and which of them is the main one."""
    OTHERS = "others"
    """The other diagnoses."""
    SEX = "sex"
    AGE = "age"
    """In years and in days."""
    WEIGHT = "weight"
    """Birth weight."""
    LENGTH = "length"
    """Length of stay."""
    INTENSIVE_CARE = "intensive_care"
    WAY = "way"
    """Way of leaving."""
    DEPARTMENT = "department"
    COST = "cost"
    """What the stay cost, by which a catalogue tells groups apart that match equally."""
    PACK = "pack"
    """The version of the pack."""


class Cause(StrEnum):
    """What a difference is put down to, in the order of a report."""

    DIAGNOSIS = "diagnosis"
    """Another principal diagnosis, or other diagnoses that lead elsewhere than as complications."""
    PROCEDURE = "procedure"
    """Other procedures, or another main one."""
    COMPLICATION = "complication"
    """A diagnosis that counts as a complication or comorbidity was gained or lost."""
    EXCLUSION = "exclusion"
    """One that stands in both counts in only one: the principal diagnosis of the other excludes it."""
    PACK = "pack"
    """Another version of the pack."""
    LATE = "late"
    """What had come about by then came to be known later."""
    FACT = "fact"
    """A fact of the stay: age, sex, birth weight, length, intensive care, way of leaving, department."""
    COST = "cost"
    """The cost, which settled a tie of a catalogue."""
    ODDS = "odds"
    """None of these: the stay stood in its final group, or was planned to; the forecast said another."""
    UNEXPLAINED = "unexplained"
    """What is known does not explain it; nothing is guessed."""


class Why(StrEnum):
    """Why a difference is unexplained."""

    FINAL_CODES = "final_codes"
    """The final codes do not give the final group by the pack that it is told of."""
    RECORDED_CODES = "recorded_codes"
    """The codes that stood do not give the group that was recorded by its pack."""
    NO_CODES = "no_codes"
    """Nothing is known of the codes of the final group."""
    NO_PACK = "no_pack"
    """The version of a pack is not at hand."""
    NO_DIFFERENCE = "no_difference"
    """Nothing that was told differs, and yet the groups do."""


class Attribution(NamedTuple):
    """Why two groups differ.

    Attributes:
        causes: in the order of :class:`Cause`; of several, all of them together are needed. Empty: the groups
            do not differ.
        parts: the smallest combination of parts whose replacement turns the one group into the other.
        also: single parts that would do so as well, if the combination is a single one.
        why: for an unexplained difference, why it is.
    """

    causes: tuple[Cause, ...]
    parts: tuple[Part, ...] = ()
    also: tuple[Part, ...] = ()
    why: Why | None = None


SAME = Attribution(())
"""The groups do not differ."""


def unexplained(why: Why) -> Attribution:
    """Return an attribution to nothing."""
    return Attribution((Cause.UNEXPLAINED,), why=why)
