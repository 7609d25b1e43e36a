"""Small worlds for the tiny packs, and stays drawn from them by the law as it is written and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count as counting
from itertools import islice
from statistics import NormalDist
from typing import Any

import numpy as np

from casemeter_grouper.case import Case
from casemeter_grouper.history.truth import Observation
from casemeter_grouper.history.world import Floats, Ints, World

_DRG_DIAGNOSES = ("I63.900", "I63.000", "S06.000", "I64.x00", "E11.900", "I46.000", "J96.900", "S32.000")
_DIP_DIAGNOSES = ("I20.000", "I20.001", "I20.100", "I21.400", "J18.900", "E11.900")


def drg_world(**changes: Any) -> World:
    """A world for the tiny scheme: strokes, operated or not, transplants, and a head injury."""
    return _world(
        diagnoses=_DRG_DIAGNOSES,
        procedures=("01.2400", "01.2500", "37.5100", "99.0400"),
        variants=([0, 1, 3], [1, 0], [2]),
        plans=([([], 0.3), ([0], 0.5), ([0, 1], 0.2)], [([], 0.7), ([3], 0.2), ([2], 0.1)], [([], 1.0)]),
        impressions=([(2, 0.6), (1, 0.4)], [(3, 1.0)], [(0, 1.0)]),
        comorbid=(4, 5, 6),
        excluded=[[False] * 3, [True, False, False], [False] * 3],
        changes=changes,
    )


def dip_world(**changes: Any) -> World:
    """A world for the tiny catalogue, in which the final cost decides between groups."""
    return _world(
        diagnoses=_DIP_DIAGNOSES,
        procedures=("88.5500", "88.5600", "36.0700", "00.4500"),
        variants=([0, 1, 2], [3], [1, 4]),
        plans=(
            [([], 0.3), ([0, 1], 0.5), ([2, 1], 0.2)],
            [([], 1.0)],
            [([], 0.5), ([1, 0], 0.3), ([3, 0], 0.2)],
        ),
        impressions=([(3, 0.6), (1, 0.4)], [(0, 1.0)], [(0, 0.5), (3, 0.5)]),
        comorbid=(5,),
        excluded=[[False]] * 3,
        changes=changes,
    )


def _world(
    *,
    diagnoses: tuple[str, ...],
    procedures: tuple[str, ...],
    variants: tuple[list[int], ...],
    plans: tuple[list[tuple[list[int], float]], ...],
    impressions: tuple[list[tuple[int, float]], ...],
    comorbid: tuple[int, ...],
    excluded: list[list[bool]],
    changes: dict[str, Any],
) -> World:
    """Three scenarios, three age bands, two severities."""
    count = len(comorbid)
    lists = [codes for scenario in plans for codes, _ in scenario]
    base = np.linspace(0.15, 0.45, count)[:, None, None, None]
    comorbid_p = base * np.array([0.1, 1.0, 1.5])[:, None, None] * np.array([0.6, 1.4])[:, None] * [1.0, 0.7]
    world = World(
        diagnoses=diagnoses,
        procedures=procedures,
        departments=("medicine", "surgery"),
        share=np.array([0.5, 0.3, 0.2]),
        variant_at=_places(variants),
        variant=_ints([at for codes in variants for at in codes]),
        variant_p=np.concatenate([np.full(len(codes), 1 / len(codes)) for codes in variants]),
        plan_at=_places(plans),
        plan_p=np.array([p for scenario in plans for _, p in scenario]),
        procedure_at=_places(lists),
        procedure=_ints([at for codes in lists for at in codes]),
        operates=np.array([any(codes for codes, _ in scenario) for scenario in plans]),
        department=_ints([[0, 1]] * 3),
        surgical_p=np.array([0.1, 0.9]),
        age_years=_ints([[0, 0], [1, 40], [41, 90]]),
        age_p=np.array([[0.1, 0.4, 0.5], [0.2, 0.5, 0.3], [0.0, 0.5, 0.5]]),
        female_p=np.array([0.5, 0.3, 0.6]),
        severity_p=np.array([[0.8, 0.2], [0.7, 0.3], [0.5, 0.5]]),
        comorbid=_ints(comorbid),
        comorbid_p=comorbid_p,
        excluded=np.array(excluded),
        cost_mu=np.log(np.array([1_150_000.0, 600_000.0, 900_000.0])),
        cost_sigma=np.array([0.5, 0.7, 0.4]),
        cost_lift=np.array([-0.1, 0.3]),
        cost_cap=np.log(np.array([2_300_000.0, 12_000_000.0, 18_000_000.0])),
        mean_los=np.array([6.0, 3.0, 1.5]),
        los_lift=np.array([0.9, 1.4]),
        dispersion=3.0,
        correlation=0.618,
        tail_p=np.array([0.9, 0.06, 0.04]),
        tail_factor=np.array([1.0, 4.0, 0.2]),
        operation_day=_ints([1, 2, 4]),
        operation_day_p=np.array([0.2, 0.5, 0.3]),
        lead_p=np.array([0.3, 0.5, 0.2]),
        lag_p=np.array([0.6, 0.4]),
        first_share=0.15,
        operation_share=0.45,
        plain_first_share=0.2,
        pace_gamma=np.array([0.8, 1.3]),
        pace_p=np.array([0.6, 0.4]),
        known_first=0.5,
        known_later=0.3,
        wrong_p=np.array([0.3, 0.1, 0.2]),
        impression_at=_places(impressions),
        impression=_ints([at for scenario in impressions for at, _ in scenario]),
        impression_p=np.array([p for scenario in impressions for _, p in scenario]),
        corrected=0.4,
        coding_loss=0.1,
        coding_vague=0.1,
        coding_no_procedure=0.1,
        category_share=np.full((3, 10), 0.1),
    )
    return replace(world, **changes)


def _places(lists: Any) -> Ints:
    return _ints(np.concatenate([[0], np.cumsum([len(items) for items in lists])]))


def _ints(values: Any) -> Ints:
    return np.array(values, np.int32)


@dataclass(frozen=True)
class Stay:
    """A drawn stay: what is seen on one of its days, how it ends, and the end's cost."""

    seen: Observation
    page: Case
    cost_fen: int


def draw(world: World, count: int, seed: int) -> list[Stay]:
    """Draw stays one by one, each seen on a day drawn before it; those that are over by then are left out."""
    rng = np.random.default_rng(seed)
    tried = (_stay(world, rng, day=int(rng.geometric(0.35))) for _ in counting())
    return list(islice(filter(None, tried), count))


def _stay(world: World, rng: np.random.Generator, day: int) -> Stay | None:
    s = _pick(rng, world.share)
    variants = world.variant[world.variant_at[s] : world.variant_at[s + 1]]
    variant = variants[_pick(rng, world.variant_p[world.variant_at[s] : world.variant_at[s + 1]])]
    plan = world.plan_at[s] + _pick(rng, world.plan_p[world.plan_at[s] : world.plan_at[s + 1]])
    procedures = tuple(world.procedure[world.procedure_at[plan] : world.procedure_at[plan + 1]].tolist())
    band = _pick(rng, world.age_p[s])
    age = int(rng.integers(world.age_years[band, 0], world.age_years[band, 1] + 1))
    female = bool(rng.random() < world.female_p[s])
    operates = int(world.operates[s])
    department = int(world.department[s, int(rng.random() < world.surgical_p[operates])])
    z = _pick(rng, world.severity_p[band])
    there = (rng.random(len(world.comorbid)) < world.comorbid_p[:, band, z, operates]) & ~world.excluded[s]
    days, ln_cost = _days_and_cost(world, rng, s, z)
    if days < day:
        return None
    ln_cost += np.log(world.tail_factor[_pick(rng, world.tail_p)])
    happens = min(days, int(world.operation_day[_pick(rng, world.operation_day_p)]))
    ordered, reported = happens - _pick(rng, world.lead_p), happens + _pick(rng, world.lag_p)
    gamma = world.pace_gamma[_pick(rng, world.pace_p)]
    known = there & (rng.random(len(there)) < world.known_first)
    for _ in range(day - 1):
        known |= there & (rng.random(len(there)) < world.known_later)
    working = int(variant)
    if rng.random() < world.wrong_p[s]:
        start, end = world.impression_at[s], world.impression_at[s + 1]
        impression = int(world.impression[start:end][_pick(rng, world.impression_p[start:end])])
        working = impression if all(rng.random() >= world.corrected for _ in range(day)) else working
    coded = there & (rng.random(len(there)) >= world.coding_loss)
    principal = variants[0] if rng.random() < world.coding_vague else variant
    left_out = rng.random() < world.coding_no_procedure
    share = spent(world, days, day, happens if procedures else 0)
    cost = float(np.exp(ln_cost))
    page = Case(
        tuple(world.diagnoses[at] for at in (principal, *world.comorbid[coded])),
        () if left_out else tuple(world.procedures[at] for at in procedures),
        sex="F" if female else "M",
        age_years=age,
        los_days=days,
    )
    seen = Observation(
        day,
        working,
        tuple(world.comorbid[known].tolist()),
        procedures if day >= ordered else (),
        bool(procedures) and day >= reported,
        round(cost * share**gamma),
        age,
        female,
        department,
    )
    return Stay(seen, page, round(cost))


def _pick(rng: np.random.Generator, p: Floats) -> int:
    return int(np.searchsorted(np.cumsum(p), rng.random() * p.sum()))


def _days_and_cost(world: World, rng: np.random.Generator, s: int, z: int) -> tuple[int, float]:
    normal = NormalDist()
    while True:
        first = rng.standard_normal()
        second = world.correlation * first + np.sqrt(1 - world.correlation**2) * rng.standard_normal()
        ln_cost = world.cost_mu[s] + world.cost_lift[z] + world.cost_sigma[s] * first
        if ln_cost <= world.cost_cap[s]:
            break
    odds = (world.mean_los[s] - 1) * world.los_lift[z] / world.dispersion
    p, up_to, days = (1 + odds) ** -world.dispersion, 0.0, 0
    while up_to <= normal.cdf(second):
        up_to += p
        days += 1
        p *= odds / (1 + odds) * (world.dispersion + days - 1) / days
    return days, float(ln_cost)


def spent(world: World, days: int, day: int, happens: int) -> float:
    if days == 1:
        return 1.0
    if not happens:
        return world.plain_first_share + (1 - world.plain_first_share) * (day - 1) / (days - 1)
    rest = 1 - world.first_share - world.operation_share
    return world.first_share + world.operation_share * (happens <= day) + rest * day / days
