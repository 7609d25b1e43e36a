"""How each finding of a reply is shown: a pure function, told what it must know or that nobody knows it.

No finding is ever removed. Only a stop interrupts: once for the same rule, evidence, band and tier, and only
while the clinician was interrupted less often this hour than the policy allows. An unanswered stop is never
silent for a role that is shown its class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from casemeter_rules.alerting.alert import (
    Answer,
    AnswerKind,
    EarlierAlert,
    History,
    Presentation,
    Presented,
    Why,
    alert_key,
)
from casemeter_rules.alerting.overrides import Reasons, holds, shipped_reasons
from casemeter_rules.alerting.redact import without_money
from casemeter_rules.alerting.roles import CODER, Role, role_of, shipped_roles
from casemeter_rules.facts import Phase
from casemeter_rules.finding import Finding, RuleState, Tier, worst_first

_NO_HISTORY: Final = History()


class Unknown(StrEnum):
    """What the caller did not say; a reply names it."""

    HISTORY = "history"
    INTERRUPTIONS = "interruptions"


@dataclass(frozen=True, slots=True)
class Learning:
    """When a rule goes to shadow.

    Attributes:
        threshold: a rule whose precision is this or better is good.
        min_answers: answers that decide for or against it, before it may go.
        alpha: chance that any good rule ever goes to shadow, over all rules and all times of looking.
        rules: how many rules share that chance.
    """

    threshold: float = 0.5
    min_answers: int = 20
    alpha: float = 0.05
    rules: int = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """What a hospital sets for its alerts.

    Attributes:
        budget: interruptions of one clinician in an hour.
        overridden: how a finding is shown that was overridden with a reason that fits: inline or silent.
        hint: how a hint is shown: inline or silent.
        roles: what each role is shown.
        learning: when a rule goes to shadow.
        reasons: that may be given for going on all the same.
    """

    budget: int = 6
    overridden: Presentation = Presentation.SILENT
    hint: Presentation = Presentation.INLINE
    roles: Mapping[str, Role] = field(default_factory=shipped_roles)
    learning: Learning = Learning()
    reasons: Reasons = field(default_factory=shipped_reasons)


def present(
    findings: Sequence[Finding],
    history: History | None,
    interruptions_this_hour: int | None,
    role: str,
    policy: Policy,
) -> tuple[Presented, ...]:
    """Return how each finding is shown, in the order of the findings.

    Args:
        findings: of this reply, the worst first.
        history: what was shown earlier in this encounter, with the answers; ``None``: nobody said.
        interruptions_this_hour: of this clinician; ``None``: nobody said, and only this reply is counted.
        role: of the caller; empty or unknown: a physician.
        policy: of the hospital.
    """
    rules = role_of(policy.roles, role)
    earlier = _by_key(history or _NO_HISTORY)
    shown = [_decide(finding, earlier, rules, policy, known=history is not None) for finding in findings]
    room = max(0, policy.budget - (interruptions_this_hour or 0))
    interrupted: set[str] = set()
    for at in sorted(range(len(shown)), key=lambda at: (*worst_first(findings[at]), at)):
        one = shown[at]
        if one.presentation is not Presentation.INTERRUPT:
            continue
        if one.alert_key in interrupted:
            shown[at] = one._replace(presentation=Presentation.INLINE, reason=Why.REPEAT_OF)
        elif len(interrupted) >= room:
            shown[at] = one._replace(presentation=Presentation.INLINE, reason=Why.BUDGET)
        else:
            interrupted.add(one.alert_key)
    if rules.money:
        return tuple(shown)
    return tuple(one._replace(finding=without_money(one.finding)) for one in shown)


def unknown(history: History | None, interruptions_this_hour: int | None) -> tuple[Unknown, ...]:
    """Return what the policy had to do without."""
    missing = ((history, Unknown.HISTORY), (interruptions_this_hour, Unknown.INTERRUPTIONS))
    return tuple(name for value, name in missing if value is None)


def refuses(presented: Iterable[Presented], phase: Phase, role: str) -> tuple[Finding, ...]:
    """Return the stops for which a coder's submission is refused; empty: it is not. Orders are never refused.

    A stop that was overridden with a reason that fits refuses nothing, nor does one that is not shown.
    """
    if phase is not Phase.SUBMISSION or role != CODER:
        return ()
    return tuple(
        one.finding
        for one in presented
        if one.finding.tier is Tier.STOP
        and one.presentation is not Presentation.SILENT
        and not (one.answer and one.answer.kind is AnswerKind.OVERRIDDEN)
    )


def _decide(
    finding: Finding,
    earlier: Mapping[str, Sequence[EarlierAlert]],
    role: Role,
    policy: Policy,
    *,
    known: bool,
) -> Presented:
    """How a finding is shown, the budget aside."""
    key = alert_key(finding)
    if finding.state is not RuleState.ACTIVE:
        return Presented(finding, Presentation.SILENT, Why.SHADOW, key)
    most = role.most(finding)
    if most is Presentation.SILENT:
        return Presented(finding, Presentation.SILENT, Why.ROLE, key)
    how = policy.hint if finding.tier is Tier.HINT else Presentation.INLINE
    if how is Presentation.SILENT:
        return Presented(finding, how, Why.TIER, key)
    before: Sequence[EarlierAlert] = earlier.get(key, ())
    answer = _standing(before, finding, policy.reasons)
    if answer:
        overridden = answer.kind is AnswerKind.OVERRIDDEN
        how = policy.overridden if overridden else how
        return Presented(finding, how, Why.ANSWERED, key, before[0], answer)
    interrupted = next((one for one in before if one.presentation is Presentation.INTERRUPT), None)
    if finding.tier is Tier.STOP:
        if most is Presentation.INLINE:
            return Presented(finding, Presentation.INLINE, Why.ROLE, key)
        if interrupted:
            return Presented(finding, Presentation.INLINE, Why.REPEAT_OF, key, interrupted)
        return Presented(finding, Presentation.INTERRUPT, Why.NONE if known else Why.UNKNOWN_HISTORY, key)
    seen = next((one for one in before if one.presentation is not Presentation.SILENT), None)
    if seen:
        return Presented(finding, how, Why.REPEAT_OF, key, seen)
    return Presented(finding, how, Why.TIER, key)


def _standing(before: Sequence[EarlierAlert], finding: Finding, reasons: Reasons) -> Answer | None:
    """The answer that settles a finding. A cause that went and came back asks anew, without interrupting."""
    for one in reversed(before):
        if holds(one.answer, finding, reasons):
            return one.answer
        if one.answer and one.answer.kind is AnswerKind.CAUSE_GONE:
            return None
    return None


def _by_key(history: History) -> dict[str, list[EarlierAlert]]:
    found: dict[str, list[EarlierAlert]] = {}
    for one in sorted(history.alerts, key=lambda alert: alert.shown_at):
        found.setdefault(one.alert_key, []).append(one)
    return found
