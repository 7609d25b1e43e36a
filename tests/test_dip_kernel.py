"""The kernel and the walker are two readings of one catalogue: on every case they say the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper.case import Case
from casemeter_grouper.dip import walker
from casemeter_grouper.dip.catalogue import Catalogue, CatalogueGroup, GroupKind
from casemeter_grouper.dip.check import never_winning
from casemeter_grouper.dip.compiled import CompiledCatalogue, compile_catalogue
from casemeter_grouper.dip.explain import Decision, explain
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.dip.load import load
from casemeter_grouper.dip.near_misses import CatalogueNearMisses
from casemeter_grouper.dip.options import Options
from casemeter_grouper.grouping import Status, Ungroupable
from casemeter_grouper.near_misses import Edit
from casemeter_grouper.scheme import Header
from small_catalogues import (
    DIAGNOSES,
    PROCEDURES,
    UNKNOWN_PROCEDURE,
    catalogues,
    compiled_at,
    edits,
    every_case,
    others_shuffled,
    random_cases,
)

SMALL = settings(max_examples=150, deadline=None)
SEEDS = st.integers(0, 2**32)
TINY = Path(__file__).parent / "data" / "tiny_dip"


@pytest.fixture(scope="module")
def tiny(bundles: Path) -> CompiledCatalogue:
    bundles.mkdir(exist_ok=True)
    return compiled_at(bundles / "tiny_dip.bundle", load(TINY).catalogue)


@SMALL
@given(catalogues(), SEEDS)
def test_random_small_catalogues(bundles: Path, catalogue: Catalogue, seed: int) -> None:
    compiled = compiled_at(bundles / "small_dip.bundle", catalogue)
    assert compiled.catalogue == catalogue
    grouper = CatalogueGrouper(compiled)
    cases = random_cases(seed, 60)
    walked = [walker.group(catalogue, case, cost) for case, cost in cases]
    single = [grouper.group(case, cost) for case, cost in cases]
    assert [(one.group, one.reason, one.rivals) for one in single] == walked
    groups, rivals = grouper.run(compiled.encode([case for case, _ in cases], [cost for _, cost in cases]))
    assert [compiled.groups[number] for number in groups] == [one.group for one in walked]
    assert rivals.tolist() == [len(one.rivals) for one in walked]


@SMALL
@given(catalogues(), SEEDS)
def test_order_of_what_is_not_first_changes_nothing(bundles: Path, catalogue: Catalogue, seed: int) -> None:
    grouper = CatalogueGrouper(compiled_at(bundles / "order_dip.bundle", catalogue))
    rng = random.Random(seed)
    for case, cost in random_cases(seed, 40):
        other = case._replace(diagnoses=others_shuffled(case.diagnoses, rng))
        if case.procedures and case.procedures[0] in catalogue.kinds:
            other = other._replace(procedures=others_shuffled(case.procedures, rng))
        assert grouper.group(other, cost) == grouper.group(case, cost)


@SMALL
@given(catalogues(), SEEDS)
def test_explanations_agree_with_the_walker(catalogue: Catalogue, seed: int) -> None:
    for case, cost in random_cases(seed, 30):
        walked = walker.group(catalogue, case, cost)
        told = explain(catalogue, case, cost, max_close=100)
        assert told.chosen is walked.group
        matched = [candidate.group for candidate in told.matched]
        if walked.group and walked.group.kind is GroupKind.CORE:
            assert matched[0] is walked.group
            assert set(map(id, walked.rivals)) <= set(map(id, matched))
            assert bool(walked.rivals) == (told.decision in (Decision.COST, Decision.SCORE, Decision.CODE))
        else:
            assert matched == []
            assert told.decision in (None, Decision.KIND, Decision.FALL_BACK)
        for candidate in (*told.matched, *told.close):
            assert set(candidate.missing) == set(candidate.group.procedures) - set(case.procedures)
        for candidate in told.close:
            assert not candidate.matches
            kept = tuple(code for code in case.procedures if code != candidate.kept_away_by)
            codes = (*case.procedures, *candidate.missing) if candidate.missing else kept
            edited = explain(catalogue, case._replace(procedures=codes), cost)
            assert candidate.group in [one.group for one in edited.matched]


@settings(max_examples=60, deadline=None)
@given(catalogues(), SEEDS)
def test_near_misses_are_those_of_trying_everything(bundles: Path, catalogue: Catalogue, seed: int) -> None:
    grouper = CatalogueGrouper(compiled_at(bundles / "near_dip.bundle", catalogue))
    finder = CatalogueNearMisses(grouper)
    for case, cost in random_cases(seed, 10):
        found = {
            (miss.edit, miss.place, code, miss.group.code)
            for miss in finder.find(case, cost)
            for code in miss.codes or ("",)
        }
        assert found == set(brute_force(catalogue, case, cost))


def brute_force(catalogue: Catalogue, case: Case, cost: int | None) -> Iterator[tuple[object, ...]]:
    own = walker.group(catalogue, case, cost).group
    for edit, place, code, edited in edits(case, PROCEDURES, DIAGNOSES):
        end = walker.group(catalogue, edited, cost).group
        if end is not None and end is not own:
            yield edit, place, code, end.code


@settings(max_examples=40, deadline=None)
@given(catalogues())
def test_groups_that_never_win_are_those_that_no_case_ends_in(catalogue: Catalogue) -> None:
    reached = {
        id(group)
        for case in every_case()
        for cost in (None, 0, 100, 200, 300, 500, 10**13)
        if (group := walker.group(catalogue, case, cost).group)
    }
    missed = [group.code for group in catalogue.groups if id(group) not in reached]
    assert [group.code for group, _, _ in never_winning(catalogue)] == missed


# Single rules, on the tiny catalogue.


def ends(
    tiny: CompiledCatalogue, *procedures: str, cost: int | None = None, principal: str = "I20.000"
) -> str:
    outcome = CatalogueGrouper(tiny).group(Case((principal,), procedures), cost)
    return outcome.group.code if outcome.group else str(outcome.reason)


@pytest.mark.parametrize(
    ("procedures", "group"),
    [
        ([], "I20.0"),
        (["00.4500"], "I20.0:00.4500"),  # without a kind it is no treatment, but a group may ask for it
        (["36.0700"], "I20.0:36.0700"),
        (["88.5600", "36.0700"], "I20.0:36.0700_88.5600"),
        (["99.1000", "36.0700", "36.0700"], "I20.0:36.0700"),
        (["36.0600"], "I20:SS"),
        (["99.1000"], "no_rule"),
        ([UNKNOWN_PROCEDURE], "I20.0"),
        (["00.4500", "36.0600"], "I20.0:00.4500"),
    ],
)
def test_rules(tiny: CompiledCatalogue, procedures: list[str], group: str) -> None:
    assert ends(tiny, *procedures) == group


@pytest.mark.parametrize(
    ("cost", "group"),
    [
        (None, "I20.0:88.5600"),  # the higher score, by a millionth
        (1_000_000, "I20.0:88.5500"),
        (1_150_006, "I20.0:88.5500"),
        (1_150_007, "I20.0:88.5600"),  # the middle of the means is 11500.061728
        (99_999_999_999_999_999_999, "I20.0:88.5600"),
    ],
)
def test_the_nearest_mean_decides_and_the_rival_is_told(
    tiny: CompiledCatalogue, cost: int | None, group: str
) -> None:
    outcome = CatalogueGrouper(tiny).group(Case(("I20.000",), ("88.5600", "88.5500")), cost)
    assert outcome.group is not None
    assert outcome.group.code == group
    assert {outcome.group.code, *(rival.code for rival in outcome.rivals)} == {
        "I20.0:88.5500",
        "I20.0:88.5600",
    }
    told = explain(tiny.catalogue, Case(("I20.000",), ("88.5600", "88.5500")), cost)
    assert told.decision is (Decision.SCORE if cost is None else Decision.COST)


def test_without_a_diagnosis_there_is_no_group_yet(tiny: CompiledCatalogue) -> None:
    grouper = CatalogueGrouper(tiny)
    assert grouper.group(Case(), None).status is Status.NOT_YET
    assert CatalogueNearMisses(grouper).find(Case(), None) == ()
    unknown = grouper.group(Case(("Q99.000",)), 5)
    assert (unknown.status, unknown.reason) == (Status.UNGROUPABLE, Ungroupable.PRINCIPAL_UNKNOWN)


def test_a_cost_below_zero_is_refused(tiny: CompiledCatalogue) -> None:
    grouper = CatalogueGrouper(tiny)
    for ask in (grouper.group, CatalogueNearMisses(grouper).find):
        with pytest.raises(ValueError, match="at least 0 fen, not -1"):
            ask(Case(("I20.000",)), -1)


def test_near_misses_of_an_untreated_case(tiny: CompiledCatalogue) -> None:
    misses = CatalogueNearMisses(CatalogueGrouper(tiny)).find(Case(("I20.000", "I21.400")), None)
    assert [(miss.edit, miss.place, miss.codes, miss.group.code) for miss in misses] == [
        (Edit.DROP_DIAGNOSIS, 0, (), "I21.4"),
        (Edit.PROMOTE_DIAGNOSIS, 1, (), "I21.4"),
        (Edit.ADD_PROCEDURE, None, ("00.4500",), "I20.0:00.4500"),
        (Edit.ADD_PROCEDURE, None, ("36.0700",), "I20.0:36.0700"),
        (Edit.ADD_PROCEDURE, None, ("88.5500",), "I20.0:88.5500"),
        (Edit.ADD_PROCEDURE, None, ("88.5600",), "I20.0:88.5600"),
        (Edit.ADD_PROCEDURE, None, ("36.0600",), "I20:SS"),
    ]


def test_what_keeps_a_case_from_a_group_is_told(tiny: CompiledCatalogue) -> None:
    told = explain(tiny.catalogue, Case(("I20.000",), ("36.0600", "88.5600")), None)
    assert (told.core, told.category, told.first, told.kind) == ("I20.0", "I20", "36.0600", "SS")
    assert [candidate.group.code for candidate in told.matched] == ["I20.0:88.5600"]
    assert told.decision is Decision.ONLY_MATCH
    close = {one.group.code: (one.missing, one.kept_away_by) for one in told.close}
    assert close == {
        "I20.0:36.0700_88.5600": (("36.0700",), ""),
        "I20.0:00.4500": (("00.4500",), ""),
        "I20.0:36.0700": (("36.0700",), ""),
        "I20.0:88.5500": (("88.5500",), ""),
    }
    assert told.close[0].group.code == "I20.0:36.0700_88.5600"  # it shares most with the case
    told = explain(tiny.catalogue, Case(("I20.000",), ("36.0600",)), None)
    assert {one.group.code: one.kept_away_by for one in told.close}["I20.0"] == "36.0600"
    assert (told.chosen.code if told.chosen else "", told.decision) == ("I20:SS", Decision.KIND)


def test_a_treated_case_falls_back_where_the_catalogue_says_so(bundles: Path) -> None:
    composite = CatalogueGroup("I20:BSZL", GroupKind.COMPOSITE, "I20", "", (), (), "BSZL", 1)
    parts = {"kinds": {"36.0600": "SS"}, "diagnoses": ("I20.000",), "procedures": ("36.0600",)}
    case = Case(("I20.000",), ("36.0600",))
    for falls, decision in ((False, None), (True, Decision.FALL_BACK)):
        options = Options(fall_back_to_untreated=falls)
        catalogue = Catalogue(Header("x", "X"), options, (composite,), **parts)  # type: ignore[arg-type]
        compiled = compiled_at(bundles / "fall_back.bundle", catalogue)
        assert CatalogueGrouper(compiled).group(case, 1).group == (composite if falls else None)
        assert explain(catalogue, case, 1).decision is decision


def test_other_lengths_of_the_principal_are_options() -> None:
    core = CatalogueGroup("I20.00", GroupKind.CORE, "I20.00", "", (), (), "", 1)
    composite = CatalogueGroup("I20.0", GroupKind.COMPOSITE, "I20.0", "", (), (), "BSZL", 1)
    options = Options(core_prefix=6, composite_prefix=5)
    diagnoses = ("I20.000", "I20.010")
    catalogue = Catalogue(Header("x", "X"), options, (core, composite), {}, diagnoses, ())
    assert [walker.group(catalogue, Case((code,)), None).group for code in diagnoses] == [core, composite]
    _, arrays = compile_catalogue(catalogue)
    assert arrays["diagnosis_core"].tolist() == [0, 1, 0]
    assert arrays["diagnosis_category"].tolist() == [0, 1, 1]
