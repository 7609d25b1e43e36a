"""Explanations say what happened: they agree with the walker, with the case and with the tables."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from casemeter_grouper import explain as explaining
from casemeter_grouper import walker
from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import (
    And,
    Compare,
    Condition,
    Const,
    Flag,
    InSet,
    Not,
    OneOf,
    Or,
    nodes,
    parse,
)
from casemeter_grouper.scheme import LEVELS, CodeFacts, CodeTables, Mdc, Rule, Scheme, Tree
from casemeter_grouper.walker import Facts, Leaf
from shared_cases import SCHEMES, read
from small_schemes import (
    BOUNDS,
    DIAGNOSES,
    FEW_SETS,
    MAY_CHANGE,
    PROCEDURES,
    SEEDS,
    VALUES,
    compiled_at,
    one_rule_mdc,
    place,
    random_cases,
    scheme_of_mdcs,
    schemes,
)

PER_SCHEME = 150
Truths = Mapping[str, bool]
"""Truth of each test, by its text."""


@dataclass(frozen=True)
class Explained:
    """A case, its explanation, and what the walker says of it."""

    tree: Tree
    codes: CodeFacts
    case: Case
    leaf: Leaf | None
    facts: Facts
    explanation: explaining.Explanation

    @classmethod
    def of(cls, tree: Tree, codes: CodeFacts, case: Case) -> Explained:
        leaf, facts = walker.group(tree, codes, case)
        return cls(tree, codes, case, leaf, facts, explaining.explain(tree, codes, case))

    def results(self) -> Iterator[explaining.TestResult]:
        """Every test result of the explanation."""
        explanation = self.explanation
        yield from chain.from_iterable(entered.why for entered in explanation.entered)
        yield from chain.from_iterable((*close.met, close.missed) for close in explanation.close)
        yield from explanation.matched
        yield from chain.from_iterable(row.tests for row in explanation.rows)
        yield from explanation.provisional

    def entered(self) -> list[Mdc]:
        """The MDCs the case entered, as the walker has it."""
        last = self.leaf.mdc.seq if self.leaf else self.tree.mdcs[-1].seq
        return [mdc for mdc in self.tree.mdcs if mdc.seq <= last and self.facts.holds(mdc.entry)]

    def tried_in_vain(self) -> list[Rule]:
        """The rules tried before the one that matched."""
        rules = [rule for mdc in self.entered() for rule in mdc.rules]
        return rules[: rules.index(self.leaf.rule)] if self.leaf else rules

    def conditions_on_the_way(self) -> Iterator[Condition]:
        """Every condition asked, in attempts that failed, too."""
        for attempt in walker.attempts(self.tree, self.case):
            facts = Facts(attempt, self.codes)
            leaf = walker.walk(self.tree, facts)
            for mdc in self.tree.mdcs:
                yield mdc.entry
                for rule in mdc.rules if facts.holds(mdc.entry) else ():
                    yield rule.when
                    yield from (row.when for row in rule.rows)
                    if leaf and rule is leaf.rule:
                        return


def truths(results: tuple[explaining.TestResult, ...]) -> Truths:
    return {result.text: result.holds for result in results}


def evaluated(condition: Condition, truths: Truths) -> bool:
    """Truth of a condition from the truth of its tests."""
    match condition:
        case Const(value):
            return value
        case Not(item):
            return not evaluated(item, truths)
        case And(items):
            return all(evaluated(item, truths) for item in items)
        case Or(items):
            return any(evaluated(item, truths) for item in items)
        case test:
            return truths[nodes.text_of(test)]


def speaking_for(condition: Condition, *, negated: bool = False) -> list[str]:
    """The tests whose being true speaks for a condition, as they stand in it: those that are not negated."""
    match condition:
        case Const():
            return []
        case Not(item):
            return speaking_for(item, negated=not negated)
        case And(items) | Or(items):
            inner = (speaking_for(item, negated=negated) for item in items)
            return list(dict.fromkeys(chain.from_iterable(inner)))
        case test:
            return [] if negated else [nodes.text_of(test)]


def texts_of(condition: Condition) -> list[str]:
    return list(dict.fromkeys(map(nodes.text_of, nodes.tests_of(condition))))


def check_the_way_is_the_walkers(it: Explained) -> None:
    explanation, leaf = it.explanation, it.leaf
    assert [entered.mdc.name for entered in explanation.entered] == [mdc.name for mdc in it.entered()]
    if leaf is None:
        assert not explanation.matched
        assert not explanation.rows
        return
    assert explanation.entered[-1].mdc.name == leaf.mdc.name
    assert [result.text for result in explanation.matched] == texts_of(leaf.rule.when)
    assert evaluated(leaf.rule.when, truths(explanation.matched))
    tried = [row.row for row in explanation.rows]
    assert tried == list(leaf.rule.rows[: len(tried)])
    assert [row.holds for row in explanation.rows] == [row is leaf.row for row in tried]
    assert leaf.row in tried if leaf.row else len(tried) == len(leaf.rule.rows)
    for row in explanation.rows:
        assert [result.text for result in row.tests] == texts_of(row.row.when)
        assert evaluated(row.row.when, truths(row.tests)) is row.holds


def result_of(it: Explained, text: str) -> explaining.TestResult:
    """What the explanation must say of a test."""
    test, facts = parse(text), it.facts
    codes: tuple[str, ...] = ()
    match test:
        case InSet(slot):
            codes = tuple(code for code in facts.codes_at(slot) if it.codes.is_member(code, test))
        case Flag("mcc" | "cc" as level):
            codes = facts.standing(level.upper())
        case _:
            assert isinstance(test, Compare | OneOf | Flag), f"{text} is no single test"
    provisional = any(name in it.case.provisional for name in text.split())
    return explaining.TestResult(text, facts.holds(test), codes, provisional)


def check_every_result_is_the_cases(it: Explained) -> None:
    for result in it.results():
        assert result == result_of(it, result.text)
    for entered in it.explanation.entered:
        assert [result.text for result in entered.why] == [
            text for text in speaking_for(entered.mdc.entry) if it.facts.holds(parse(text))
        ]


def check_complications_are_counted_as_they_stand(it: Explained) -> None:
    named = it.explanation.complications
    assert [(one.code, one.level, one.table) for one in named] == [
        (code, level, table)
        for code in it.case.diagnoses[1:]
        for level in LEVELS
        if (table := it.codes.complication_table(code, level)) is not None
    ]
    principal = it.codes.exclusion_table(it.case.diagnoses[0])
    for one in named:
        assert one.counted is (one.code in it.facts.standing(one.level)) is (one.table != principal)


def check_close_rules_lack_one_test(it: Explained) -> None:
    close = {one.rule.name: one for one in it.explanation.close}
    assert len(close) == len(it.explanation.close)
    tried = it.tried_in_vain()
    assert set(close) <= {rule.name for rule in tried}
    for rule in tried:
        results = {text: it.facts.holds(parse(text)) for text in texts_of(rule.when)}
        turning = [text for text in results if evaluated(rule.when, results | {text: not results[text]})]
        if evaluated(rule.when, results) or not turning:
            assert rule.name not in close
        elif one := close.get(rule.name):
            assert one.missed.text in turning
            assert one.missed.holds is results[one.missed.text]
            assert one.mdc.name in [mdc.name for mdc in it.entered() if rule in mdc.rules]
            assert one.met == met(it, rule, one.missed.text)
            assert one.met
        else:
            # A rule of which nothing is met by a code did not come close.
            assert not met(it, rule, turning[0])


def met(it: Explained, rule: Rule, missed: str) -> tuple[explaining.TestResult, ...]:
    """The tests that speak for a rule by codes of the case, but for the one it missed."""
    results = (result_of(it, text) for text in speaking_for(rule.when))
    return tuple(result for result in results if result.codes and result.text != missed)


def check_what_is_provisional(it: Explained) -> None:
    named = it.explanation.provisional
    assert len(set(named)) == len(named)
    assert all(result.provisional for result in named)
    on_the_way = {text for condition in it.conditions_on_the_way() for text in texts_of(condition)}
    assert {result.text for result in named} <= on_the_way
    # What is not named may change as it likes.
    for name in it.case.provisional - {result.text.split()[0] for result in named}:
        for value in (None, *(VALUES.get(name) or BOUNDS[name])):
            changed, _ = walker.group(it.tree, it.codes, it.case._replace(**{name: value}))
            assert place(changed) == place(it.leaf), name


CHECKS = (
    check_the_way_is_the_walkers,
    check_every_result_is_the_cases,
    check_complications_are_counted_as_they_stand,
    check_close_rules_lack_one_test,
    check_what_is_provisional,
)


@settings(max_examples=100, deadline=None)
@given(schemes(), SEEDS)
def test_random_small_schemes(bundles: Path, scheme: Scheme, seed: int) -> None:
    compiled = compiled_at(bundles / "explained.bundle", scheme)
    for case in random_cases(seed, 20):
        it = Explained.of(compiled.tree, compiled, case)
        for check in CHECKS:
            check(it)


@pytest.fixture(scope="session")
def explained(shared: Path, compiled: Callable[[str], CompiledScheme]) -> Callable[[str], list[Explained]]:
    """Some cases of a scheme of ../shared, explained; some of the facts of each may still change."""

    def of_scheme(name: str) -> list[Explained]:
        rng = random.Random(name)
        scheme = compiled(name)
        chosen = rng.sample([expected.case for expected in read(shared, name)], PER_SCHEME)
        chosen = [
            case._replace(provisional=frozenset(rng.sample(MAY_CHANGE, rng.randint(0, 4)))) for case in chosen
        ]
        return [Explained.of(scheme.tree, scheme, case) for case in chosen]

    return cache(of_scheme)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", SCHEMES)
def test_real_schemes(
    name: str, check: Callable[[Explained], None], explained: Callable[[str], list[Explained]]
) -> None:
    for it in explained(name):
        check(it)


TABLES = CodeTables(
    {
        name: frozenset({DIAGNOSES[0], PROCEDURES[0]} if name == "S_a" else {PROCEDURES[1]})
        for name in FEW_SETS
    },
    {level: {} for level in LEVELS},
    {},
    {},
)


@pytest.mark.parametrize(
    ("when", "missed"),
    [
        ("pdx in S_a and mcc", "mcc"),
        ("pdx in S_a and no_procedures", "no_procedures"),
        ("pdx in S_a and not any_proc in S_a", "any_proc in S_a"),
        ("pdx in S_a and (mcc or cc)", "mcc"),
        # A test that stands twice, turned once, turns in both places.
        ("pdx in S_a and (mcc or cc) and not mcc", "cc"),
        ("pdx in S_a and (mcc or cc) and (mcc or sex = M)", "mcc"),
        ("pdx in S_a and mcc and mcc", "mcc"),
        ("pdx in S_a and mcc and cc", None),
        ("pdx in S_a and mcc and not mcc", None),
        ("pdx in S_a and never", None),
        ("sex = M", None),
        ("pdx in S_b", None),
    ],
)
def test_a_rule_came_close_when_one_test_decided_against_it(when: str, missed: str | None) -> None:
    rules = (
        Rule(0, "R0", "R0", parse(when), when, "R0", ()),
        Rule(1, "R1", "R1", Const(True), "always", "R1", ()),
    )
    scheme = scheme_of_mdcs([Mdc(0, "MDC0", Const(True), "always", rules)], TABLES)
    it = Explained.of(scheme.tree, TABLES, Case(DIAGNOSES[:1], PROCEDURES[:1]))
    check_close_rules_lack_one_test(it)
    assert [close.missed.text for close in it.explanation.close] == ([missed] if missed else [])


@pytest.mark.parametrize(
    ("facts", "group", "provisional"),
    [
        ({"los_days": 3, "age_years": 5}, "R1", {"los_days >= 7": False, "age_years < 17": True}),
        ({"los_days": 7, "age_years": 5}, "R0", {"los_days >= 7": True}),
        ({"los_days": 3, "age_years": 17}, None, {"los_days >= 7": False, "age_years < 17": False}),
    ],
)
def test_facts_that_a_failed_attempt_rests_on_are_provisional_too(
    facts: dict[str, Any], group: str | None, provisional: dict[str, bool]
) -> None:
    """With another length of stay the case is grouped as sent, and no procedure is retried."""
    as_sent = one_rule_mdc(0, parse("main_proc in S_a and los_days >= 7"))
    retried = one_rule_mdc(1, parse("main_proc in S_b and age_years < 17"))
    tree = scheme_of_mdcs([as_sent, retried], TABLES, retry=True).tree
    case = Case(DIAGNOSES[:1], PROCEDURES[:2], provisional=frozenset(facts))
    it = Explained.of(tree, TABLES, case._replace(**facts))
    assert (it.leaf.group if it.leaf else None) == group
    assert {result.text: result.holds for result in it.explanation.provisional} == provisional
    check_what_is_provisional(it)
