"""How often a rule was right, by the answers to its alerts.

An alert was *useful* when it was accepted or its cause was removed, and *useless* when it was overridden
with a reason that says the rule was wrong. Where somebody judged the alert, that judgement decides alone.
All other answers decide nothing and are counted apart: *excused* are overrides with a reason that leaves
the rule right, *ignored* those that nobody answered. Precision is useful / (useful + useless).

Where answers carry the number of their alert, the first one that is not *ignored* counts and later ones do
not: a cause that is gone because the patient went home makes no overridden alert useful.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from casemeter_rules.alerting.alert import AnswerKind
from casemeter_rules.alerting.answers import AnswerLine, short_hash
from casemeter_rules.alerting.bounds import Interval, wilson
from casemeter_rules.alerting.overrides import Reasons, shipped_reasons


class Outcome(StrEnum):
    """What an answer says of the rule."""

    USEFUL = "useful"
    USELESS = "useless"
    EXCUSED = "excused"
    IGNORED = "ignored"


@dataclass(slots=True)
class RulePrecision:
    """What the answers say of one rule.

    Attributes:
        rule: its id.
        useful: alerts that were accepted, whose cause was removed, or that were judged right.
        useless: alerts overridden because the rule was wrong, or judged wrong.
        excused: alerts overridden though the rule was right.
        ignored: alerts that nobody answered.
    """

    rule: str
    useful: int = 0
    useless: int = 0
    excused: int = 0
    ignored: int = 0

    @property
    def n(self) -> int:
        """Answers that decide for or against the rule."""
        return self.useful + self.useless

    @property
    def precision(self) -> float | None:
        """Share of useful ones among them; ``None``: there are none."""
        return self.useful / self.n if self.n else None

    @property
    def interval(self) -> Interval | None:
        """Wilson's 95 % interval of the precision; ``None``: there are no answers that decide."""
        return wilson(self.useful, self.n)

    def add(self, outcome: Outcome) -> None:
        """Count one answer."""
        setattr(self, outcome.value, getattr(self, outcome.value) + 1)


def outcome_of(line: AnswerLine, reasons: Reasons) -> Outcome:
    """Return what an answer says of the rule."""
    if line.true is not None:
        return Outcome.USEFUL if line.true else Outcome.USELESS
    if line.answer in (AnswerKind.ACCEPTED, AnswerKind.CAUSE_GONE):
        return Outcome.USEFUL
    if line.answer is AnswerKind.IGNORED:
        return Outcome.IGNORED
    return Outcome.USELESS if reasons.by_code[line.reason].rule_wrong else Outcome.EXCUSED


def outcomes(lines: Iterable[AnswerLine], reasons: Reasons) -> Iterator[tuple[AnswerLine, Outcome]]:
    """Yield each answer that counts, with what it says of its rule."""
    answered: set[int] = set()
    for line in lines:
        outcome = outcome_of(line, reasons)
        if line.alert and outcome is not Outcome.IGNORED:
            mark = short_hash(line.alert)
            if mark in answered:
                continue
            answered.add(mark)
        yield line, outcome


def precision_of(lines: Iterable[AnswerLine], reasons: Reasons | None = None) -> dict[str, RulePrecision]:
    """Return what answers say of each rule, by its id."""
    known = reasons or shipped_reasons()
    found: dict[str, RulePrecision] = {}
    for line, outcome in outcomes(lines, known):
        if line.rule not in found:
            found[line.rule] = RulePrecision(line.rule)
        found[line.rule].add(outcome)
    return {rule: found[rule] for rule in sorted(found)}
