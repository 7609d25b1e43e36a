"""From a pack, a recipe and a caseload to a world that stays can be drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.history.caseload import Caseload
from casemeter_grouper.history.ends import grouped_principals
from casemeter_grouper.history.impressions import Impressions
from casemeter_grouper.history.medicine import Comorbidity, check_profiles, comorbidities, is_in
from casemeter_grouper.history.recipe import Recipe, RecipeError
from casemeter_grouper.history.scenarios import Scenario, scenarios_of
from casemeter_grouper.history.world import Floats, Ints, World

Pack = CompiledScheme | CompiledCatalogue
_LEAST_VARIANCE = 0.0025
_ROUNDS = 50


class Built(NamedTuple):
    """A world, and what of the caseload is in it.

    Attributes:
        left_out: groups of the caseload that end in no group of the pack, or whose codes it does not know.
        left_out_share: share of their stays in the caseload.
    """

    world: World
    left_out: int
    left_out_share: float


def build_world(pack: Pack, recipe: Recipe, caseload: Caseload) -> World:
    """Return the world that made-up stays of a pack are drawn from; see :func:`built`."""
    return built(pack, recipe, caseload).world


def built(pack: Pack, recipe: Recipe, caseload: Caseload) -> Built:
    """Build a world and count what was left out.

    Raises:
        RecipeError: the recipe lacks a profile, or no group of the caseload ends in a group of the pack.
    """
    check_profiles(recipe)
    bands = recipe.numbers("age.years").astype(np.int32)
    known = frozenset(pack.procedures.number)
    drawn = list(scenarios_of(caseload.volumes, list(pack.diagnoses.number), known, recipe))
    scenarios = list(grouped_principals(pack, drawn, recipe))
    if not scenarios:
        raise RecipeError([f"no group of the caseload ends in a group of {pack.header.id}"])
    total = math.fsum(volume.cases for volume in caseload.volumes)
    kept = math.fsum(one.volume.cases for one in scenarios)
    world = _world(pack, recipe, scenarios, bands)
    return Built(world, len(caseload.volumes) - len(scenarios), 1 - kept / total)


class _Numbers:
    """Numbers for texts, in the order in which they come."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}

    def of(self, texts: Iterable[str]) -> Ints:
        return np.array([self._number.setdefault(text, len(self._number)) for text in texts], np.int32)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._number)


def _world(pack: Pack, recipe: Recipe, scenarios: Sequence[Scenario], bands: Ints) -> World:
    diagnoses, procedures, departments = _Numbers(), _Numbers(), _Numbers()
    number, numbers = recipe.number, recipe.numbers
    share = _shares([one.volume.cases for one in scenarios])
    age_p = np.array([numbers(f"age.shares.{one.block.ages}") for one in scenarios])
    severity_p = numbers("severity.shares")
    grave = age_p @ severity_p
    cost_lift, los_lift = numbers("severity.cost_lift"), numbers("severity.los_lift")
    operates = np.array([one.operates for one in scenarios])
    listed = [one for one in comorbidities() if one.code in pack.diagnoses.number]
    first = Impressions(scenarios, pack.diagnoses.number, recipe)
    impressions = [first.of(one) for one in scenarios]
    plans = [plan for one in scenarios for plan in one.plans]
    world = World(
        diagnoses=(),
        procedures=(),
        departments=(),
        share=share,
        variant_at=_places(one.principals for one in scenarios),
        variant=diagnoses.of(code for one in scenarios for code, _ in one.principals),
        variant_p=_floats(p for one in scenarios for _, p in one.principals),
        plan_at=_places(one.plans for one in scenarios),
        plan_p=_floats(plan.probability for plan in plans),
        procedure_at=_places(plan.procedures for plan in plans),
        procedure=procedures.of(code for plan in plans for code in plan.procedures),
        operates=operates,
        department=np.column_stack(
            [
                departments.of(one.block.department for one in scenarios),
                departments.of(one.block.surgical for one in scenarios),
            ]
        ),
        surgical_p=numbers("department.surgical"),
        age_years=bands,
        age_p=age_p,
        female_p=_floats(one.block.female for one in scenarios),
        severity_p=severity_p,
        comorbid=diagnoses.of(one.code for one in listed),
        comorbid_p=_rates(listed, recipe),
        excluded=np.array([[_is_excluded(other, one) for other in listed] for one in scenarios]),
        **_costs([one.volume.mean_cost_yuan for one in scenarios], scenarios, grave, recipe),
        cost_lift=cost_lift,
        mean_los=1 + (_floats(one.volume.mean_los_days for one in scenarios) - 1) / (grave @ los_lift),
        los_lift=los_lift,
        dispersion=number("days.dispersion"),
        # Of two normals with correlation r the rank correlation is 6 / pi * asin(r / 2).
        correlation=2 * math.sin(math.pi / 6 * number("days.rank_correlation")),
        tail_p=numbers("cost.tail_shares"),
        tail_factor=numbers("cost.tail_factors"),
        operation_day=numbers("operation.days").astype(np.int32),
        operation_day_p=numbers("operation.day_shares"),
        lead_p=numbers("operation.ordered_before"),
        lag_p=numbers("operation.reported_after"),
        first_share=number("pace.first_share"),
        operation_share=number("pace.operation_share"),
        plain_first_share=number("pace.plain_first_share"),
        pace_gamma=numbers("pace.gamma"),
        pace_p=numbers("pace.gamma_shares"),
        known_first=number("knowing.first"),
        known_later=number("knowing.later"),
        wrong_p=_floats(
            0.0
            if not found
            else number("impression.wrong_planned" if one.block.planned else "impression.wrong_emergency")
            for one, found in zip(scenarios, impressions, strict=True)
        ),
        impression_at=_places(impressions),
        impression=diagnoses.of(code for found in impressions for code, _ in found),
        impression_p=_floats(p for found in impressions for _, p in found),
        corrected=number("impression.corrected"),
        coding_loss=number("coding.loss"),
        coding_vague=number("coding.vague"),
        coding_no_procedure=number("coding.no_procedure"),
        category_share=np.array(
            [
                numbers(f"charges.shares.{'operated' if one.operates else one.block.charges}")
                for one in scenarios
            ]
        ),
    )
    scaled = _scaled(world, number("comorbidity.mean"), number("comorbidity.most"))
    return replace(
        world,
        diagnoses=diagnoses.texts,
        procedures=procedures.texts,
        departments=departments.texts,
        comorbid_p=scaled,
    )


def _costs(
    means: Sequence[float], scenarios: Sequence[Scenario], grave: Floats, recipe: Recipe
) -> dict[str, Floats]:
    """Return mu, sigma and cap of ln cost: with the lift of severity, mean and CV are as published."""
    lift = np.exp(recipe.numbers("severity.cost_lift"))
    lifted, lifted_squares = grave @ lift, grave @ lift**2
    cv = _floats(one.volume.cv for one in scenarios)
    variance = np.log1p(cv**2) - np.log(lifted_squares / lifted**2)
    variance = np.maximum(variance, _LEAST_VARIANCE)
    mean = np.log(np.array(means) * 100)
    return {
        "cost_mu": mean - variance / 2 - np.log(lifted),
        "cost_sigma": np.sqrt(variance),
        "cost_cap": mean + math.log(recipe.number("cost.cap")),
    }


def _rates(listed: Sequence[Comorbidity], recipe: Recipe) -> Floats:
    """Return how frequent each comorbidity is beside the others: ``L x A x Z x 2``."""
    rates = []
    for one in listed:
        plain = np.outer(
            recipe.numbers(f"comorbidity.by_age.{one.ages}"),
            recipe.numbers(f"comorbidity.by_severity.{one.level}"),
        )
        operated = plain * recipe.numbers(f"comorbidity.operated.{one.level}")[:, None]
        rates.append(one.weight * np.stack([plain, operated], axis=-1))
    return np.array(rates)


def _scaled(world: World, mean: float, most: float) -> Floats:
    """Return probabilities with so many comorbidities in a mean stay, none above the most frequent."""
    weight = world.share[:, None, None] * world.age_p[:, :, None] * world.severity_p[None]
    may = np.stack(
        [
            np.tensordot((~world.excluded & (world.operates[:, None] == bool(op))).T, weight, axes=1)
            for op in (0, 1)
        ],
        axis=-1,
    )
    low, high = 0.0, 1.0
    while np.sum(may * np.minimum(world.comorbid_p * high, most)) < mean and high < 1e6:
        high *= 2
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if np.sum(may * np.minimum(world.comorbid_p * middle, most)) < mean:
            low = middle
        else:
            high = middle
    scaled: Floats = np.minimum(world.comorbid_p * high, most)
    return scaled


def _is_excluded(other: Comorbidity, scenario: Scenario) -> bool:
    principal = scenario.volume.principal
    if other.code[:3] == principal[:3] or is_in(principal, other.never):
        return True
    return bool(other.only) and not is_in(principal, other.only)


def _places(lists: Iterable[Sequence[Any]]) -> Ints:
    return np.cumsum([0, *map(len, lists)], dtype=np.int32)


def _floats(numbers: Iterable[float]) -> NDArray[np.float64]:
    return np.array(list(numbers), np.float64)


def _shares(numbers: Sequence[float]) -> Floats:
    parts = _floats(numbers)
    shares: Floats = parts / parts.sum()
    return shares
