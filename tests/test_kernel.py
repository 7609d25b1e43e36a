"""The kernel and the walker are two readings of one scheme: on every case they say the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import parse
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.scheme import LEVELS, VALID_PROCEDURES, CodeFacts, CodeTables, Scheme, Tree
from draws import draw_cases
from shared_cases import SCHEMES
from small_schemes import (
    DIAGNOSES,
    MANY_SETS,
    PROCEDURES,
    SEEDS,
    compiled_at,
    one_rule_mdc,
    place,
    random_cases,
    scheme_of_mdcs,
    schemes,
)

End = tuple[str, str | None]
"""Where a case ends, and the procedure that a retry took as the only one."""

SMALL = settings(max_examples=100, deadline=None)
DRAWN = 3_000


def by_batch(compiled: CompiledScheme, cases: Sequence[Case]) -> list[End]:
    leaves, attempts = Grouper(compiled).run(compiled.encode(cases))
    return [
        (place(compiled.leaves[leaf]), case.procedures[attempt] if attempt else None)
        for case, leaf, attempt in zip(cases, leaves.tolist(), attempts.tolist(), strict=True)
    ]


def one_by_one(compiled: CompiledScheme, cases: Sequence[Case]) -> list[End]:
    grouper = Grouper(compiled)
    outcomes = [grouper.group(case) for case in cases]
    assert all(outcome.leaf is compiled.leaves[outcome.number] for outcome in outcomes)
    return [(place(outcome.leaf), outcome.only_procedure) for outcome in outcomes]


def walked(tree: Tree, codes: CodeFacts, cases: Sequence[Case]) -> list[End]:
    return list(_walked(tree, codes, cases))


def _walked(tree: Tree, codes: CodeFacts, cases: Sequence[Case]) -> Iterator[End]:
    for case in cases:
        leaf, facts = walker.group(tree, codes, case)
        yield place(leaf), facts.case.procedures[0] if facts.case is not case else None


def assert_all_read_the_same(scheme: Scheme, compiled: CompiledScheme, cases: Sequence[Case]) -> None:
    expected = walked(scheme.tree, scheme.tables, cases)
    assert walked(compiled.tree, compiled, cases) == expected
    assert by_batch(compiled, cases) == expected
    assert one_by_one(compiled, cases) == expected


@pytest.mark.parametrize("name", SCHEMES)
def test_random_cases_of_real_schemes(name: str, compiled: Callable[[str], CompiledScheme]) -> None:
    opened = compiled(name)
    scheme = scheme_of(opened)
    cases = draw_cases(scheme, DRAWN, seed=len(name))
    assert_all_read_the_same(scheme, opened, cases)
    # The cases are worth drawing: they end in many places, and some nowhere.
    ends = {end for end, _ in by_batch(opened, cases)}
    assert "nowhere" in ends
    assert len(ends) > 300


@SMALL
@given(schemes(), SEEDS)
def test_random_small_schemes(bundles: Path, scheme: Scheme, seed: int) -> None:
    compiled = compiled_at(bundles / "small.bundle", scheme)
    assert_all_read_the_same(scheme, compiled, random_cases(seed, 60))


@settings(SMALL, max_examples=40)
@given(schemes(MANY_SETS), SEEDS)
def test_masks_of_several_words(bundles: Path, scheme: Scheme, seed: int) -> None:
    compiled = compiled_at(bundles / "many.bundle", scheme)
    program = compiled.program
    assert program.diagnosis_masks.shape[1] == program.procedure_masks.shape[1] == 3
    assert program.value_masks.shape[1] >= 2
    assert_all_read_the_same(scheme, compiled, random_cases(seed, 60))


@SMALL
@given(schemes(), SEEDS)
def test_order_and_repetition_in_small_schemes(bundles: Path, scheme: Scheme, seed: int) -> None:
    assert_order_and_repetition_change_nothing(
        compiled_at(bundles / "order.bundle", scheme), random_cases(seed, 60)
    )


@pytest.mark.parametrize("name", SCHEMES)
def test_order_and_repetition_in_real_schemes(name: str, compiled: Callable[[str], CompiledScheme]) -> None:
    opened = compiled(name)
    assert_order_and_repetition_change_nothing(opened, draw_cases(scheme_of(opened), DRAWN, seed=7))


def assert_order_and_repetition_change_nothing(compiled: CompiledScheme, cases: Sequence[Case]) -> None:
    """So it is for secondary diagnoses; for other procedures order only, and not where each is retried."""
    rng = random.Random(len(cases))
    sent = by_batch(compiled, cases)
    again = [case._replace(diagnoses=others_changed(case.diagnoses, rng, repeat=True)) for case in cases]
    assert by_batch(compiled, again) == sent
    if not compiled.tree.retry_each_procedure:
        again = [
            case._replace(procedures=others_changed(case.procedures, rng, repeat=False)) for case in cases
        ]
        assert by_batch(compiled, again) == sent


def others_changed(codes: tuple[str, ...], rng: random.Random, *, repeat: bool) -> tuple[str, ...]:
    """All codes but the first shuffled, some of them repeated."""
    others = list(codes[1:])
    if repeat and others:
        others += rng.choices(others, k=rng.randint(0, 3))
    rng.shuffle(others)
    return (*codes[:1], *others)


def test_a_code_of_the_other_kind_meets_no_set(bundles: Path) -> None:
    """A set may be tested on both kinds of codes; a diagnosis sent as a procedure is an unknown procedure."""
    diagnosis, procedure = DIAGNOSES[0], PROCEDURES[0]
    sets = {"S_a": frozenset({diagnosis, procedure}), VALID_PROCEDURES: frozenset[str]()}
    tables = CodeTables(sets, {level: {} for level in LEVELS}, {}, {})
    mdcs = [one_rule_mdc(0, parse("main_proc in S_a")), one_rule_mdc(1, parse("pdx in S_a"))]
    compiled = compiled_at(bundles / "kinds.bundle", scheme_of_mdcs(mdcs, tables))
    cases = [
        Case(diagnoses=(first,), procedures=(main,))
        for first in (diagnosis, procedure)
        for main in (diagnosis, procedure)
    ]
    groups = [end.split()[-1] for end, _ in by_batch(compiled, cases)]
    assert groups == ["R1", "R0", "nowhere", "R0"]
    assert walked(compiled.tree, compiled, cases) == by_batch(compiled, cases) == one_by_one(compiled, cases)
