"""Every shared case of a real catalogue gets its group, in both readings, however it is asked."""

from __future__ import annotations

import csv
import gzip
import random
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from casemeter_grouper.case import Case
from casemeter_grouper.case_files import Report, write
from casemeter_grouper.codes import normalise
from casemeter_grouper.dip import batch, walker
from casemeter_grouper.dip.catalogue import CatalogueGroup
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.explain import Decision, explain
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.dip.load import load
from casemeter_grouper.dip.near_misses import CatalogueNearMisses
from casemeter_grouper.grouping import Status, Ungroupable
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.kinds import check_pack
from small_catalogues import compiled_at, edits, others_shuffled, with_main_rule

CATALOGUE = "pingdingshan_2025"
REASONS = {"no_group": Ungroupable.NO_RULE, "unknown_principal": Ungroupable.PRINCIPAL_UNKNOWN}


@dataclass(frozen=True)
class Expected:
    id: str
    case: Case
    cost_fen: int
    reason: str
    group: str
    score: str
    group_by_main_rule: str


@cache
def read(path: Path) -> tuple[Expected, ...]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return tuple(
            Expected(
                row["case_id"],
                Case(_codes(row["diagnoses"]), _codes(row["procedures"])),
                int(Decimal(row["running_cost_yuan"]) * 100),
                row["expected_reason"],
                row["expected_group"],
                row["expected_score"],
                row["expected_group_main_rule"],
            )
            for row in csv.DictReader(file)
        )


def _codes(text: str) -> tuple[str, ...]:
    return tuple(normalise(code) for code in text.split("|") if code)


@pytest.fixture(scope="module")
def cases(shared: Path) -> tuple[Expected, ...]:
    return read(shared / "dip" / "cases.csv.gz")


@pytest.fixture(scope="module")
def compiled(shared: Path, bundles: Path) -> CompiledCatalogue:
    return CompiledCatalogue.open(build_cached(shared / "dip" / CATALOGUE, bundles))


@pytest.fixture(scope="module")
def by_main_rule(compiled: CompiledCatalogue, tmp_path_factory: pytest.TempPathFactory) -> CompiledCatalogue:
    path = tmp_path_factory.mktemp("dip") / "main_rule.bundle"
    return compiled_at(path, with_main_rule(compiled.catalogue))


def code_of(group: CatalogueGroup | None) -> str:
    return group.code if group else ""


def test_the_shared_catalogue_has_no_fault(shared: Path) -> None:
    assert check_pack(shared / "dip" / CATALOGUE) == []


@pytest.mark.parametrize("main_rule", [False, True])
def test_every_shared_case_gets_its_group(
    main_rule: bool,
    compiled: CompiledCatalogue,
    by_main_rule: CompiledCatalogue,
    cases: tuple[Expected, ...],
) -> None:
    opened = by_main_rule if main_rule else compiled
    assert opened.options.main_procedure_must_match == main_rule
    grouper = CatalogueGrouper(opened)
    expected = [one.group_by_main_rule if main_rule else one.group for one in cases]
    walked = [walker.group(opened.catalogue, one.case, one.cost_fen) for one in cases]
    assert [code_of(end.group) for end in walked] == expected
    outcomes = [grouper.group(one.case, one.cost_fen) for one in cases]
    assert [code_of(outcome.group) for outcome in outcomes] == expected
    assert [(o.group, o.reason, o.rivals) for o in outcomes] == walked
    batch_of_all = opened.encode([one.case for one in cases], [one.cost_fen for one in cases])
    groups, rivals = grouper.run(batch_of_all)
    assert [code_of(opened.groups[number]) for number in groups] == expected
    assert groups.tolist() == [outcome.number for outcome in outcomes]
    assert rivals.tolist() == [len(outcome.rivals) for outcome in outcomes]
    assert len(cases) == 5_000


def test_reason_kind_and_score_are_those_expected(
    compiled: CompiledCatalogue, cases: tuple[Expected, ...]
) -> None:
    grouper = CatalogueGrouper(compiled)
    for one in cases:
        outcome = grouper.group(one.case, one.cost_fen)
        if outcome.group is None:
            assert outcome.status is Status.UNGROUPABLE
            assert outcome.reason is REASONS[one.reason]
        else:
            assert outcome.status is Status.GROUPED
            assert outcome.group.kind == one.reason
            assert outcome.group.score == Decimal(one.score) * 1_000_000


def test_a_file_of_cases_gives_the_same(
    shared: Path, compiled: CompiledCatalogue, cases: tuple[Expected, ...], tmp_path: Path
) -> None:
    grouper, report, out = CatalogueGrouper(compiled), Report(), tmp_path / "out.parquet"
    frames = batch.group_file(grouper, shared / "dip" / "cases.csv.gz", report=report)
    write(frames, out, batch.RESULT_COLUMNS)
    rows = pl.read_parquet(out).rows(named=True)
    assert report.by_status == {"grouped": 4_843, "ungroupable": 157}
    for one, row in zip(cases, rows, strict=True):
        assert (row["case_id"], row["group"]) == (one.id, one.group)
        if one.group:
            assert (row["kind"], Decimal(row["score"])) == (one.reason, Decimal(one.score))
        rivals = grouper.group(one.case, one.cost_fen).rivals
        assert row["rivals"] == "|".join(rival.code for rival in rivals)


def test_order_and_repetition_of_what_is_not_first_change_nothing(
    compiled: CompiledCatalogue, cases: tuple[Expected, ...]
) -> None:
    rng = random.Random(1)
    changed = []
    for one in cases:
        diagnoses = others_shuffled(one.case.diagnoses, rng)
        changed.append(one.case._replace(diagnoses=diagnoses))
    sent, costs = [one.case for one in cases], [one.cost_fen for one in cases]
    grouper = CatalogueGrouper(compiled)
    groups = grouper.run(compiled.encode(sent, costs))[0]
    assert (grouper.run(compiled.encode(changed, costs))[0] == groups).all()
    # The first procedure that has a kind decides a composite group; any other order is free.
    kinds = compiled.catalogue.kinds
    for at, one in enumerate(cases):
        first = next((code for code in one.case.procedures if code in kinds), None)
        codes = list(one.case.procedures)
        rng.shuffle(codes)
        if first:
            codes.insert(0, first)
        changed[at] = one.case._replace(procedures=tuple(codes))
    assert (grouper.run(compiled.encode(changed, costs))[0] == groups).all()
    # No order at all matters for a core group.
    for at, one in enumerate(cases):
        codes = rng.sample(one.case.procedures, len(one.case.procedures))
        changed[at] = one.case._replace(procedures=tuple(codes))
    core = [one.reason == "core" for one in cases]
    assert (grouper.run(compiled.encode(changed, costs))[0] == groups)[core].all()


def test_every_explanation_ends_where_the_case_does(
    compiled: CompiledCatalogue, cases: tuple[Expected, ...]
) -> None:
    decisions = set()
    for one in cases:
        told = explain(compiled.catalogue, one.case, one.cost_fen)
        assert code_of(told.chosen) == one.group
        assert (told.decision is None) == (one.group == "")
        assert told.is_known == (one.reason != "unknown_principal")
        assert [candidate.group for candidate in told.matched if candidate.is_chosen] == (
            [told.chosen] if one.reason == "core" else []
        )
        assert all(not candidate.matches for candidate in told.close)
        decisions.add(told.decision)
    assert decisions == {None, Decision.ONLY_MATCH, Decision.PROCEDURES, Decision.COST, Decision.KIND}


def test_scores_and_means_are_exact(shared: Path, compiled: CompiledCatalogue) -> None:
    catalogue = load(shared / "dip" / CATALOGUE).catalogue
    assert compiled.catalogue.groups == catalogue.groups
    with (shared / "dip" / CATALOGUE / "measures.csv").open(encoding="utf-8") as file:
        means = {row["group_code"]: Decimal(row["mean_cost_yuan"]) for row in csv.DictReader(file)}
    for group in catalogue.groups:
        assert group.mean_cost == means[group.code] * 1_000_000


def test_near_misses_of_real_cases_are_those_of_trying_every_code(
    compiled: CompiledCatalogue, by_main_rule: CompiledCatalogue, cases: tuple[Expected, ...]
) -> None:
    rng = random.Random(5)
    for opened in (compiled, by_main_rule):
        grouper = CatalogueGrouper(opened)
        finder = CatalogueNearMisses(grouper)
        additions = 0
        for one in rng.sample(cases, 20):
            found = {
                (miss.edit, miss.place, code, miss.group.code)
                for miss in finder.find(one.case, one.cost_fen)
                for code in miss.codes or ("",)
            }
            trials = list(
                edits(one.case, tuple(opened.procedures.number), tuple(opened.diagnoses.number)[::100])
            )
            batch_of_all = opened.encode(
                [one.case, *(trial[-1] for trial in trials)], [one.cost_fen] * (len(trials) + 1)
            )
            own, *ends = grouper.run(batch_of_all)[0].tolist()
            expected = {
                (edit, place, code, code_of(opened.groups[end]))
                for (edit, place, code, _), end in zip(trials, ends, strict=True)
                if end not in (0, own)
            }
            assert found == expected
            additions += sum(bool(code) for _, _, code, _ in found)
        assert additions > 1_000
