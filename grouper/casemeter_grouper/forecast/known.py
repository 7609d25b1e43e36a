"""What is known of a stay when a forecast is asked for, and what the forecast answers."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


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
    """

    day: int
    principal: str
    group: str
    planned_group: str
    cost_fen: int | None = None
    age_years: int | None = None
    department: str = ""


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
