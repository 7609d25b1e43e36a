"""Sends cases through a tree, region by region, to see which conditions any of them comes to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from casemeter_grouper.condition import And, Condition, InSet
from casemeter_grouper.pack.region import Region, Regions, TooMuchWorkError, Work
from casemeter_grouper.pack.space import Space
from casemeter_grouper.scheme import Mdc, Row, Rule, Scheme, Tree

MAX_WORK: Final = 200_000
"""Steps that one question may take, about a second; most of those of real schemes take a few hundred."""

MAX_WORK_IN_ALL: Final = 4_000_000
"""Steps that all questions about a scheme may take."""

_END: Final = -1


@dataclass(frozen=True, slots=True)
class Step:
    """One condition of a tree. Steps are numbered in the order they are tried.

    Attributes:
        rule: ``None`` for the entry of an MDC.
        row: ``None`` for the entry of an MDC and the condition of a rule.
        mdc_at: the step of the MDC's entry.
        rule_at: the step of the rule's condition.
        condition: the condition itself.
        on_true: the step that follows; :data:`_END` where the case ends.
        on_false: likewise.
    """

    mdc: Mdc
    rule: Rule | None
    row: Row | None
    mdc_at: int
    rule_at: int
    condition: Condition
    on_true: int
    on_false: int

    @property
    def name(self) -> str:
        """Name for a reader."""
        if self.rule is None:
            return self.mdc.name
        return self.rule.name if self.row is None else f"{self.rule.name} → {self.row.group}"

    @property
    def chain(self) -> list[tuple[str, Condition]]:
        """The conditions a case must meet here, each with its owner; those joined by ``and`` one by one."""
        owned = [(self.mdc.name, self.mdc.entry)]
        if self.rule:
            owned.append((self.rule.name, self.rule.when))
        if self.row:
            owned.append((self.name, self.row.when))
        return [
            (owner, item)
            for owner, whole in owned
            for item in (whole.items if isinstance(whole, And) else (whole,))
        ]


def steps_of(tree: Tree) -> list[Step]:
    """Lay a tree out as steps; every step leads ahead."""
    steps: list[Step] = []
    for mdc in tree.mdcs:
        entry = len(steps)
        after_mdc = entry + 1 + sum(1 + len(rule.rows) for rule in mdc.rules)
        steps.append(Step(mdc, None, None, entry, entry, mdc.entry, entry + 1, after_mdc))
        for rule in mdc.rules:
            at = len(steps)
            after_rule = at + 1 + len(rule.rows)
            past_rows = after_rule if rule.otherwise is None else _END
            into = at + 1 if rule.rows else past_rows
            steps.append(Step(mdc, rule, None, entry, at, rule.when, into, after_rule))
            for row in rule.rows:
                following = len(steps) + 1
                on_false = following if following < after_rule else past_rows
                steps.append(Step(mdc, rule, row, entry, at, row.when, _END, on_false))
    return steps


class Passage:
    """Answers, for one scheme, which steps a case can come to."""

    def __init__(self, scheme: Scheme) -> None:
        self.steps = steps_of(scheme.tree)
        self._space = Space(scheme)
        self._regions = Regions(self._space)
        self._left = MAX_WORK_IN_ALL

    def is_empty(self, test: InSet) -> bool:
        """Whether the set of a test has no code that could stand where the test looks."""
        return self._space.inside(test) == (0, 0)

    def takers(self, target: int, unreachable: Iterable[int]) -> list[Step] | None:
        """Find what takes every case that meets the conditions of a step before it comes there.

        Args:
            target: a rule's condition or a row's.
            unreachable: rules and rows before it that no case comes to; they take nothing.

        Returns:
            Rows of the step's own rule, and other rules, none of which can be spared; near ones rather than
            far ones. No step at all if no case meets the conditions; ``None`` when a case comes to the step.

        Raises:
            TooMuchWorkError: the question is left open.
        """
        own = self.steps[target]
        with self._question() as work:
            cases = self._alone((item for _, item in own.chain), work)
        # Most that is taken is taken near by, and asking about a few steps is quick.
        for start in (own.rule_at, own.mdc_at, 0):
            without = frozenset(unreachable)
            ended = self._ends(target, cases, start, without)
            if ended is not None:
                return self._fewest(target, cases, start, ended, without)
        return None

    def _fewest(
        self, target: int, cases: list[Region], start: int, ended: set[int], without: frozenset[int]
    ) -> list[Step]:
        """Pass over as many takers as can be spared, whole MDCs first, the far ones before the near."""
        tried = {self.steps[target].mdc_at}
        for whole in (True, False):
            while candidates := {self.steps[at].mdc_at if whole else at for at in ended} - tried:
                at = min(candidates)
                tried.add(at)
                with suppress(TooMuchWorkError):
                    others = self._ends(target, cases, start, without | {at})
                    if others is not None:
                        ended, without = others, without | {at}
        return [self.steps[at] for at in sorted(ended)]

    def _ends(self, target: int, cases: list[Region], start: int, without: frozenset[int]) -> set[int] | None:
        """Return where cases end that set out from a step, or ``None`` if one of them comes to another.

        Args:
            target: the step to come to.
            cases: cases that meet its conditions.
            start: the step they set out from; they meet the conditions that lead to it too.
            without: entries, rules and rows that are passed over as if they were not there.
        """
        own = self.steps[target]
        ended: set[int] = set()
        seen: dict[int, list[Region]] = defaultdict(list)
        todo = [(start, region) for region in cases]
        with self._question() as work:
            while todo:
                at, region = todo.pop()
                if at == target:
                    return None
                work.spend(1 + len(seen[at]))
                if any(earlier.covers(region) for earlier in seen[at]):
                    continue
                seen[at].append(region)
                step = self.steps[at]
                taken = [] if at in without else self._regions.where(region, step.condition, True, work)
                left = self._regions.where(region, step.condition, False, work) if taken else [region]
                for following, parts in ((step.on_true, taken), (step.on_false, left)):
                    if following != _END:
                        todo += [(following, part) for part in parts]
                    elif parts:
                        ended.add(at if step.rule_at == own.rule_at else step.rule_at)
        return ended

    def _alone(self, conditions: Iterable[Condition], work: Work) -> list[Region]:
        """The cases that meet some conditions, the rest of the scheme aside."""
        return self._regions.where(self._regions.everything, And(tuple(conditions)), True, work)

    @contextmanager
    def _question(self) -> Iterator[Work]:
        allowed = min(MAX_WORK, self._left)
        work = Work(allowed)
        try:
            yield work
        finally:
            self._left -= allowed - work.left

    def conflict(self, target: int) -> list[tuple[str, Condition]]:
        """The conditions, each with its owner, that no case meets together; none of them can be spared."""
        core = chain = self.steps[target].chain
        with suppress(TooMuchWorkError), self._question() as work:
            for link in chain:
                fewer = [other for other in core if other is not link]
                if not self._alone((item for _, item in fewer), work):
                    core = fewer
        return core
