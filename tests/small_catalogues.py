"""Small random DIP catalogues and cases, in which everything that can tie does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from hypothesis import strategies as st

from casemeter_grouper.case import Case
from casemeter_grouper.compiled import bundle
from casemeter_grouper.dip.catalogue import MICRO_YUAN_PER_FEN, Catalogue, CatalogueGroup, GroupKind
from casemeter_grouper.dip.compiled import CompiledCatalogue, compile_catalogue
from casemeter_grouper.dip.options import Options
from casemeter_grouper.near_misses import Edit
from casemeter_grouper.scheme import Header

DIAGNOSES = ("A00.000", "A00.001", "A00.100", "A01.000", "B00.000")
PROCEDURES = ("01.0000", "01.0001", "02.0000", "02.0001", "03.0000", "04.0000")
UNKNOWN_DIAGNOSIS, UNKNOWN_PROCEDURE = "Z99.999", "99.9999"
KINDS = Options().procedure_kinds
UNTREATED = Options().untreated_kind


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """A catalogue of up to a dozen groups for two or three principals."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    options = Options(
        main_procedure_must_match=rng.random() < 0.4,
        ties=rng.choice([("cost", "score"), ("score", "cost"), ("cost",), ("score",), ()]),
        fall_back_to_untreated=rng.random() < 0.4,
    )
    groups: dict[object, CatalogueGroup] = {}
    for _ in range(rng.randint(0, 12)):
        group = random_group(rng, f"G{rng.randint(0, 99):02}")
        groups.setdefault(
            (
                group.kind,
                group.principal,
                frozenset(group.main_procedures),
                frozenset(group.other_procedures),
                group.procedure_kind,
            ),
            group,
        )
    unique = {group.code: group for group in groups.values()}
    return Catalogue(
        header=Header("small", "Small"),
        options=options,
        groups=tuple(sorted(unique.values(), key=lambda group: group.order)),
        kinds={code: rng.choice(KINDS) for code in PROCEDURES if rng.random() < 0.7},
        diagnoses=DIAGNOSES,
        procedures=PROCEDURES,
    )


def random_group(rng: random.Random, code: str) -> CatalogueGroup:
    score = rng.choice([100, 100, 200]) * 1_000_000
    # A cost is whole fen, so that two means may lie equally far from it.
    mean = rng.choice([None, 100, 200, 300, 300, 500])
    cost = None if mean is None else mean * MICRO_YUAN_PER_FEN
    if rng.random() < 0.4:
        kind = rng.choice([*KINDS, UNTREATED])
        principal = rng.choice(["A00", "A01", "B00"])
        return CatalogueGroup(code, GroupKind.COMPOSITE, principal, "", (), (), kind, score, cost)
    asked = rng.sample(PROCEDURES[:4], rng.choice([0, 1, 1, 2, 2, 3]))
    mains = rng.randint(1, len(asked)) if asked else 0
    principal = rng.choice(["A00.0", "A00.1"])
    return CatalogueGroup(
        code, GroupKind.CORE, principal, "", tuple(asked[:mains]), tuple(asked[mains:]), "", score, cost
    )


def random_cases(seed: int, count: int) -> list[tuple[Case, int | None]]:
    """Cases with a cost or none; some codes are unknown, some stand twice."""
    rng = random.Random(seed)
    cases = []
    for _ in range(count):
        diagnoses = rng.choices((*DIAGNOSES, UNKNOWN_DIAGNOSIS), k=rng.randint(1, 3))
        procedures = rng.choices((*PROCEDURES[:4], *PROCEDURES, UNKNOWN_PROCEDURE), k=rng.randint(0, 5))
        cost = rng.choice([None, 0, 150, 200, 250, 400, rng.randint(0, 600), 10**15])
        cases.append((Case(diagnoses=tuple(diagnoses), procedures=tuple(procedures)), cost))
    return cases


def every_case() -> Iterator[Case]:
    """Every case of one diagnosis and up to three procedures."""
    for principal in DIAGNOSES:
        for count in range(4):
            for codes in combinations(PROCEDURES, count):
                # The first procedure is all that order can change.
                for first in range(max(1, count)):
                    yield Case((principal,), (*codes[first : first + 1], *codes[:first], *codes[first + 1 :]))


def compiled_at(path: Path, catalogue: Catalogue) -> CompiledCatalogue:
    bundle.write(path, *compile_catalogue(catalogue))
    return CompiledCatalogue.open(path)


def with_main_rule(catalogue: Catalogue) -> Catalogue:
    return replace(catalogue, options=replace(catalogue.options, main_procedure_must_match=True))


def others_shuffled(codes: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    """All codes but the first in another order, and one of them twice."""
    others = list(codes[1:])
    if others:
        others.append(rng.choice(others))
    rng.shuffle(others)
    return (*codes[:1], *others)


def edits(
    case: Case, procedures: Sequence[str], diagnoses: Sequence[str]
) -> Iterator[tuple[Edit, int | None, str, Case]]:
    """Every single edit of a case that leaves it a diagnosis: what, where, which code, and the result."""
    for at, code in enumerate(case.diagnoses):
        rest = case.diagnoses[:at] + case.diagnoses[at + 1 :]
        if rest:
            yield Edit.DROP_DIAGNOSIS, at, "", case._replace(diagnoses=rest)
        if at:
            yield Edit.PROMOTE_DIAGNOSIS, at, "", case._replace(diagnoses=(code, *rest))
    for at, code in enumerate(case.procedures):
        rest = case.procedures[:at] + case.procedures[at + 1 :]
        yield Edit.DROP_PROCEDURE, at, "", case._replace(procedures=rest)
        if at:
            yield Edit.PROMOTE_PROCEDURE, at, "", case._replace(procedures=(code, *rest))
    for code in diagnoses:
        if code not in case.diagnoses:
            yield Edit.ADD_DIAGNOSIS, None, code, case._replace(diagnoses=(*case.diagnoses, code))
    for code in procedures:
        if code not in case.procedures:
            yield Edit.ADD_PROCEDURE, None, code, case._replace(procedures=(*case.procedures, code))
