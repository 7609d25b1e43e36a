"""What no case can reach, held against trying every case there is, on small random schemes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, combinations, product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.condition import And, Compare, Condition, Const, Flag, InSet, Not, OneOf, Or
from casemeter_grouper.condition.nodes import COMPARISONS, DIAGNOSIS_SLOTS, PROCEDURE_SLOTS
from casemeter_grouper.pack.passage import Passage, Step
from casemeter_grouper.pack.region import TooMuchWorkError
from casemeter_grouper.scheme import (
    LEVELS,
    VALID_PROCEDURES,
    CodeTables,
    Header,
    Mdc,
    Row,
    Rule,
    Scheme,
    Tree,
)
from casemeter_grouper.walker import Facts
from small_schemes import cases as any_cases
from small_schemes import schemes

DIAGNOSES, PROCEDURES, UNKNOWN = ("A", "B", "C"), ("1", "2"), "?"
LIMITS = {"los_days": (1.0, 2.0, 4.0), "age_days": (0.0, 1.0, 2.5), "icu_hours": (0.0, 1.0, 2.5)}
VALUES = {
    "los_days": (None, 1, 2, 3, 4, 5),
    "age_days": (None, 0, 1, 2, 3),
    "icu_hours": (None, 0, 0.5, 1, 1.7, 2.5, 3),
}
"""One value at each limit and one in each gap between them that holds one."""

Place = tuple[str, int | None]
"""A rule by its name, or a row by that of its rule and its place there."""

KINDS = ("diagnoses", "procedures", "complications", "number", "sites", "sex")


class Small:
    """A scheme of a few codes whose conditions speak of two or three kinds of facts."""

    def __init__(self, seed: int) -> None:
        self._random = random = Random(seed)
        self.kinds = random.sample(KINDS, random.randint(2, 3))
        self.number = random.choice(list(LIMITS))
        mdcs = tuple(self._mdc(at) for at in range(random.randint(1, 3)))
        self.scheme = Scheme(
            header=Header("small", "small"),
            tree=Tree(mdcs),
            tables=self._tables(),
            diagnoses=DIAGNOSES,
            procedures=PROCEDURES,
            names={},
            weights={},
            code_names=({}, {}),
            code_maps=({}, {}),
            dictionary_sha256="",
        )

    def cases(self) -> Iterator[Case]:
        """Every case that the scheme could tell from others."""
        diagnoses: Sequence[str] = (*DIAGNOSES, UNKNOWN)
        others = subsets(DIAGNOSES)
        if not {"diagnoses", "complications", "sites"} & set(self.kinds):
            diagnoses, others = (UNKNOWN,), [()]
        procedures: list[tuple[str, ...]] = [()]
        if "procedures" in self.kinds:
            procedures += [(main, *rest) for main in (*PROCEDURES, UNKNOWN) for rest in subsets(PROCEDURES)]
        numbers = VALUES[self.number] if "number" in self.kinds else (None,)
        sexes = (None, "M", "F") if "sex" in self.kinds else (None,)
        for principal, rest, done, number, sex in product(diagnoses, others, procedures, numbers, sexes):
            own: dict[str, Any] = {self.number: number}
            yield Case((principal, *rest), done, sex=sex, **own)

    def _mdc(self, at: int) -> Mdc:
        rules = []
        for place in range(self._random.randint(1, 3)):
            name = f"R{at}{place}"
            rows = tuple(
                Row(seq, f"{name}{seq}", self._condition(2), "") for seq in range(self._random.randint(0, 3))
            )
            otherwise = self._random.choice((None, name))
            rules.append(Rule(place, name, name, self._condition(3), "", otherwise, rows))
        return Mdc(at, f"M{at}", self._condition(2), "", tuple(rules))

    def _condition(self, depth: int) -> Condition:
        random = self._random
        kind = random.choice(("and", "or", "not", *self.kinds * 2)) if depth else random.choice(self.kinds)
        match kind:
            case "not":
                return Not(self._condition(depth - 1))
            case "and" | "or":
                items = tuple(self._condition(depth - 1) for _ in range(random.randint(2, 3)))
                return And(items) if kind == "and" else Or(items)
            case "diagnoses":
                return InSet(random.choice(DIAGNOSIS_SLOTS), random.choice("XYZ"))
            case "procedures":
                test = InSet(random.choice(PROCEDURE_SLOTS), random.choice("PQ"))
                return random.choice((test, test, test, Flag("no_procedures")))
            case "complications":
                return Flag(random.choice(("mcc", "cc")))
            case "number":
                limit = random.choice(LIMITS[self.number])
                return Compare(self.number, random.choice(COMPARISONS), limit)
            case "sites":
                return Compare("trauma_sites", random.choice(COMPARISONS), float(random.randint(0, 3)))
            case _:
                return random.choice((OneOf("sex", ("M",)), OneOf("sex", ("F",)), Const(True)))

    def _tables(self) -> CodeTables:
        random = self._random

        def some(codes: Sequence[str], among: Sequence[str]) -> dict[str, str]:
            return {code: random.choice(among) for code in codes if random.random() < 0.6}

        return CodeTables(
            sets={
                **{name: frozenset(some(DIAGNOSES, "x")) for name in "XYZ"},
                **{name: frozenset(some(PROCEDURES, "x")) for name in "PQ"},
                VALID_PROCEDURES: frozenset(),
            },
            complications={level: some(DIAGNOSES, "tu") for level in LEVELS},
            exclusions=some(DIAGNOSES, "tuv"),
            trauma_sites={
                code: frozenset(sites) for code, sites in some(DIAGNOSES, ("h", "l", "hl")).items()
            },
        )


def subsets(codes: Sequence[str]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(codes, size) for size in range(len(codes) + 1)))


def arrivals(tree: Tree, facts: Facts, gone: frozenset[Place] = frozenset()) -> Iterator[Place]:
    """Yield the rules and rows whose conditions a case meets on its way, some being gone from the tree."""
    for mdc in tree.mdcs:
        if not facts.holds(mdc.entry):
            continue
        for rule in mdc.rules:
            if (rule.name, None) in gone or not facts.holds(rule.when):
                continue
            yield rule.name, None
            for row in rule.rows:
                if (rule.name, row.seq) not in gone and facts.holds(row.when):
                    yield rule.name, row.seq
                    return
            if rule.otherwise is not None:
                return


def place_of(step: Step) -> Place:
    return step.rule.name if step.rule else "", step.row.seq if step.row else None


@pytest.mark.parametrize("seed", range(120))
def test_every_answer_is_that_of_trying_every_case(seed: int) -> None:
    small = Small(seed)
    tree = small.scheme.tree
    every = [Facts(case, small.scheme.tables) for case in small.cases()]
    reached = {place for facts in every for place in arrivals(tree, facts)}
    passage = Passage(small.scheme)
    lost: set[int] = set()
    before: list[Place] = []
    for at, step in enumerate(passage.steps):
        if step.rule is None or step.rule_at in lost:
            continue
        place = place_of(step)
        takers = passage.takers(at, lost)
        assert (takers is None) == (place in reached), place
        if takers is not None:
            lost.add(at)
            meeting = [facts for facts in every if all(facts.holds(item) for _, item in step.chain)]
            assert bool(takers) == bool(meeting), place
            # With the takers alone before it nothing comes to it; with one of them gone something does.
            kept = {place_of(taker) for taker in takers}
            own = (place[0], None)
            others = {other for other in before if other[1] is None or other[0] == place[0]}
            gone = frozenset(others - kept - {own})
            assert not any(place in arrivals(tree, facts, gone) for facts in meeting), place
            for taker in kept:
                assert any(place in arrivals(tree, facts, gone | {taker}) for facts in meeting), place
        before.append(place)


@given(schemes(), st.lists(any_cases(), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_no_odd_case_comes_to_what_is_reported(scheme: Scheme, cases: list[Case]) -> None:
    passage = Passage(scheme)
    lost: set[int] = set()
    for at, step in enumerate(passage.steps):
        if step.rule and step.rule_at not in lost:
            with suppress(TooMuchWorkError):
                if passage.takers(at, lost) is not None:
                    lost.add(at)
    ends = {(passage.steps[at].rule, passage.steps[at].row) for at in lost}
    for case in cases:
        leaf, _ = walker.group(scheme.tree, scheme.tables, case)
        assert not leaf or not {(leaf.rule, leaf.row), (leaf.rule, None)} & ends
