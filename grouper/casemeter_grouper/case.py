"""A case: the facts of one encounter as a grouper sees them."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """Facts of one inpatient stay, with codes already normalised and in the grouper's own edition.

    A fact that is not known is ``None``; nothing is ever filled in for it, and every test on it fails.

    Attributes:
        diagnoses: diagnosis codes, the principal one first. Empty: the case cannot be grouped yet.
        procedures: procedure codes, the main one first.
        sex: ``"M"`` or ``"F"``.
        discharge_way: code of the way of leaving (离院方式), ``"1"`` to ``"5"`` or ``"9"``.
        department: code of the department, as the hospital writes it.
        age_years: completed years of age on admission, at least 0.
        age_days: completed days of age on admission, at least 0; the day of birth is 0.
        birth_weight_g: birth weight in grams, above 0.
        los_days: length of stay in days, at least 1.
        icu_hours: hours spent in intensive care, at least 0.
        provisional: names of the facts above that may still change before discharge.
    """

    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    sex: str | None = None
    discharge_way: str | None = None
    department: str | None = None
    age_years: float | None = None
    age_days: float | None = None
    birth_weight_g: float | None = None
    los_days: float | None = None
    icu_hours: float | None = None
    provisional: frozenset[str] = frozenset()
