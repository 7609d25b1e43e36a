"""Fitting a benchmark: figures worked by hand, a plain reading of the same stays, any order and chunks."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.benchmark.fitting.collect import RepeatedStayError
from casemeter_grouper.benchmark.fitting.figures import Dropped, Figures, Fitted
from casemeter_grouper.benchmark.fitting.fit import NothingToFitError, fit
from casemeter_grouper.benchmark.fitting.policy import Policy, read_policy
from casemeter_grouper.history.settled import NONE
from settled_stays import GROUPS, Plain, Stay, charge_chunk, charge_rows, plainly, stay_chunk

CASES = tomllib.loads((Path(__file__).parent / "data" / "benchmark_fit.toml").read_text("utf-8"))["case"]
POLICY, _ = read_policy(None)


def fitted(stays: Sequence[Stay], policy: Policy = POLICY, years: tuple[int, int] | None = None) -> Fitted:
    """Fit stays and their charges, each in one chunk."""
    return fit([stay_chunk(stays)], [charge_chunk(charge_rows(stays))], GROUPS, policy, years)


def figures_of(found: Fitted, group: str) -> Figures:
    (figures,) = (one.figures for one in found.measured if one.code == group)
    return figures


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_figures_worked_by_hand(case: dict[str, Any]) -> None:
    policy = replace(POLICY, **case.get("policy", {}))
    stays = [Stay(at, "IR29", year, cost, *los) for at, (year, cost, *los) in enumerate(case["stays"])]
    found = fitted(stays, policy)
    if "unmeasured" in case:
        assert [(one.code, one.cases) for one in found.unmeasured][-1] == ("IR29", case["unmeasured"])
        return
    figures = figures_of(found, "IR29")
    assert (figures.cases, figures.set_aside) == (case["cases"], case["set_aside"])
    assert figures.mean_fen == Fraction(case["mean"])
    assert figures.cost_fen[2] == Fraction(case["median"])
    if "los" in case:
        assert figures.mean_los == Fraction(case["los"])


def test_the_shipped_policy() -> None:
    assert Policy((2, 3, 5), 5, 365, True, True, Fraction(3, 2), Fraction(3, 2)) == POLICY


def six(group: str, first: int, cost: int = 100_000, **more: Any) -> list[Stay]:
    return [Stay(first + at, group, 2026, cost + at, **more) for at in range(6)]


def test_a_group_with_few_cases_is_measured_by_its_adrg() -> None:
    stays = [*six("BR21", 0), Stay(10, "BR23", 2026, 100_900), Stay(11, "BR2", 2026, 100_800)]
    found = fitted(stays, replace(POLICY, trims=False))
    by_code = {one.code: one for one in found.measured}
    assert {code: (one.basis, one.own_cases, one.figures.cases) for code, one in by_code.items()} == {
        "BR21": ("own", 6, 6),
        "BR23": ("adrg", 1, 8),  # with the stay that is in no group of the ADRG
        "BR25": ("adrg", 0, 8),
    }
    assert by_code["BR25"].figures.mean_fen == Fraction(sum(stay.cost for stay in stays), 8)
    assert [tuple(one) for one in found.unmeasured] == [("IR29", 0, "IR2", 0)]
    assert Dropped("stay_in_no_group", 1, "") in found.dropped


def test_without_fallback_a_group_with_few_cases_stays_unmeasured() -> None:
    stays = [*six("BR21", 0), Stay(10, "BR23", 2026, 100_900)]
    found = fitted(stays, replace(POLICY, falls_back=False))
    assert [one.code for one in found.measured] == ["BR21"]
    assert [tuple(one) for one in found.unmeasured] == [
        ("BR23", 1, "BR2", 0),
        ("BR25", 0, "BR2", 0),
        ("IR29", 0, "IR2", 0),
    ]


def test_a_catalogue_has_no_adrg_to_fall_back_to() -> None:
    chunk = stay_chunk([*six("BR21", 0), Stay(10, "BR23", 2026, 100_900)])
    groups = GROUPS._replace(adrgs=(), adrg_of=np.full(4, NONE, np.int32))
    found = fit([replace(chunk, adrg=np.full(7, NONE, np.int32))], None, groups, POLICY)
    assert [one.code for one in found.measured] == ["BR21"]
    assert [(one.code, one.cases, one.adrg) for one in found.unmeasured] == [
        ("BR23", 1, ""),
        ("BR25", 0, ""),
        ("IR29", 0, ""),
    ]


def test_cost_by_day_counts_finished_stays_with_their_final_cost() -> None:
    """Five stays end on day 1, five on day 3; one of these has a charge that is taken back."""
    short = [Stay(at, "IR29", 2026, 1000) for at in range(5)]
    long = [Stay(at, "IR29", 2026, 1200, 3, ((1, 300), (2, 300), (3, 600))) for at in range(5, 9)]
    back = Stay(9, "IR29", 2026, 1200, 3, ((1, 900), (2, 300), (3, -600), (3, 600)))
    figures = figures_of(fitted([*short, *long, back]), "IR29")
    assert [(day.still_in, day.mean_fen) for day in figures.days] == [
        (10, Fraction(5 * 1000 + 4 * 300 + 900, 10)),
        (5, Fraction(5 * 1000 + 4 * 600 + 1200, 10)),
        (5, Fraction(5 * 1000 + 5 * 1200, 10)),
    ]
    assert [list(map(int, day.fen)) for day in figures.days] == [
        [300, 300, 950, 1000, 1000],
        [600, 600, 1000, 1000, 1100],
        [1000, 1000, 1100, 1200, 1200],
    ]


def test_what_is_taken_back_later_was_never_spent() -> None:
    stays = [Stay(at, "IR29", 2026, 500, 3, ((1, 900), (2, 100), (3, -500))) for at in range(5)]
    assert [day.mean_fen for day in figures_of(fitted(stays), "IR29").days] == [500, 500, 500]
    stays = [Stay(at, "IR29", 2026, 500, 2, ((1, -100), (2, 600))) for at in range(5)]
    assert [day.mean_fen for day in figures_of(fitted(stays), "IR29").days] == [0, 500]


def test_charges_with_dates_fall_on_their_day_of_stay() -> None:
    stays = [Stay(at, "IR29", 2026, 700, 2, ((1, 100), (2, 200), (3, 400))) for at in range(5)]
    short = [Stay(at, "BR21", 2026, 900, 1, ((1, 400), (2, 500))) for at in range(5, 10)]
    chunk = charge_chunk(charge_rows([*stays, *short]))
    admission = stays[0].discharge - np.where(np.arange(len(chunk)) < 15, 2, 1)
    dated = replace(
        chunk, day=np.zeros(len(chunk), np.int32), date=(admission + chunk.day - 1).astype(np.int32)
    )
    found = fit([stay_chunk([*stays, *short])], [dated], GROUPS, POLICY)
    assert [day.mean_fen for day in figures_of(found, "IR29").days] == [100, 300]
    # Whether a stay of one day began on the day before its discharge is not known: it has one day.
    assert [day.mean_fen for day in figures_of(found, "BR21").days] == [900]


def test_what_is_not_used_is_counted() -> None:
    stays = [
        *six("IR29", 0),
        Stay(20, "IR29", 2020, 100_000),
        Stay(21, "IR29", 2026, 100_001, fees=(1, *[0] * 9)),
        Stay(22, "IR29", 2026, 100_002, fees=(-2, 100_004, *[0] * 8)),
        Stay(23, "IR29", 2026, 100_003, charges=((1, 1),)),
        Stay(24, "IR29", 2026, 900_000),
        Stay(25, "IR29", 2026, 100_004, charges=((1, 100_004), (3, 9))),
    ]
    charges = [*charge_rows(stays), (12345, 1, 5)]
    found = fit([stay_chunk(stays)], [charge_chunk(charges)], GROUPS, POLICY)
    assert found.dropped == (
        Dropped("cost_far_from_others", 1, "IR29 2026: 1"),
        Dropped("charge_of_unknown_stay", 1, ""),
        Dropped("charge_outside_stay", 1, ""),
        Dropped("charges_not_the_cost", 1, ""),
        Dropped("fees_not_the_cost", 2, ""),
        Dropped("stay_outside_years", 1, ""),
    )
    figures = figures_of(found, "IR29")
    assert figures.cases == 10
    assert figures.days[0].still_in == 9


def test_a_category_without_a_column_is_nothing_where_the_others_make_up_the_cost() -> None:
    stays = [*six("IR29", 0, 100, fees=(60, 40, *[-1] * 8)), Stay(9, "IR29", 2026, 100, fees=(60, *[-1] * 9))]
    found = fitted([replace(stay, cost=100) for stay in stays])
    assert figures_of(found, "IR29").shares == (Fraction(3, 5), Fraction(2, 5), *[0] * 8)
    assert found.dropped == (Dropped("fees_not_the_cost", 1, ""),)


def test_the_years_that_were_asked_for() -> None:
    stays = [
        replace(stay, number=stay.number + 10 * at, year=2023 + at, cost=stay.cost + 1000 * at)
        for at in range(4)
        for stay in six("IR29", 0)
    ]
    assert fitted(stays).weights == {2024: 2, 2025: 3, 2026: 5}
    found = fitted(stays, years=(2023, 2025))
    assert (found.first_year, found.last_year, found.weights) == (2023, 2025, {2023: 2, 2024: 3, 2025: 5})
    assert fitted(stays, years=(2023, 2024)).weights == {2023: 3, 2024: 5}
    assert figures_of(fitted(stays, years=(2024, 2024)), "IR29").mean_fen == Fraction(202_005, 2)
    for years in ((2022, 2025), (2025, 2024)):
        with pytest.raises(ValueError, match="must be 1 to 3 years"):
            fitted(stays, years=years)
    with pytest.raises(NothingToFitError, match="from 2019 to 2021"):
        fitted(stays, years=(2019, 2021))


def test_an_empty_history_is_refused() -> None:
    for chunks in ([], [stay_chunk([])]):
        with pytest.raises(NothingToFitError, match="no stay"):
            fit(chunks, None, GROUPS, POLICY)


def test_a_stay_that_is_told_twice_is_refused() -> None:
    with pytest.raises(RepeatedStayError, match="once"):
        fit([stay_chunk(six("IR29", 0)), stay_chunk(six("IR29", 5))], None, GROUPS, POLICY)


def test_a_history_without_charges_by_day_has_no_curves() -> None:
    found = fit([stay_chunk(six("IR29", 0))], None, GROUPS, POLICY)
    assert figures_of(found, "IR29").days == ()
    assert fit([stay_chunk(six("IR29", 0))], [], GROUPS, POLICY).dropped == (
        Dropped("charges_not_the_cost", 6, ""),
    )


# Any stays.

_CHARGES = st.lists(st.tuples(st.integers(1, 5), st.integers(-300, 900)), max_size=5)


@st.composite
def some_stays(draw: st.DrawFn) -> list[Stay]:
    stays = []
    for number in range(draw(st.integers(1, 40))):
        los = draw(st.integers(1, 4))
        charges = [(day, amount) for day, amount in draw(_CHARGES) if day <= los + 1]
        cost = sum(amount for _, amount in charges)
        if cost <= 0 or draw(st.booleans()):
            cost = draw(st.sampled_from([100, 200, 250, 1000, 7777]))
            charges = charges if draw(st.booleans()) else []
        fees = (cost // 3, cost - cost // 3, *[0] * 8) if draw(st.booleans()) else ()
        group = draw(st.sampled_from([*GROUPS.codes, "BR2"]))
        year = draw(st.integers(2023, 2026))
        stays.append(Stay(number, group, year, cost, los, tuple(charges), fees))
    return stays


_POLICIES = st.builds(
    Policy,
    year_weights=st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple),
    least_cases=st.integers(1, 6),
    last_day=st.integers(1, 4),
    falls_back=st.booleans(),
    trims=st.booleans(),
    below=st.fractions(0, 3, max_denominator=10),
    above=st.fractions(0, 3, max_denominator=10),
)


def plain_of(figures: Figures) -> Plain:
    return Plain(
        cases=figures.cases,
        set_aside=figures.set_aside,
        mean=figures.mean_fen,
        variance=figures.cv_squared * figures.mean_fen**2,
        quantiles=list(figures.cost_fen),
        mean_los=figures.mean_los,
        los_quantiles=list(figures.los),
        shares=list(figures.shares),
        days=[(day.still_in, day.mean_fen, list(day.fen)) for day in figures.days],
    )


@settings(deadline=None, max_examples=60)
@given(stays=some_stays(), policy=_POLICIES)
def test_a_plain_reading_finds_the_same(stays: list[Stay], policy: Policy) -> None:
    found = fitted(stays, policy)
    last = max(stay.year for stay in stays)
    measured = {one.code: one for one in found.measured}
    for code in GROUPS.codes:
        expected = plainly([stay for stay in stays if stay.group == code], policy, last)
        basis = "own"
        if expected is None and policy.falls_back:
            expected = plainly([stay for stay in stays if stay.group[:3] == code[:3]], policy, last)
            basis = "adrg"
        if expected is None:
            assert code in {one.code for one in found.unmeasured}
        else:
            assert measured[code].basis == basis
            assert plain_of(measured[code].figures) == expected


@settings(deadline=None, max_examples=60)
@given(stays=some_stays(), policy=_POLICIES, data=st.data())
def test_order_and_chunks_do_not_matter(stays: list[Stay], policy: Policy, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(stays))
    rows = data.draw(st.permutations(charge_rows(stays)))
    size = data.draw(st.integers(1, 12))
    chunks = [stay_chunk(shuffled[at : at + size]) for at in range(0, len(shuffled), size)]
    charges = [charge_chunk(rows[at : at + size]) for at in range(0, len(rows), size)]
    assert fit(chunks, charges, GROUPS, policy) == fitted(stays, policy)


@settings(deadline=None, max_examples=60)
@given(stays=some_stays(), policy=_POLICIES)
def test_what_holds_of_all_figures(stays: list[Stay], policy: Policy) -> None:
    found = fitted(stays, policy)
    for _, _, _, figures in found.measured:
        assert figures.cv_squared >= 0
        assert not figures.shares or sum(figures.shares) == 1
        assert list(figures.cost_fen) == sorted(figures.cost_fen)
        columns = [
            [day.mean_fen for day in figures.days],
            *zip(*(day.fen for day in figures.days), strict=True),
        ]
        assert all(list(column) == sorted(column) for column in columns)
    # It is the ratio of the weights that counts.
    alike = replace(policy, year_weights=tuple(1 for _ in policy.year_weights))
    twice = replace(policy, year_weights=tuple(2 for _ in policy.year_weights))
    assert fitted(stays, alike).measured == fitted(stays, twice).measured


@settings(deadline=None, max_examples=60)
@given(costs=st.lists(st.integers(1, 10**6), min_size=5, max_size=30), factor=st.integers(0, 5))
def test_trimming_sets_aside_what_lies_beyond_the_limits_and_nothing_else(
    costs: list[int], factor: int
) -> None:
    policy = replace(POLICY, least_cases=1, below=Fraction(factor), above=Fraction(factor))
    stays = [Stay(at, "IR29", 2026, cost) for at, cost in enumerate(costs)]
    every = figures_of(fitted(stays, replace(policy, trims=False)), "IR29")
    lower, upper = every.cost_fen[1], every.cost_fen[3]
    kept = [c for c in costs if lower - factor * (upper - lower) <= c <= upper + factor * (upper - lower)]
    figures = figures_of(fitted(stays, policy), "IR29")
    assert (figures.cases, figures.set_aside) == (len(kept), len(costs) - len(kept))
    assert figures.mean_fen == Fraction(sum(kept), len(kept))
    if len(kept) == len(costs):
        assert figures == every
