"""Stays as drawn agree with their world in every step of its law, within five standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # it has no types

from casemeter_grouper.history.charges import Charges, charge, share_by
from casemeter_grouper.history.draw import NO_DAY, NOBODY, Stays, draw, odds_of
from casemeter_grouper.history.pages import coded
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.world import World
from small_histories import small_caseload, small_world

SIGMAS = 5
COUNT = 100_000


class Drawn(NamedTuple):
    world: World
    stays: Stays
    charges: Charges


@pytest.fixture(scope="module", params=["first", "second"])
def drawn(request: pytest.FixtureRequest, bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.getbasetemp() / "small_caseload"
    world = small_world("chs_drg_11", request.param, bundles, folder)
    stays = draw(odds_of(world), COUNT, np.random.SeedSequence(20_261_101))
    return Drawn(world, stays, charge(world, stays, 0.4, np.random.SeedSequence(5)))


def agrees(observed: Any, expected: Any, deviation: Any) -> None:
    """Every observed value lies within five deviations of what is expected, give or take rounding."""
    far = np.abs(np.asarray(observed, float) - expected) > SIGMAS * np.asarray(deviation) + 1e-9
    assert not far.any(), np.argwhere(far)[:5].tolist()


def agrees_in_shares(numbers: NDArray[Any], shares: Sequence[float] | NDArray[Any]) -> None:
    shares = np.asarray(shares)
    counts = np.bincount(numbers, minlength=len(shares))
    assert len(counts) == len(shares)
    agrees(counts, len(numbers) * shares, np.sqrt(len(numbers) * shares * (1 - shares)))


def agrees_in_chances(happened: NDArray[Any], chances: NDArray[Any] | float) -> None:
    chances = np.broadcast_to(chances, happened.shape)
    agrees(happened.sum(), chances.sum(), np.sqrt((chances * (1 - chances)).sum()))


def by_scenario(stays: Stays) -> list[tuple[int, NDArray[np.int64]]]:
    """The scenarios that enough stays are of, each with the places of its stays."""
    return [
        (int(one), np.flatnonzero(stays.scenario == one))
        for one, count in zip(*np.unique(stays.scenario, return_counts=True), strict=True)
        if count > 500
    ]


def test_what_a_stay_is(drawn: Drawn) -> None:
    world, stays, _ = drawn
    agrees_in_shares(stays.scenario, world.share)
    for one, of in by_scenario(stays):
        start, end = world.variant_at[one : one + 2]
        place = {int(code): at for at, code in enumerate(world.variant[start:end])}
        variants = np.array([place[code] for code in stays.variant[of].tolist()])
        agrees_in_shares(variants, world.variant_p[start:end])
        start, end = world.plan_at[one : one + 2]
        agrees_in_shares(stays.plan[of] - start, world.plan_p[start:end])
        agrees_in_shares(stays.band[of], world.age_p[one])
        agrees_in_chances(stays.female[of], world.female_p[one])
        surgical = world.surgical_p[int(world.operates[one])]
        if world.department[one, 0] != world.department[one, 1]:
            agrees_in_chances(stays.department[of] == world.department[one, 1], surgical)
    for band in range(len(world.age_years)):
        of = np.flatnonzero(stays.band == band)
        first, last = world.age_years[band]
        agrees_in_shares(stays.age_years[of] - first, np.full(last + 1 - first, 1 / (last + 1 - first)))
        agrees_in_shares(stays.severity[of], world.severity_p[band])
    newborn = stays.age_years == 0
    agrees_in_shares(stays.age_rest[newborn], np.full(29, 1 / 29))
    agrees_in_shares(stays.age_rest[~newborn], np.full(365, 1 / 365))


def test_comorbidities(drawn: Drawn) -> None:
    world, stays, _ = drawn
    of = np.repeat(np.arange(COUNT), np.diff(stays.comorbid_at))
    operates = world.operates[stays.scenario].astype(int)
    assert not world.excluded[stays.scenario[of], stays.comorbid].any()
    for one in range(len(world.comorbid)):
        chances = world.comorbid_p[one, stays.band, stays.severity, operates]
        chances = np.where(world.excluded[stays.scenario, one], 0, chances)
        has = np.zeros(COUNT, bool)
        has[of[stays.comorbid == one]] = True
        agrees_in_chances(has, chances)
        for part in (stays.severity == 2, operates == 1, stays.band >= 6):
            agrees_in_chances(has[part], chances[part])


def test_the_mean_number_of_comorbidities_is_the_recipe_s(drawn: Drawn) -> None:
    world, stays, _ = drawn
    counts = np.diff(stays.comorbid_at)
    wanted = {0.66: 3.0, 0.6: 3.2}[world.known_first]  # tells the two recipes apart
    agrees(counts.mean(), wanted, counts.std() / np.sqrt(COUNT))


def lifts(world: World, lift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean lift of each scenario."""
    means: NDArray[np.float64] = world.age_p @ world.severity_p @ lift
    return means


def test_the_world_has_the_mean_and_the_spread_that_were_published(drawn: Drawn, tmp_path: Path) -> None:
    world = drawn.world
    known = {(one.principal, one.procedures): one for one in small_caseload(tmp_path).volumes if not one.kind}
    mean = np.exp(world.cost_mu + world.cost_sigma**2 / 2) * lifts(world, np.exp(world.cost_lift))
    square = np.exp(2 * world.cost_mu + 2 * world.cost_sigma**2) * lifts(world, np.exp(2 * world.cost_lift))
    days = 1 + (world.mean_los - 1) * lifts(world, world.los_lift)
    checked = 0
    for one in range(len(world.share)):
        plan = world.plan_at[one]
        codes = world.procedure[world.procedure_at[plan] : world.procedure_at[plan + 1]]
        principal = world.diagnoses[world.variant[world.variant_at[one]]][:5]
        published = known.get((principal, tuple(world.procedures[code] for code in codes)))
        if published is None:
            continue
        checked += 1
        assert mean[one] == pytest.approx(published.mean_cost_yuan * 100)
        assert days[one] == pytest.approx(published.mean_los_days)
        cv = np.sqrt(square[one] / mean[one] ** 2 - 1)
        # The lift of severity alone spreads the costs of a very even group more than was published.
        assert cv == pytest.approx(published.cv) or (published.cv < 0.25 and cv > published.cv)
    assert checked > 25


def normal_costs(world: World, stays: Stays) -> NDArray[np.float64]:
    """Costs as the normals they were made of: without tail, severity and scenario."""
    ln_cost = np.log(stays.cost_fen / world.tail_factor[stays.tail])
    ln_mean = world.cost_mu[stays.scenario] + world.cost_lift[stays.severity]
    normals: NDArray[np.float64] = (ln_cost - ln_mean) / world.cost_sigma[stays.scenario]
    return normals


def test_costs(drawn: Drawn) -> None:
    world, stays, _ = drawn
    agrees_in_shares(stays.tail, world.tail_p)
    normals = normal_costs(world, stays)
    for _, of in by_scenario(stays):
        agrees(normals[of].mean(), 0, 1 / np.sqrt(len(of)))
        agrees(normals[of].var(), 1, np.sqrt(2 / len(of)))
    for severity in range(3):
        of = np.flatnonzero(stays.severity == severity)
        agrees(normals[of].mean(), 0, 1 / np.sqrt(len(of)))
    highest = np.exp(world.cost_cap[stays.scenario]) * world.tail_factor[stays.tail]
    assert (stays.cost_fen <= highest + 1).all()


def test_means_of_costs_and_days(drawn: Drawn) -> None:
    world, stays, _ = drawn
    tail = world.tail_p @ world.tail_factor
    cost = tail * np.exp(world.cost_mu + world.cost_sigma**2 / 2) * lifts(world, np.exp(world.cost_lift))
    days = 1 + (world.mean_los - 1) * lifts(world, world.los_lift)
    for one, of in by_scenario(stays):
        for values, mean in ((stays.cost_fen[of], cost[one]), (stays.days[of], days[one])):
            agrees(values.mean(), mean, values.std() / np.sqrt(len(of)))
    for severity, lift in enumerate(world.los_lift):
        of = np.flatnonzero(stays.severity == severity)
        more = stays.days[of] - 1 - (world.mean_los[stays.scenario[of]] - 1) * lift
        agrees(more.mean(), 0, more.std() / np.sqrt(len(of)))


def test_days_are_tied_to_costs_by_the_copula(drawn: Drawn) -> None:
    """The places of the days in their distributions, given the costs, are spread evenly from 0 to 1."""
    world, stays, _ = drawn
    mean = (world.mean_los[stays.scenario] - 1) * world.los_lift[stays.severity]
    success = world.dispersion / (world.dispersion + mean)
    normals = normal_costs(world, stays)
    rest = np.sqrt(1 - world.correlation**2)
    cost_low = np.exp(world.cost_cap[stays.scenario]) * world.tail_factor[stays.tail] > stays.cost_fen + 1
    ends = [
        stats.norm.cdf(
            (
                stats.norm.ppf(stats.nbinom.cdf(stays.days - 1 - back, world.dispersion, success))
                - world.correlation * normals
            )
            / rest
        )
        for back in (0, 1)
    ]
    places = (ends[0] + ends[1]) / 2
    for part in (normals > 1, (normals > 0) & (normals < 1), (normals > -1) & (normals < 0), normals < -1):
        of = part & cost_low
        agrees(places[of].mean(), 1 / 2, np.sqrt(1 / 12 / of.sum()))


def test_the_rank_correlation_is_the_recipe_s(drawn: Drawn) -> None:
    """Of one severity of the largest scenario, in which days are many and so have few ties."""
    world, stays, _ = drawn
    largest = int(np.argmax(world.share))
    of = (stays.scenario == largest) & (stays.severity == 0) & (stays.tail == 0)
    wanted = 6 / np.pi * np.arcsin(world.correlation / 2)
    assert wanted == pytest.approx({0.66: 0.6, 0.6: 0.5}[world.known_first])
    found = stats.spearmanr(stays.cost_fen[of], stays.days[of]).statistic
    assert abs(found - wanted) < SIGMAS / np.sqrt(of.sum()) + 0.01


def test_operations(drawn: Drawn) -> None:
    world, stays, _ = drawn
    operated = np.diff(world.procedure_at)[stays.plan] > 0
    assert (stays.operation_day[~operated] == NO_DAY).all()
    late = np.flatnonzero(operated & (stays.days >= world.operation_day.max()))
    places = np.searchsorted(world.operation_day, stays.operation_day[late])
    agrees_in_shares(places, world.operation_day_p)
    assert (stays.operation_day[operated] <= stays.days[operated]).all()
    lag = (stays.reported_day - stays.operation_day)[operated]
    agrees_in_shares(lag, world.lag_p)
    enough = operated & (stays.operation_day >= len(world.lead_p))
    agrees_in_shares((stays.operation_day - stays.ordered_day)[enough], world.lead_p)
    assert stays.ordered_day[operated].min() == 1


def test_what_is_known_when(drawn: Drawn) -> None:
    world, stays, _ = drawn
    for day in range(1, 9):
        known = 1 - (1 - world.known_first) * (1 - world.known_later) ** (day - 1)
        agrees_in_chances(stays.comorbid_day <= day, known)
    wrong = stays.impression != NOBODY
    agrees_in_chances(wrong, world.wrong_p[stays.scenario])
    assert (stays.corrected_day[~wrong] == 1).all()
    for day in range(1, 9):
        agrees_in_chances(stays.corrected_day[wrong] > day, (1 - world.corrected) ** day)
    for one, of in by_scenario(stays):
        start, end = world.impression_at[one : one + 2]
        shares: dict[int, float] = {}
        for code, share in zip(
            world.impression[start:end].tolist(), world.impression_p[start:end], strict=True
        ):
            shares[code] = shares.get(code, 0.0) + share
        codes = stays.impression[of][wrong[of]]
        if len(codes) > 50:
            places = np.searchsorted(sorted(shares), codes)
            agrees_in_shares(places, [shares[code] for code in sorted(shares)])
        assert not set(codes.tolist()) & set(world.variant[world.variant_at[one] : world.variant_at[one + 1]])


def test_coding(drawn: Drawn) -> None:
    world, stays, _ = drawn
    agrees_in_chances(~stays.comorbid_coded, world.coding_loss)
    agrees_in_chances(stays.vague, world.coding_vague)
    agrees_in_chances(stays.no_procedure, world.coding_no_procedure)


def test_the_page_is_what_the_coder_wrote(drawn: Drawn) -> None:
    world, stays, _ = drawn
    written = coded(world, stays)
    for stay in range(0, COUNT, 37):
        first = world.variant[world.variant_at[stays.scenario[stay]]]
        assert written.principal[stay] == (first if stays.vague[stay] else stays.variant[stay])
        of = slice(stays.comorbid_at[stay], stays.comorbid_at[stay + 1])
        others = world.comorbid[stays.comorbid[of][stays.comorbid_coded[of]]]
        assert written.others[stay][: len(others)].tolist() == others.tolist()
        assert (written.others[stay][len(others) :] == -1).all()
        start, end = world.procedure_at[stays.plan[stay] : stays.plan[stay] + 2]
        procedures = [] if stays.no_procedure[stay] else world.procedure[start:end].tolist()
        assert [code for code in written.procedures[stay].tolist() if code >= 0] == procedures


def test_the_share_of_the_cost_by_day(drawn: Drawn) -> None:
    world, stays, charges = drawn
    agrees_in_shares(stays.gamma, world.pace_p)
    assert (charges.total.sum(axis=1) == stays.cost_fen).all()
    assert (charges.fen >= 0).all()
    at = np.concatenate([[0], np.cumsum(stays.days)])
    for stay in range(0, COUNT, 97):
        days, cost = int(stays.days[stay]), int(stays.cost_fen[stay])
        operation = int(stays.operation_day[stay])
        gamma = world.pace_gamma[stays.gamma[stay]]
        own = charges.fen[at[stay] : at[stay + 1]]
        assert charges.day[at[stay] : at[stay + 1]].tolist() == list(range(1, days + 1))
        assert (own.sum(axis=0) == charges.total[stay]).all()
        spread = 1 - world.first_share - world.operation_share
        for day, running in enumerate(own.sum(axis=1).cumsum().tolist(), 1):
            if day == days:
                share = 1.0
            elif operation:
                share = world.first_share + spread * day / days + world.operation_share * (day >= operation)
            else:
                share = world.plain_first_share + (1 - world.plain_first_share) * (day - 1) / (days - 1)
            assert abs(running - cost * share**gamma) <= 1
            shares = np.array([world.first_share, world.operation_share, world.plain_first_share])
            assert share_by(day, days, operation, shares, gamma) == pytest.approx(share**gamma)


def test_the_structure_by_category(drawn: Drawn) -> None:
    world, stays, charges = drawn
    parts = charges.total / stays.cost_fen[:, None]
    for one, of in by_scenario(stays):
        # The noise is even about 1, so that only the sum it is divided by moves the mean, and by little.
        assert np.abs(parts[of].mean(axis=0) - world.category_share[one]).max() < 0.02


def test_no_day_of_the_future_hangs_on_a_seed_of_another_shard(drawn: Drawn) -> None:
    odds = odds_of(drawn.world)
    few, many = (draw(odds, count, np.random.SeedSequence(3, spawn_key=(4, 0))) for count in (50, 500))
    for field in Stays._fields[: Stays._fields.index("comorbid_at")]:
        assert (getattr(few, field) == getattr(many, field)[:50]).all(), field
    assert (few.comorbid == many.comorbid[: few.comorbid_at[-1]]).all()


def test_the_second_recipe_is_another_hospital(
    bundles: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "small_caseload"
    first, second = (small_world("chs_drg_11", name, bundles, folder) for name in ("first", "second"))
    same = {
        field.name
        for field in fields(World)
        if field.name.rpartition("_")[2] not in ("at", "") and _is_same(first, second, field.name)
    }
    # What the two have in common: the facts of codes, packs and caseload.
    assert same == {
        *(
            "diagnoses",
            "procedures",
            "departments",
            "share",
            "variant",
            "procedure",
            "operates",
            "department",
        ),
        *("age_years", "female_p", "comorbid", "excluded", "cost_cap", "impression"),
    }


def _is_same(first: World, second: World, name: str) -> bool:
    one, other = np.asarray(getattr(first, name)), np.asarray(getattr(second, name))
    return one.shape == other.shape and bool((one == other).all())


def test_the_hidden_interaction_is_in_the_second_recipe_only() -> None:
    for name, interacts in (("first", False), ("second", True)):
        recipe = read_recipe(name)
        for level in ("minor", "major"):
            by_band = recipe.numbers(f"comorbidity.operated.{level}")
            assert (len(set(by_band.tolist())) > 1) == (interacts and level == "major")
