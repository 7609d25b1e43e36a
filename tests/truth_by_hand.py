"""The probability of each final group, by going through everything hidden one by one: slow and plain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from math import exp, inf, log, prod, sqrt
from statistics import NormalDist

from casemeter_grouper.case import Case
from casemeter_grouper.history.truth import Observation
from casemeter_grouper.history.world import World
from small_worlds import spent

NORMAL = NormalDist()
Ending = Callable[[Case, float], str]
"""Group of a page with a final cost in fen."""


def probabilities(world: World, seen: Observation, ending: Ending) -> dict[str, float]:
    """Probability of each group, for an observation of a world."""
    found: dict[str, float] = defaultdict(float)
    (band,) = (at for at, (low, high) in enumerate(world.age_years) if low <= seen.age_years <= high)
    ends: dict[tuple[Case, float], str] = {}
    for s, share in enumerate(world.share):
        operates = int(world.operates[s])
        prior = share * world.age_p[s, band] * (world.female_p[s] if seen.female else 1 - world.female_p[s])
        prior *= sum(
            p
            for surgical, p in enumerate((1 - world.surgical_p[operates], world.surgical_p[operates]))
            if world.department[s, surgical] == seen.department
        )
        principals = list(_principals(world, seen, s))
        if not principals:
            continue
        for z, graveness in enumerate(world.severity_p[band]):
            others = list(_others(world, seen, s, z, band))
            for procedures, days, cost, p in _courses(world, seen, s, z):
                for (principal, p_of), (coded, p_coded) in product(principals, others):
                    page = Case(
                        tuple(world.diagnoses[at] for at in (principal, *coded)),
                        tuple(world.procedures[at] for at in procedures),
                        sex="F" if seen.female else "M",
                        age_years=seen.age_years,
                        los_days=days,
                    )
                    if (page, cost) not in ends:
                        ends[page, cost] = ending(page, cost)
                    found[ends[page, cost]] += prior * graveness * p * p_of * p_coded
    total = sum(found.values())
    return {group: p / total for group, p in found.items() if p}


def _principals(world: World, seen: Observation, s: int) -> Iterator[tuple[int, float]]:
    """Each coded principal diagnosis with its probability, together with the working one."""
    stands = world.wrong_p[s] * (1 - world.corrected) ** seen.day
    variants = slice(world.variant_at[s], world.variant_at[s + 1])
    impressions = slice(world.impression_at[s], world.impression_at[s + 1])
    for variant, p in zip(world.variant[variants], world.variant_p[variants], strict=True):
        working = (1 - stands) * (variant == seen.principal)
        for impression, q in zip(world.impression[impressions], world.impression_p[impressions], strict=True):
            working += stands * q * (impression == seen.principal)
        if working:
            yield int(variant), p * working * (1 - world.coding_vague)
            yield int(world.variant[variants][0]), p * working * world.coding_vague


def _others(
    world: World, seen: Observation, s: int, z: int, band: int
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Each list of coded comorbidities with its probability, together with the known ones."""
    known_by = 1 - (1 - world.known_first) * (1 - world.known_later) ** (seen.day - 1)
    codes = world.comorbid.tolist()
    for there in product((False, True), repeat=len(codes)):
        for coded in product((False, True), repeat=len(codes)):
            parts = []
            for at, code in enumerate(codes):
                p = 0.0 if world.excluded[s, at] else world.comorbid_p[at, band, z, int(world.operates[s])]
                known = code in seen.others
                parts.append(p if there[at] else 1 - p)
                if there[at]:
                    parts.append(known_by if known else 1 - known_by)
                    parts.append(1 - world.coding_loss if coded[at] else world.coding_loss)
                else:
                    parts.append(float(not known and not coded[at]))
            if p_all := prod(parts):
                yield tuple(code for at, code in enumerate(codes) if coded[at]), p_all


def _courses(
    world: World, seen: Observation, s: int, z: int
) -> Iterator[tuple[tuple[int, ...], int, float, float]]:
    """Each list of coded procedures, length of stay and final cost, with the probability of what is seen."""
    places = range(world.plan_at[s], world.plan_at[s + 1])
    up_to = _up_to_days(world, s, z)
    longest = next(n for n in range(len(up_to)) if up_to[n] > 1 - 1e-11)
    for plan, gamma in product(places, range(len(world.pace_p))):
        procedures = tuple(world.procedure[world.procedure_at[plan] : world.procedure_at[plan + 1]].tolist())
        courses: dict[tuple[int, float], float] = defaultdict(float)
        for days, on, before, after in product(
            range(seen.day, longest + 1),
            range(len(world.operation_day)),
            range(len(world.lead_p)),
            range(len(world.lag_p)),
        ):
            happens = min(days, int(world.operation_day[on])) if procedures else 0
            known = procedures if seen.day >= max(1, happens - before) else ()
            done = bool(procedures) and seen.day >= happens + after
            if known == seen.procedures and done == seen.done:
                p = world.operation_day_p[on] * world.lead_p[before] * world.lag_p[after]
                share = spent(world, days, seen.day, happens) ** world.pace_gamma[gamma]
                courses[days, seen.cost_fen / share] += p
        for (days, cost), p in courses.items():
            p_all = p * world.plan_p[plan] * world.pace_p[gamma]
            p_all *= _days_and_cost(world, s, z, up_to[days - 1 : days + 1], cost)
            if not procedures:
                yield (), days, cost, p_all
            else:
                yield procedures, days, cost, p_all * (1 - world.coding_no_procedure)
                yield (), days, cost, p_all * world.coding_no_procedure


def _days_and_cost(world: World, s: int, z: int, up_to: list[float], cost: float) -> float:
    """Density of a length of stay, given by the probabilities of less and of so much, with ln of a cost."""
    mean, sigma, rho = world.cost_mu[s] + world.cost_lift[z], world.cost_sigma[s], world.correlation
    total = 0.0
    for p, factor in zip(world.tail_p, world.tail_factor, strict=True):
        ln_cost = log(cost / factor)
        if ln_cost <= world.cost_cap[s]:
            x = (ln_cost - mean) / sigma
            low, high = (NORMAL.cdf((_quantile(days) - rho * x) / sqrt(1 - rho**2)) for days in up_to)
            total += p * exp(-(x**2) / 2) / sigma * (high - low)
    return total / NORMAL.cdf((world.cost_cap[s] - mean) / sigma)


def _quantile(p: float) -> float:
    return -inf if p <= 0 else inf if p >= 1 else NORMAL.inv_cdf(p)


def _up_to_days(world: World, s: int, z: int) -> list[float]:
    """Probability of 0, 1, … days at most."""
    odds = (world.mean_los[s] - 1) * world.los_lift[z] / world.dispersion
    p, up_to = (1 + odds) ** -world.dispersion, [0.0]
    for n in range(200):
        up_to.append(up_to[-1] + p)
        p *= odds / (1 + odds) * (world.dispersion + n) / (n + 1)
    return up_to
