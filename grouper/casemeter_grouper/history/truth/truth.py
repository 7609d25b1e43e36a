"""The truth of made-up stays: how probable each final group is, given what a forecast may see.

The sum runs over everything that :mod:`casemeter_grouper.history.world` hides. Neglected are two things: costs
are whole fen, and here they are not; and costs farther than nine sigmas from the mean of their scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

import numpy as np

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.history.truth.days import days_of
from casemeter_grouper.history.truth.dip import CatalogueOutcomes
from casemeter_grouper.history.truth.drg import SchemeOutcomes
from casemeter_grouper.history.truth.observation import Observation
from casemeter_grouper.history.truth.outcomes import Outcomes
from casemeter_grouper.history.truth.sums import AFTER, BEFORE, PLAIN, Law, Seen, sum_up
from casemeter_grouper.history.world import Floats, Ints, World


class Truth:
    """Tells the true probabilities of stays that are drawn from one world and grouped by one pack."""

    def __init__(self, world: World, pack: CompiledScheme | CompiledCatalogue) -> None:
        """Prepare.

        Raises:
            ValueError: the pack looks at something that the sum does not tell apart.
        """
        self._world = world
        self._outcomes: Outcomes = (
            SchemeOutcomes(world, pack)
            if isinstance(pack, CompiledScheme)
            else CatalogueOutcomes(world, pack)
        )
        self._law = _law(world, self._outcomes)
        self._longest = int(np.diff(self._law.days_at).max())
        self._scenarios = _by_working_diagnosis(world)
        self._place = {diagnosis: at for at, diagnosis in enumerate(world.comorbid.tolist())}

    def probabilities(self, seen: Observation) -> tuple[tuple[str, ...], Floats]:
        """Return the probability of each final group of a stay.

        Returns:
            Codes of the groups, empty for a stay in no group, the likeliest first; and their probabilities,
            which add up to 1.

        Raises:
            ValueError: no stay of the world can look so.
        """
        found, _ = self._sum(seen)
        return self._told(found)

    def probabilities_of(
        self, observations: Iterable[Observation], progress: Callable[[int], object] = bool
    ) -> Iterator[tuple[tuple[str, ...], Floats]]:
        """Yield what :meth:`probabilities` returns for each of many observations.

        Args:
            observations: any number.
            progress: told how many were done.
        """
        for seen in observations:
            yield self.probabilities(seen)
            progress(1)

    def _told(self, found: Floats) -> tuple[tuple[str, ...], Floats]:
        some = np.flatnonzero(found)
        some = some[np.argsort(-found[some], kind="stable")]
        return tuple(self._outcomes.groups[at] for at in some.tolist()), found[some]

    def _sum(self, observation: Observation) -> tuple[Floats, Floats]:
        """Return the probability of each group, and of each atom."""
        seen = self._seen(observation)
        ages, groups = self._outcomes.of(observation.age_years, observation.female, observation.department)
        found = np.zeros(len(self._outcomes.groups))
        atoms = np.zeros_like(seen.ln_final)
        scenarios = self._scenarios.get(observation.principal, np.empty(0, np.int32))
        sum_up(self._law, seen, scenarios, ages, groups, found, atoms)
        total = found.sum()
        if not total > 0:
            raise ValueError(f"no stay of this world can look like {observation}")
        return found / total, atoms / atoms.sum()

    def _seen(self, observation: Observation) -> Seen:
        world = self._world
        bands = np.flatnonzero(
            (world.age_years[:, 0] <= observation.age_years)
            & (observation.age_years <= world.age_years[:, 1])
        )
        known = np.zeros(len(world.comorbid), np.bool_)
        try:
            known[[self._place[other] for other in observation.others]] = True
            listed = self._outcomes.pages.list_of[observation.procedures] if observation.procedures else -1
            band = bands.tolist()[0]
        except (KeyError, IndexError):
            raise ValueError(f"no stay of this world can look like {observation}") from None
        day = observation.day
        days = np.arange(self._longest + 1)
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
            _states(world, observation, days),
            np.log(observation.cost_fen) - world.pace_gamma * np.log(_spent(world, day, days))[:, :, None],
            world.pace_p,
        )


def _spent(world: World, day: int, days: Ints) -> Floats:
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


def _states(world: World, seen: Observation, days: Ints) -> Floats:
    """Return the probability of what is seen of the procedures, by course and length of stay, ``3 x N``."""
    states = np.zeros((3, len(days)))
    states[PLAIN] = not seen.procedures
    for on, p in zip(world.operation_day.tolist(), world.operation_day_p.tolist(), strict=True):
        happens = np.minimum(days, on)
        for course, takes in ((AFTER, happens <= seen.day), (BEFORE, happens > seen.day)):
            states[course, takes] += p * _seen_of(world, seen, happens[takes])
    return states


def _seen_of(world: World, seen: Observation, happens: Ints) -> Floats:
    """Return the probability of what is seen of an operation on each of some days."""
    ordered = _at_least(world.lead_p, happens - seen.day)
    reported = 1 - _at_least(world.lag_p, seen.day - happens + 1)
    if not seen.procedures:
        return 1 - ordered
    return reported if seen.done else ordered - reported


def _at_least(p: Floats, days: Ints) -> Floats:
    """Return the probability of so many days or more, where day ``k`` has the probability ``p[k]``."""
    left = np.append(np.cumsum(p[::-1])[::-1], 0.0)
    return left[np.clip(days, 0, len(p))]


def _by_working_diagnosis(world: World) -> dict[int, Ints]:
    """Return the scenarios that may have each diagnosis as the working one."""
    pairs = {
        (diagnosis, scenario)
        for at, codes in ((world.variant_at, world.variant), (world.impression_at, world.impression))
        for scenario in range(len(world.share))
        for diagnosis in codes[at[scenario] : at[scenario + 1]].tolist()
    }
    scenarios: dict[int, list[int]] = {}
    for diagnosis, scenario in sorted(pairs):
        scenarios.setdefault(diagnosis, []).append(scenario)
    return {diagnosis: np.array(found, np.int32) for diagnosis, found in scenarios.items()}


def _law(world: World, outcomes: Outcomes) -> Law:
    from_world = {field.name: getattr(world, field.name) for field in fields(world)}
    pages, complications, rows, days = outcomes.pages, outcomes.complications, outcomes.rows, days_of(world)
    worked_out = {
        "ln_tail": np.log(world.tail_factor),
        "days_at": days.at,
        "threshold": days.threshold,
        "mcc": complications.mcc,
        "cc": complications.cc,
        "exclusion": complications.principal,
        "plan_list": pages.plan_list,
        "page_at": pages.number_at,
        "page": pages.number,
        "row_at": rows.at,
        "until_day": rows.until_day,
        "until_cost": rows.until_cost,
    }
    values = from_world | worked_out
    return Law(**{name: _plain(values[name]) for name in Law._fields})


def _plain(value: object) -> object:
    """Return an array as one piece: the loops are compiled for such alone."""
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value
