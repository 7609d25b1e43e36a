"""The reference reading of a scheme: plain Python over the parsed tree.

The kernel must agree with this module on every case; explanations are made from its trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from casemeter_grouper.case import Case
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
    Test,
)
from casemeter_grouper.scheme import CodeFacts, Mdc, Row, Rule, Tree


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a case ends: a row of a rule, or the rule's ``otherwise`` when ``row`` is ``None``."""

    mdc: Mdc
    rule: Rule
    row: Row | None

    @property
    def group(self) -> str:
        """The group the case is in."""
        return self.row.group if self.row else self.rule.otherwise or ""


class Facts:
    """A case together with what the scheme knows of its codes: the truth of every test."""

    def __init__(self, case: Case, codes: CodeFacts) -> None:
        self.case = case
        self._codes = codes

    def codes_at(self, slot: str) -> tuple[str, ...]:
        """Codes of the case in the place an ``in`` test looks at."""
        kind = self.case.diagnoses if slot.endswith("dx") else self.case.procedures
        if slot in ("pdx", "main_proc"):
            return kind[:1]
        return kind[1:] if slot.startswith("other") else kind

    def matching(self, test: InSet) -> tuple[str, ...]:
        """Codes of the case that make the test true, in the case's order."""
        return tuple(code for code in self.codes_at(test.slot) if self._codes.is_member(code, test))

    def standing(self, level: str) -> tuple[str, ...]:
        """Secondary diagnoses that count as MCC or CC: those that no exclusion takes away."""
        table = self.exclusion_table
        return tuple(
            code
            for code in self.case.diagnoses[1:]
            if (own := self._codes.complication_table(code, level)) is not None and own != table
        )

    @cached_property
    def exclusion_table(self) -> str | None:
        """Exclusion table of the principal diagnosis."""
        return self._codes.exclusion_table(self.case.diagnoses[0]) if self.case.diagnoses else None

    @cached_property
    def sites(self) -> frozenset[str]:
        """Body sites of all trauma diagnoses of the case."""
        return frozenset().union(*map(self._codes.sites, self.case.diagnoses))

    def number(self, name: str) -> float | None:
        """A number of the case, or ``None`` when it is not known."""
        if name == "trauma_sites":
            return len(self.sites)
        value: float | None = getattr(self.case, name)
        return value

    def test(self, test: Test) -> bool:
        """Truth of one test; a missing value fails."""
        match test:
            case InSet():
                return bool(self.matching(test))
            case Compare(number, op, bound):
                value = self.number(number)
                return value is not None and _COMPARE[op](value, bound)
            case OneOf(name, values):
                return getattr(self.case, name) in values
            case Flag("no_procedures"):
                return not self.case.procedures
            case Flag(level):
                return bool(self.standing(level.upper()))

    def holds(self, condition: Condition) -> bool:
        """Truth of a whole condition."""
        match condition:
            case Const(value):
                return value
            case Not(item):
                return not self.holds(item)
            case And(items):
                return all(map(self.holds, items))
            case Or(items):
                return any(map(self.holds, items))
            case _:
                return self.test(condition)


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
}


def walk(tree: Tree, facts: Facts) -> Leaf | None:
    """Follow a case through the tree once; ``None`` when no rule of any MDC returns.

    The way is that of the scheme tables: MDCs in order, inside an MDC the rules in order, inside a rule the
    rows in order; a rule whose rows all fail returns its ``otherwise`` or lets the next rule try.
    """
    for mdc in tree.mdcs:
        if not facts.holds(mdc.entry):
            continue
        for rule in mdc.rules:
            if not facts.holds(rule.when):
                continue
            row = next((row for row in rule.rows if facts.holds(row.when)), None)
            if row or rule.otherwise is not None:
                return Leaf(mdc, rule, row)
    return None


def attempts(tree: Tree, case: Case) -> list[Case]:
    """The case, then the readings of it that the scheme tries when it is ungroupable, in order.

    Some schemes try each later procedure as the only one (``retry_each_procedure_when_ungroupable``).
    """
    retries = case.procedures[1:] if tree.retry_each_procedure else ()
    return [case, *(case._replace(procedures=(code,)) for code in retries)]


def group(tree: Tree, codes: CodeFacts, case: Case) -> tuple[Leaf | None, Facts]:
    """Group a case that has a diagnosis.

    Returns:
        Where it ends (``None``: ungroupable) and the facts of the attempt that ended there; for an
        ungroupable case those of the case as sent.
    """
    tried = [Facts(attempt, codes) for attempt in attempts(tree, case)]
    for facts in tried:
        if leaf := walk(tree, facts):
            return leaf, facts
    return None, tried[0]
