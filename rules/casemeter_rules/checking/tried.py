"""Trying every rule of a pack on its examples, by both readings, and on examples with a limit moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from casemeter_grouper.pack.faults import Fault
from casemeter_rules.checking.mutants import CONDITION, column_of, mutants_of
from casemeter_rules.checking.trial import Outcome, try_rule
from casemeter_rules.checking.written import Written
from casemeter_rules.checks import Between, Check, Excludes, Needs, Present
from casemeter_rules.compiled.compiler import Compiler
from casemeter_rules.compiled.layout import RULE
from casemeter_rules.compiled.mapped import in_memory
from casemeter_rules.engine import hit_of
from casemeter_rules.examples import day_of, made_of, member_of
from casemeter_rules.facts import Phase
from casemeter_rules.kernel import decide
from casemeter_rules.kind import Context, Example, Hit, Kind, Rule, Undecided, sets_all_aside
from casemeter_rules.pack.load import EXAMPLES_FILE
from casemeter_rules.recorded import entries_of, recorded

_EVERY: Final = 2_000
"""Rules between two reports of progress."""

_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "empty": ("its set of codes is empty", "其编码集合为空"),
    "own": ("it names its own codes only", "只列出了自身的编码"),
    "open": ("what it allows is not known here", "其允许的取值未知"),
    "aside": ("its kind sets all its codes aside", "该类规则不适用于其全部编码"),
    "limit": ("no value lies beyond its limits", "没有超出限制的取值"),
}


class _Verdict(NamedTuple):
    """What the plain reading says of the examples of a rule.

    Attributes:
        outcomes: of each example.
        faults: kind, column and details of what is wrong.
    """

    outcomes: tuple[Outcome, ...]
    faults: tuple[tuple[str, str, Mapping[str, Any]], ...]


class Tried:
    """The rules of a pack, compiled, to be tried on their examples.

    Rules that ask the same of other codes have the same examples but for the codes. Of those the plain
    reading tries the first one whole; the kernel tries every one, each check on a stay that breaks it and on
    one that does not.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        kinds: Mapping[str, Kind],
        context: Context,
        written: Sequence[Written],
    ) -> None:
        self._rules = list(rules.values())
        self._kinds = kinds
        self._context = context
        self._written: dict[str, list[Written]] = defaultdict(list)
        for each in written:
            self._written[each.rule.id].append(each)
        arrays = Compiler(kinds).compile(self._rules)
        self._mapped = in_memory(arrays)
        self._rule_of = arrays["clauses"][:, RULE].copy()
        self._first_clause = np.searchsorted(self._rule_of, np.arange(len(self._rules)))
        self._verdicts: dict[Hashable, _Verdict] = {}

    def faults(self, progress: Callable[[int, int], None] | None = None) -> Iterator[Fault]:
        """Yield what the examples show to be wrong."""
        without: dict[str, list[Rule]] = defaultdict(list)
        for number, rule in enumerate(self._rules):
            if progress is not None and number % _EVERY == 0:
                progress(number, len(self._rules))
            yield from self._of_rule(number, rule, without)
        if progress is not None:
            progress(len(self._rules), len(self._rules))
        for rules in without.values():
            file, line = min(rule.place for rule in rules)
            yield Fault("no_example", file, line, details={"count": len(rules)})

    def _of_rule(self, number: int, rule: Rule, without: dict[str, list[Rule]]) -> Iterator[Fault]:
        kind = self._kinds[rule.kind]
        file, line = rule.place
        written = self._written[rule.id]
        own = [] if kind.examples is None else list(kind.examples(rule.values, self._context))
        made = list(made_of(rule, kind))
        for each in written:
            yield from self._failing(rule, kind, each.example, (EXAMPLES_FILE, each.line))
        for example in own:
            yield from self._failing(rule, kind, example, rule.place)
        told = [*(each.example for each in written), *own]
        needs_own = not rule.checks or rule.kind == CONDITION
        if needs_own and {example.fires for example in told} != {True, False}:
            if kind.examples is None or any(example.fires for example in told):
                without[rule.kind].append(rule)
            else:
                yield Fault("never_fires", file, line, details=_said("open"))
            return
        judged = kind.confirm is not None and not any(example.fires for example in told)
        if written or not made:
            verdict = self._verdict(rule, kind, [*made, *told], told=True)
            yield from self._compare(number, rule, [*made, *told], verdict, whole=True)
        else:
            shape = self._shape(rule, kind)
            whole = shape not in self._verdicts
            if whole:
                self._verdicts[shape] = self._verdict(rule, kind, made)
            verdict = self._verdicts[shape]
            yield from self._compare(number, rule, made, verdict, whole, judged)
        for name, column, details in verdict.faults:
            limit = details.get("limit", "")
            yield Fault(name, file, line, column_of(rule, str(limit)) or column, details)

    def _failing(self, rule: Rule, kind: Kind, example: Example, place: tuple[str, int]) -> Iterator[Fault]:
        outcome = try_rule(rule, kind, self._context.sets, example.stay, example.phase)
        if outcome.fires != example.fires:
            yield _fails(example, outcome, place)

    def _verdict(self, rule: Rule, kind: Kind, examples: Sequence[Example], told: bool = False) -> _Verdict:
        """Read a rule plainly, and every change of it.

        Args:
            rule: the rule.
            kind: its kind.
            examples: of it.
            told: some are the author's own: what always fires is meant.
        """
        sets = self._context.sets
        outcomes = tuple(try_rule(rule, kind, sets, each.stay, each.phase) for each in examples)
        faults: list[tuple[str, str, Mapping[str, Any]]] = []
        dead: set[int] = set()
        for at, check in enumerate(rule.checks):
            if rule.kind == CONDITION:
                break
            fires = [any(one.check == at for one in outcome.broken) for outcome in outcomes]
            own = [fire for fire, example in zip(fires, examples, strict=True) if example.check == at]
            if not any(fires):
                dead.add(at)
                faults.append(("never_fires", "", _why(rule, kind, check)))
            elif own and all(own) and not isinstance(check, Present) and not told:
                dead.add(at)
                faults.append(("always_fires", "", _why(rule, kind, check)))
        for mutant in mutants_of(rule):
            if mutant.check in dead or not examples:
                continue
            for example, outcome in zip(examples, outcomes, strict=True):
                if example.check not in (mutant.check, -1) and mutant.check != -1:
                    continue
                changed = try_rule(mutant.rule, kind, sets, example.stay, example.phase)
                if _different(changed, outcome, mutant.check):
                    break
            else:
                details = {"changed": mutant.said, "limit": mutant.limit}
                faults.append(("unnoticed", "when" if mutant.check == -1 else "", details))
        return _Verdict(outcomes, tuple(faults))

    def _compare(
        self,
        number: int,
        rule: Rule,
        examples: Sequence[Example],
        verdict: _Verdict,
        whole: bool,
        judged: bool = False,
    ) -> Iterator[Fault]:
        """Try a rule by the kernel; the plain reading has said what must come.

        Args:
            number: of the rule.
            rule: the rule.
            examples: of it.
            verdict: of the plain reading.
            whole: whether all examples are tried, or one of each sort.
            judged: whether its kind looks once more, and what it then says must be what the example is.
        """
        if not rule.checks:
            return
        seen: set[tuple[int, bool]] = set()
        for example, outcome in zip(examples, verdict.outcomes, strict=True):
            if example.phase is not None and example.phase not in rule.phases:
                continue
            what = (example.check, bool(outcome.broken))
            if not whole and what in seen:
                continue
            seen.add(what)
            stay = example.stay._replace(now=day_of(rule) * 1440)
            entries = entries_of(stay)
            read = recorded(stay, Phase(rule.phases[0]), entries)
            clauses, measured, touched, _ = decide(self._mapped, read)
            found: list[tuple[int, float | None]] = []
            hits: list[Hit] = []
            for (clause, first, end, other), value in zip(clauses.tolist(), measured.tolist(), strict=True):
                if self._rule_of[clause] != number:
                    continue
                check = clause - int(self._first_clause[number])
                met = [*touched[first:end].tolist(), *([other] if other >= 0 else ())]
                hit = hit_of([entries[at] for at in dict.fromkeys(met)], value)
                found.append((check, hit.measured))
                hits += [hit] if example.check in (check, -1) else []
            said = [(each.check, each.measured) for each in outcome.broken]
            assert found == said, f"{rule.place}: the kernel reads {found}, the plain reading {said}"
            if judged:
                yield from self._judged(rule, example, hits)

    def _judged(self, rule: Rule, example: Example, hits: Sequence[Hit]) -> Iterator[Fault]:
        confirm = self._kinds[rule.kind].confirm
        assert confirm is not None
        outcomes = [confirm(example.stay, rule.values, self._context.sets, hit) for hit in hits]
        fires = any(isinstance(outcome, Hit) for outcome in outcomes)
        if fires != example.fires:
            missing = tuple(each.fact for each in outcomes if isinstance(each, Undecided))
            yield _fails(example, Outcome((), fires, missing), rule.place)

    def _shape(self, rule: Rule, kind: Kind) -> Hashable:
        """Return what decides the outcomes of the examples of a rule, whatever its codes."""
        trigger = rule.triggers[0]
        unless = kind.unless
        return (
            *(kind.name, trigger.space, trigger.prefix),
            unless is not None and trigger.text in unless,
            tuple(_shape_of(rule, check, kind) for check in rule.checks),
        )


def _fails(example: Example, outcome: Outcome, place: tuple[str, int]) -> Fault:
    """Say that an example does not come out as it should."""
    found = ("fires", "触发") if outcome.fires else ("passes", "不触发")
    if outcome.missing and not outcome.fires:
        missing = ", ".join(dict.fromkeys(outcome.missing))
        found = (f"is undecided for want of {missing}", f"因缺少 {missing} 无法判断")
    expected = ("must fire", "触发") if example.fires else ("must pass", "不触发")
    details = dict(
        zip(("expected_en", "expected_zh", "found_en", "found_zh"), (*expected, *found), strict=True)
    )
    return Fault("example_fails", *place, "expect" if place[0] == EXAMPLES_FILE else "", details)


def _shape_of(rule: Rule, check: Check, kind: Kind) -> Hashable:
    if not isinstance(check, Needs | Excludes):
        return check
    member = member_of(rule, check.codes)
    return (
        *(type(check).__name__, check.slot, check.window, getattr(check, "whole", False)),
        *(member is None, rule.triggers[0].text in check.codes, not check.codes.keys),
        member is not None and kind.unless is not None and member in kind.unless,
        any(key.space == rule.triggers[0].space for key in check.codes.keys),
    )


def _different(one: Outcome, other: Outcome, check: int) -> bool:
    if one.fires != other.fires or bool(one.missing) != bool(other.missing):
        return True
    return {each.check for each in one.broken} != {each.check for each in other.broken} and check >= 0


def _why(rule: Rule, kind: Kind, check: Check) -> dict[str, str]:
    reason = "limit"
    if isinstance(check, Needs | Excludes):
        reason = "own" if check.codes.keys else "empty"
    elif not isinstance(check, Between) and not rule.triggers:
        reason = "empty"
    elif sets_all_aside(kind, rule.triggers):
        reason = "aside"
    return _said(reason)


def _said(reason: str) -> dict[str, str]:
    english, chinese = _WHY[reason]
    return {"why_en": english, "why_zh": chinese}
