"""The truth of made-up stays: how probable each final group is, given what a forecast may see.

The sum runs over everything that :mod:`casemeter_grouper.history.world` hides. Neglected are that costs are
whole fen, costs farther than nine sigmas from the mean of their scenario, and lengths of stay as improbable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.forecast.known import Interval
from casemeter_grouper.history.truth.days import days_of
from casemeter_grouper.history.truth.dip import CatalogueOutcomes
from casemeter_grouper.history.truth.drg import SchemeOutcomes
from casemeter_grouper.history.truth.observation import Observation
from casemeter_grouper.history.truth.outcomes import Outcomes
from casemeter_grouper.history.truth.sight import Sight, impossible
from casemeter_grouper.history.truth.sums import Law, sum_up
from casemeter_grouper.history.world import Floats, Ints, World


class Outlook(NamedTuple):
    """Where a stay is truly heading.

    Attributes:
        groups, probabilities: as of :meth:`Truth.probabilities`.
        los_days: length of stay: the quantiles at 5, 50 and 95 %.
        cost_fen: likewise of the final cost.
    """

    groups: tuple[str, ...]
    probabilities: Floats
    los_days: Interval
    cost_fen: Interval


class Truth:
    """Tells the true probabilities of stays that are drawn from one world and grouped by one pack."""

    def __init__(self, world: World, pack: CompiledScheme | CompiledCatalogue) -> None:
        """Prepare.

        Raises:
            ValueError: the pack looks at something that the sum does not tell apart.
        """
        self._outcomes: Outcomes = (
            SchemeOutcomes(world, pack)
            if isinstance(pack, CompiledScheme)
            else CatalogueOutcomes(world, pack)
        )
        self._law = _law(world, self._outcomes)
        self._scenarios = _by_working_diagnosis(world)
        longest = int(np.diff(self._law.days_at).max())
        self._sight = Sight(world, self._outcomes.pages.list_of, longest)

    def probabilities(self, seen: Observation) -> tuple[tuple[str, ...], Floats]:
        """Return the probability of each final group of a stay.

        Returns:
            Codes of the groups, empty for a stay in no group, the likeliest first; and their probabilities,
            which add up to 1.

        Raises:
            ValueError: no stay of the world can look so.
        """
        return self._told(self._sum(seen)[0])

    def outlook(self, seen: Observation) -> Outlook:
        """Return what :meth:`probabilities` does, and length of stay and final cost.

        Raises:
            ValueError: no stay of the world can look so.
        """
        found, atoms, ln_final = self._sum(seen)
        days = np.broadcast_to(np.arange(atoms.shape[1], dtype=np.float64)[:, None], atoms.shape)
        return Outlook(*self._told(found), _interval(days, atoms), _interval(np.exp(ln_final), atoms))

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

    def _sum(self, observation: Observation) -> tuple[Floats, Floats, Floats]:
        """Return the probability of each group, that of each atom, and ln of its final cost."""
        seen = self._sight.of(observation)
        ages, groups = self._outcomes.of(observation.age_years, observation.female, observation.department)
        found, atoms = np.zeros(len(self._outcomes.groups)), np.zeros_like(seen.ln_final)
        scenarios = self._scenarios.get(observation.principal, np.empty(0, np.int32))
        sum_up(self._law, seen, scenarios, ages, groups, found, atoms)
        total = found.sum()
        if not total > 0:
            raise impossible(observation)
        return found / total, atoms / total, seen.ln_final


def _interval(values: Floats, p: Floats) -> Interval:
    """Return the quantiles at 5, 50 and 95 % of values with probabilities."""
    order = np.argsort(values, axis=None)
    up_to = np.cumsum(p.reshape(-1)[order])
    at = np.searchsorted(up_to, np.array([0.05, 0.5, 0.95]) * up_to[-1])
    return Interval(*values.reshape(-1)[order][at].tolist())


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
    from_world: dict[str, Any] = {field.name: getattr(world, field.name) for field in fields(world)}
    pages, complications, rows, days = outcomes.pages, outcomes.complications, outcomes.rows, days_of(world)
    worked_out: dict[str, Any] = {
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
    return Law(**{name: _whole(values[name]) for name in Law._fields})


def _whole(value: Any) -> Any:
    """Return an array in one piece: for others the loops would be compiled anew."""
    return np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value
