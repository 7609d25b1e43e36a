"""What the alerting policy reads and says: earlier alerts, their answers, and how each finding is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import orjson

from casemeter_rules.finding import Finding, Tier


class Presentation(StrEnum):
    """How a finding is shown. A silent one is still in the reply."""

    INTERRUPT = "interrupt"
    INLINE = "inline"
    SILENT = "silent"


class Why(StrEnum):
    """What decided how a finding is shown."""

    NONE = "none"
    """A stop that is new interrupts."""
    UNKNOWN_HISTORY = "unknown_history"
    """A stop interrupts, and may have done so before: nobody said what was shown earlier."""
    TIER = "tier"
    """Less than a stop never interrupts."""
    REPEAT_OF = "repeat_of"
    """It was shown before, or stands twice in this reply."""
    ANSWERED = "answered"
    """It was accepted, or overridden with a reason that fits."""
    BUDGET = "budget"
    """The clinician was interrupted often enough this hour; it interrupts once there is room."""
    ROLE = "role"
    """The role is not shown more of this class of findings."""
    SHADOW = "shadow"
    """The rule is in shadow or off: its findings are counted, not shown."""


class AnswerKind(StrEnum):
    """What became of an alert."""

    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    IGNORED = "ignored"
    CAUSE_GONE = "cause_gone"


class Answer(NamedTuple):
    """What a clinician answered to an alert.

    Attributes:
        kind: what became of it.
        reason: code of the override reason; empty: none.
        text: free text; empty: none.
    """

    kind: AnswerKind
    reason: str = ""
    text: str = ""


class EarlierAlert(NamedTuple):
    """A finding as an earlier reply of the same encounter showed it.

    Attributes:
        alert_key: what makes it the same alert, of :func:`alert_key`.
        rule: id of the rule.
        evidence: hash of the evidence, of :func:`evidence_hash`.
        band: step of severity.
        tier: how grave it was.
        presentation: how it was shown.
        shown_at: when, with an offset.
        answer: the last answer to it; ``None``: none came.
        id: the recorder's number of it; empty: none.
    """

    alert_key: str
    rule: str
    evidence: str
    band: str
    tier: Tier
    presentation: Presentation
    shown_at: datetime
    answer: Answer | None = None
    id: str = ""


class History(NamedTuple):
    """What was shown so far in one encounter, in any order. No history is ``None``, not an empty one."""

    alerts: tuple[EarlierAlert, ...] = ()


class Presented(NamedTuple):
    """A finding and how it is shown.

    Attributes:
        finding: the finding; for a role without money, texts of coding advice without sums and weights.
        presentation: how it is shown.
        reason: what decided that.
        alert_key: what makes it the same alert in the next reply.
        repeat_of: the earlier alert that it repeats; ``None`` with ``Why.REPEAT_OF``: one in this reply.
        answer: the answer that holds; ``None``: none does.
    """

    finding: Finding
    presentation: Presentation
    reason: Why
    alert_key: str
    repeat_of: EarlierAlert | None = None
    answer: Answer | None = None


def evidence_hash(evidence: Iterable[str]) -> str:
    """Return a hash of ids that does not depend on their order."""
    return _short(sorted(evidence))


def alert_key(finding: Finding) -> str:
    """Return what makes a finding the same alert: its rule, evidence, band and tier, and nothing else."""
    return _short([finding.rule, sorted(finding.evidence), finding.band, int(finding.tier)])


def as_shown(presented: Presented, shown_at: datetime, *, id: str = "") -> EarlierAlert:
    """Return what a later reply's history holds of a finding shown now, not answered yet."""
    finding = presented.finding
    return EarlierAlert(
        presented.alert_key,
        finding.rule,
        evidence_hash(finding.evidence),
        finding.band,
        finding.tier,
        presented.presentation,
        shown_at,
        None,
        id,
    )


def _short(value: object) -> str:
    return hashlib.sha256(orjson.dumps(value)).hexdigest()[:16]
