"""What is known of a stay when a forecast is asked for, and what the forecast answers."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Procedures(IntEnum):
    """What is known of the procedures of a stay."""

    NONE = 0
    """None is done and none is planned."""
    PENDING = 1
    """One is planned and not done yet."""
    DONE = 2
    """All that are known are done."""


class Known(NamedTuple):
    """What is known on a day.

    Attributes:
        day: of the stay; the day of admission is 1.
        principal: principal diagnosis as it grouped.
        group: code of the group as recorded.
        planned_group: code of the group with the planned procedures done; the same where nothing is planned.
        cost_fen: running cost; ``None``: unknown.
        age_years: completed years; ``None``: unknown.
        department: empty: unknown.
        major: other diagnoses that stand as MCC: no exclusion takes them away. ``None``: not told; the group
            then says what it can.
        minor: those of the rest that stand as CC, likewise.
        procedures: what is known of procedures. ``None``: not told; the two groups then say what they can.
    """

    day: int
    principal: str
    group: str
    planned_group: str
    cost_fen: int | None = None
    age_years: int | None = None
    department: str = ""
    major: int | None = None
    minor: int | None = None
    procedures: Procedures | None = None


class Interval(NamedTuple):
    """A number that is not known exactly: its lower end, its middle and its upper end."""

    low: float
    middle: float
    high: float


class Candidate(NamedTuple):
    """One group that a stay may end in, and how probable that is (0 to 1)."""

    group: str
    probability: float


class Absent(StrEnum):
    """Why a forecast has nothing to say."""

    NEVER_SEEN = "never_seen"
    """No stay that it was learned from ever stood in this group, nor in one close to it."""


class Answer(NamedTuple):
    """Where a stay is heading.

    Attributes:
        candidates: the likeliest first, of equal ones by code; at most 10.
        elsewhere: probability of all other groups.
        set_size: how many candidates, from the first, make the set that holds the truth at the bundle's
            level; 0: it would be too wide to be useful.
        cost_fen: final cost; ``None``: the running cost is unknown.
        los_days: length of stay.
        cases: settled stays that the odds rest on.
    """

    candidates: tuple[Candidate, ...]
    elsewhere: float
    set_size: int
    cost_fen: Interval | None
    los_days: Interval
    cases: int
