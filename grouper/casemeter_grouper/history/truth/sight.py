"""From an observation to what the loops of the sum take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.history.truth.observation import Observation
from casemeter_grouper.history.truth.sums import AFTER, BEFORE, PLAIN, Seen
from casemeter_grouper.history.world import Floats, World

Days = NDArray[np.int64]


def impossible(observation: Observation) -> ValueError:
    """Return the error that an observation cannot arise."""
    return ValueError(f"no stay of this world can look like {observation}")


class Sight:
    """Prepares observations of one world."""

    def __init__(self, world: World, list_of: Mapping[tuple[int, ...], int], longest: int) -> None:
        """Prepare.

        Args:
            world: that is observed.
            list_of: number of every list of procedures.
            longest: length of the longest stay.
        """
        self._world = world
        self._list_of = list_of
        self._days = np.arange(longest + 1, dtype=np.int64)
        self._place = {diagnosis: at for at, diagnosis in enumerate(world.comorbid.tolist())}

    def of(self, observation: Observation) -> Seen:
        """Return an observation as the loops take it.

        Raises:
            ValueError: no stay of the world can look so.
        """
        world, day = self._world, observation.day
        in_range = day >= 1 and observation.cost_fen >= 1
        if not in_range or not 0 <= observation.department < len(world.departments):
            raise impossible(observation)
        known = np.zeros(len(world.comorbid), np.bool_)
        first, last = world.age_years.T
        bands = np.flatnonzero((first <= observation.age_years) & (observation.age_years <= last))
        try:
            known[[self._place[other] for other in observation.others]] = True
            listed = self._list_of[observation.procedures] if observation.procedures else -1
            band = int(bands[0])
        except (KeyError, IndexError):
            raise impossible(observation) from None
        ln_spent = np.log(_spent(world, day, self._days))
        return Seen(
            day,
            observation.principal,
            band,
            observation.female,
            observation.department,
            listed,
            known,
            1 - (1 - world.known_first) * (1 - world.known_later) ** (day - 1),
            (1 - world.corrected) ** day,
            _states(world, observation, self._days),
            np.log(observation.cost_fen) - world.pace_gamma * ln_spent[:, :, None],
            world.pace_p,
        )


def _spent(world: World, day: int, days: Days) -> Floats:
    """Return the even share S of the cost up to the end of a day, by course and length of stay, ``3 x N``."""
    # Lengths below the day never count; they stand as if the stay ended today.
    days = np.maximum(days, day)
    rest = 1 - world.first_share - world.operation_share
    before = world.first_share + rest * day / days
    plain = world.plain_first_share + (1 - world.plain_first_share) * (day - 1) / np.maximum(days - 1, 1)
    spent = np.empty((3, len(days)))
    spent[PLAIN] = np.where(days == 1, 1.0, plain)
    spent[BEFORE] = before
    spent[AFTER] = before + world.operation_share
    return spent


def _states(world: World, seen: Observation, days: Days) -> Floats:
    """Return the probability of what is seen of the procedures, by course and length of stay, ``3 x N``."""
    states = np.zeros((3, len(days)))
    states[PLAIN] = not seen.procedures
    for on, p in zip(world.operation_day.tolist(), world.operation_day_p.tolist(), strict=True):
        happens = np.minimum(days, on)
        for course, takes in ((AFTER, happens <= seen.day), (BEFORE, happens > seen.day)):
            states[course, takes] += p * _seen_of(world, seen, happens[takes])
    return states


def _seen_of(world: World, seen: Observation, happens: Days) -> Floats:
    """Return the probability of what is seen of an operation on each of some days."""
    ordered = _at_least(world.lead_p, happens - seen.day)
    reported = 1 - _at_least(world.lag_p, seen.day - happens + 1)
    if not seen.procedures:
        return 1 - ordered
    return reported if seen.done else ordered - reported


def _at_least(p: Floats, days: Days) -> Floats:
    """Return the probability of so many days or more, where day ``k`` has the probability ``p[k]``."""
    left = np.append(np.cumsum(p[::-1])[::-1], 0.0)
    return left[np.clip(days, 0, len(p))]
