"""Explanations: the way of a case through its scheme, as data.

Made by walking the parsed tree with a tracing reader of facts; the kernel keeps no trace, so a call that asks
for no explanation pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from casemeter_grouper.case import Case
from casemeter_grouper.condition import And, Condition, Const, Flag, InSet, Not, Or, Test, tests_of
from casemeter_grouper.condition.nodes import text_of
from casemeter_grouper.grouping import fact_of
from casemeter_grouper.scheme import LEVELS, CodeFacts, Mdc, Row, Rule, Tree
from casemeter_grouper.walker import Facts, Leaf, attempts, walk


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test as the case answers it.

    Attributes:
        text: the test as the scheme writes it.
        codes: codes of the case that make it true.
        provisional: it rests on a fact that may still change before discharge.
    """

    text: str
    holds: bool
    codes: tuple[str, ...] = ()
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class EnteredMdc:
    """An MDC the case entered, and the tests that let it in."""

    mdc: Mdc
    why: tuple[TestResult, ...]


@dataclass(frozen=True, slots=True)
class CloseRule:
    """A rule of an entered MDC, tried before the one that matched, that a single test kept from matching.

    Attributes:
        met: the tests that speak for the rule by codes of the case.
        missed: the test that would have to be answered otherwise; where several would do, the first.
    """

    mdc: Mdc
    rule: Rule
    met: tuple[TestResult, ...]
    missed: TestResult


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A subdivision that was tried, and its tests."""

    row: Row
    holds: bool
    tests: tuple[TestResult, ...]


@dataclass(frozen=True, slots=True)
class Complication:
    """A secondary diagnosis that the scheme lists as MCC or CC."""

    code: str
    level: str
    table: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """The way of one case through a scheme.

    Attributes:
        entered: the MDCs entered, in order; the last is the one that grouped the case, if any did.
        close: the rules that came close.
        matched: the tests of the rule that matched; empty when none did.
        rows: the subdivisions tried under that rule, in order.
        complications: each MCC and CC, counted or excluded.
        provisional: every test on the way that rests on a fact that is not final yet.
    """

    entered: tuple[EnteredMdc, ...]
    close: tuple[CloseRule, ...]
    matched: tuple[TestResult, ...]
    rows: tuple[TriedRow, ...]
    complications: tuple[Complication, ...]
    provisional: tuple[TestResult, ...]


class _Trace(Facts):
    """Facts that remember which tests were asked."""

    def __init__(self, case: Case, codes: CodeFacts) -> None:
        super().__init__(case, codes)
        self.asked: dict[Test, bool] = {}

    def test(self, test: Test) -> bool:
        holds = self.asked.get(test)
        if holds is None:
            holds = self.asked[test] = super().test(test)
        return holds

    def holds_with(self, turned: Test, condition: Condition) -> bool:
        """Truth of a condition if one test were answered otherwise."""
        holds = self.test(turned)
        self.asked[turned] = not holds
        try:
            return self.holds(condition)
        finally:
            self.asked[turned] = holds

    def result(self, test: Test) -> TestResult:
        match test:
            case InSet():
                codes = self.matching(test)
            case Flag("mcc" | "cc" as level):
                codes = self.standing(level.upper())
            case _:
                codes = ()
        holds = Facts.test(self, test)
        return TestResult(text_of(test), holds, codes, fact_of(test) in self.case.provisional)

    def results(self, condition: Condition) -> tuple[TestResult, ...]:
        return tuple(self.result(test) for test in dict.fromkeys(tests_of(condition)))

    def in_favour(self, condition: Condition) -> Iterator[TestResult]:
        """The tests that are true and speak for a condition by that."""
        for test in dict.fromkeys(_not_negated(condition)):
            if self.test(test):
                yield self.result(test)


def _not_negated(condition: Condition, wanted: bool = True) -> Iterator[Test]:
    match condition:
        case Const():
            return
        case Not(item):
            yield from _not_negated(item, not wanted)
        case And(items) | Or(items):
            for item in items:
                yield from _not_negated(item, wanted)
        case _ if wanted:
            yield condition


def explain(tree: Tree, codes: CodeFacts, case: Case) -> Explanation:
    """Explain how a case that has a diagnosis is grouped."""
    walked, leaf = _walk(tree, codes, case)
    trace = walked[-1] if leaf else walked[0]
    # An attempt that failed decided too: had it not, no later one would have been made.
    asked = dict.fromkeys(chain.from_iterable(attempt.asked for attempt in walked))
    provisional = tuple(trace.result(test) for test in asked if fact_of(test) in case.provisional)
    entered: list[EnteredMdc] = []
    close: list[CloseRule] = []
    for mdc in tree.mdcs:
        if not trace.holds(mdc.entry):
            continue
        entered.append(EnteredMdc(mdc, tuple(trace.in_favour(mdc.entry))))
        for rule in mdc.rules:
            if leaf and rule is leaf.rule:
                break
            if found := _close(mdc, rule, trace):
                close.append(found)
        if leaf and mdc is leaf.mdc:
            break
    return Explanation(
        entered=tuple(entered),
        close=tuple(close),
        matched=trace.results(leaf.rule.when) if leaf else (),
        rows=_rows(leaf, trace) if leaf else (),
        complications=_complications(case, codes, trace),
        provisional=provisional,
    )


def _walk(tree: Tree, codes: CodeFacts, case: Case) -> tuple[list[_Trace], Leaf | None]:
    """Return the attempts that were made, at least one, and where the last one ended."""
    walked: list[_Trace] = []
    for attempt in attempts(tree, case):
        walked.append(_Trace(attempt, codes))
        if leaf := walk(tree, walked[-1]):
            return walked, leaf
    return walked, None


def _close(mdc: Mdc, rule: Rule, trace: _Trace) -> CloseRule | None:
    if trace.holds(rule.when):
        return None
    tests = tuple(dict.fromkeys(tests_of(rule.when)))
    missed = next((test for test in tests if trace.holds_with(test, rule.when)), None)
    if missed is None:
        return None
    lacked = trace.result(missed)
    met = tuple(result for result in trace.in_favour(rule.when) if result.codes and result != lacked)
    return CloseRule(mdc, rule, met, lacked) if met else None


def _rows(leaf: Leaf, trace: _Trace) -> tuple[TriedRow, ...]:
    tried: list[TriedRow] = []
    for row in leaf.rule.rows:
        tried.append(TriedRow(row, trace.holds(row.when), trace.results(row.when)))
        if row is leaf.row:
            break
    return tuple(tried)


def _complications(case: Case, codes: CodeFacts, facts: Facts) -> tuple[Complication, ...]:
    return tuple(
        Complication(code, level, table, table != facts.exclusion_table)
        for code in case.diagnoses[1:]
        for level in LEVELS
        if (table := codes.complication_table(code, level)) is not None
    )
