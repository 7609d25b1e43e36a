"""What a forecast may see of a stay of a made-up history at the end of a day."""

from __future__ import annotations

from typing import NamedTuple


class Observation(NamedTuple):
    """What is known at the end of a day of a stay that has not ended before it.

    Codes are given by the numbers they have in the :class:`~casemeter_grouper.history.world.World`.

    Attributes:
        day: of the stay; the day of admission is 1.
        principal: working principal diagnosis.
        others: other diagnoses that are known, in any order.
        procedures: those that are planned or done, the main one first.
        done: the procedures are done; without procedures it says nothing.
        cost_fen: what the stay has cost up to the end of the day, above 0.
        age_years: completed years.
        female: sex.
        department: number of the department.
    """

    day: int
    principal: int
    others: tuple[int, ...]
    procedures: tuple[int, ...]
    done: bool
    cost_fen: int
    age_years: int
    female: bool
    department: int
