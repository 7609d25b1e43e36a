"""One stay of a history, as its tables tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

PRINCIPAL, OTHER, PLANNED, DONE = "principal", "other", "planned", "done"
KINDS: Final = (PRINCIPAL, OTHER, PLANNED, DONE)
"""Kinds of the course."""

MAX_STAYS: Final = 10_000
"""The most stays of one file of events: the simulator reads a file whole."""

CATEGORIES: Final = 10
"""Number of fee categories of the front page."""

PRINCIPAL_NUMBER: Final = "d1"
"""The EMR's number of the principal diagnosis."""


class Course(NamedTuple):
    """What was known of a stay from one day to another.

    Attributes:
        kind: one of :data:`KINDS`.
        code: of the diagnosis or procedure.
        position: place among those of its kind.
        from_day: day of the stay at whose end it was known first; the day of admission is 1.
        until_day: last day at whose end it stood; ``None``: it stood to the end.
    """

    kind: str
    code: str
    position: int
    from_day: int
    until_day: int | None = None

    def stands(self, day: int) -> bool:
        """Whether it was known at the end of a day."""
        return self.from_day <= day and (self.until_day is None or day <= self.until_day)


@dataclass(frozen=True)
class Stay:
    """A stay.

    Attributes:
        record: medical record number (病案号).
        visit: admission sequence number (住院次数).
        sex: 1 male, 2 female, 0 unknown.
        birth: date of birth; ``None``: unknown.
        age_years: completed years on admission; ``None``: unknown.
        age_days: likewise in days, below one year.
        birth_weight_g: of a newborn.
        admission: day, or moment in the hospital's local time.
        discharge: likewise.
        department: of the discharge; empty: unknown.
        discharge_way: as the front page codes it; empty: unknown.
        diagnoses: as coded on the front page, the principal one first.
        procedures: as coded there, the main one first.
        charges: by day of the stay, what was charged in each category, in fen.
        course: what was known from when to when.
    """

    record: str
    visit: int
    sex: int
    birth: date | None
    age_years: int | None
    age_days: int | None
    birth_weight_g: int | None
    admission: date | datetime
    discharge: date | datetime
    department: str
    discharge_way: str
    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    charges: Mapping[int, tuple[int, ...]]
    course: tuple[Course, ...]

    @property
    def number(self) -> str:
        """The hospital's number of the stay."""
        return f"{self.record}-{self.visit}"

    @property
    def days(self) -> int:
        """The last day of the stay that the tables tell of."""
        return max((*self.charges, *(one.from_day for one in self.course)), default=0)

    @property
    def cost_fen(self) -> int:
        """Whole cost."""
        return sum(map(sum, self.charges.values()))


class Item(NamedTuple):
    """A diagnosis or a procedure as it stands.

    Attributes:
        code: of it.
        position: its place among its kind, as events count: the principal diagnosis has 0.
        kind: one of :data:`KINDS`.
    """

    code: str
    position: int
    kind: str


def standing(course: Iterable[Course], day: int) -> dict[str, Item]:
    """Return what was known at the end of a day, by the number that the EMR gives it.

    The principal diagnosis keeps its number when its code is corrected; a procedure keeps its own when it is
    done.
    """
    found: dict[str, Item] = {}
    # Planned before done: what is told of both is done.
    for one in sorted(course, key=lambda one: KINDS.index(one.kind)):
        if one.stands(day):
            position = one.position + 1 if one.kind == OTHER else one.position
            item = Item(one.code, 0 if one.kind == PRINCIPAL else position, one.kind)
            found[number_of(one.kind, one.code)] = item
    return found


def day_of(when: date | datetime) -> date:
    """Return the day of a moment."""
    return when.date() if isinstance(when, datetime) else when


def number_of(kind: str, code: str) -> str:
    """Return the number that the EMR gives a diagnosis or a procedure."""
    if kind == PRINCIPAL:
        return PRINCIPAL_NUMBER
    return f"{'d' if kind == OTHER else 'p'}-{code}"
