"""The rules stage of a call: what is found wrong with the stay, and how each finding is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from casemeter.v1 import finding_pb2, verdict_pb2
from casemeter_rules.advice import Regroup, advise, report_of
from casemeter_rules.alerting.alert import (
    Answer,
    AnswerKind,
    EarlierAlert,
    History,
    Presentation,
    Presented,
    Why,
)
from casemeter_rules.alerting.policy import Policy, present, refuses
from casemeter_rules.compiled.book import Book
from casemeter_rules.engine import Report, Seen, find, find_in
from casemeter_rules.facts import Phase, Stay
from casemeter_rules.finding import Finding, FindingClass, RuleState, Tier, worst_first
from casemeter_rules.relations import Relation, relations_of
from casemeter_server.care import PHASE_NUMBERS
from casemeter_server.refs import pack_ref
from casemeter_server.snapshot import Snapshot

MAX_FINDINGS: Final = 200
ADVISED: Final = (Phase.DISCHARGE, Phase.FRONT_PAGE, Phase.SUBMISSION)
"""The moments at which a coding is complete enough for advice on it."""

_UNKNOWN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)

_TIERS: Final = {tier: finding_pb2.FindingTier.Value(f"FINDING_TIER_{tier.name}") for tier in Tier}
_CLASSES: Final = {
    name: finding_pb2.FindingClass.Value(f"FINDING_CLASS_{name.name}") for name in FindingClass
}
_PRESENTATIONS: Final = {
    name: finding_pb2.Presentation.Value(f"PRESENTATION_{name.name}") for name in Presentation
}
_SHOWN: Final = {number: name for name, number in _PRESENTATIONS.items()}
_WHY: Final = {
    why: 0 if why is Why.NONE else finding_pb2.PresentationReason.Value(f"PRESENTATION_REASON_{why.name}")
    for why in Why
}
_ANSWERS: Final = {finding_pb2.AlertAnswer.Value(f"ALERT_ANSWER_{kind.name}"): kind for kind in AnswerKind}


@dataclass(frozen=True)
class Ruling:
    """The rules that answer on one day.

    Attributes:
        books: the versions of the packs that hold.
        states: of rules, where they are other than their pack says.
        shadow_sha256: hash of the list these come from; empty: there is none.
        policy: how findings are shown.
        relations: which treatment goes with which diagnosis, for advice on coding.
    """

    books: tuple[Book, ...]
    states: Mapping[str, RuleState]
    shadow_sha256: str
    policy: Policy
    relations: tuple[Relation, ...] = ()
    # A function of the policy and of no patient.
    _reasons: dict[tuple[str, FindingClass, tuple[str, ...]], list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def on(cls, snapshot: Snapshot, policy: Policy, day: str) -> Ruling:
        """Return the rules of a snapshot that hold on a day (``YYYY-MM-DD``)."""
        found = (snapshot.books.on(name, day) for name in snapshot.books.packs)
        books = tuple(book for book in found if book is not None)
        states = snapshot.shadow.states(day)
        return cls(books, states, snapshot.shadow.sha256, policy, relations_of(books))

    def find(self, stay: Stay, phase: Phase) -> Report:
        """Return what is wrong with a stay at a moment of care."""
        return find(self.books, stay, phase, self.states)

    def find_in(self, seen: Seen) -> Report:
        """Return the same of a stay that the kernel reads otherwise."""
        return find_in(self.books, seen, self.states)

    def with_advice(self, report: Report, stay: Stay, phase: Phase, regroup: Regroup) -> Report:
        """Return a report with advice on coding up and down beside it."""
        advice = report_of(advise(stay, self.relations, regroup, phase), self.states)
        findings = sorted((*report.findings, *advice.findings), key=worst_first)
        undecided = Counter(report.undecided) + Counter(advice.undecided)
        return Report(tuple(findings), dict(sorted(undecided.items())))

    def fill(
        self,
        verdict: verdict_pb2.Verdict,
        report: Report,
        phase: Phase,
        context: finding_pb2.AlertContext,
        role: str,
    ) -> None:
        """Fill findings and the report on the rules.

        Args:
            verdict: to be filled.
            report: what was found.
            phase: the moment of care.
            context: what was alerted before.
            role: of the caller.
        """
        history = _history(context) if context.HasField("history") else None
        count = context.interruptions_this_hour if context.HasField("interruptions_this_hour") else None
        presented = present(report.findings, history, count, role, self.policy)
        self._fill_findings(verdict, presented)
        told = verdict.rules
        told.packs.extend(
            pack_ref(book.header, book.sha256, book.header.demonstration) for book in self.books
        )
        told.shadow_sha256 = self.shadow_sha256
        told.phase = PHASE_NUMBERS[phase]
        for fact, rules in report.undecided.items():
            told.undecided.add(fact=fact, rules=rules)
        told.in_shadow = sum(one.reason is Why.SHADOW for one in presented)
        told.history_known = history is not None
        told.interruptions_known = count is not None
        told.submission_refused = bool(refuses(presented, phase, role))
        told.left_out = max(0, len(presented) - MAX_FINDINGS)

    def _reasons_for(self, finding: Finding) -> list[str]:
        """Return the codes of the reasons for going on that fit, found once for each kind of finding."""
        key = (finding.kind, finding.finding_class, finding.overrides)
        if key not in self._reasons:
            self._reasons[key] = [reason.code for reason in self.policy.reasons.for_finding(finding)]
        return self._reasons[key]

    def _fill_findings(self, verdict: verdict_pb2.Verdict, presented: Sequence[Presented]) -> None:
        for one in presented[:MAX_FINDINGS]:
            finding = one.finding
            message = verdict.findings.add(
                rule=finding.rule,
                pack=finding.pack,
                official_type=finding.official_type,
                tier=_TIERS[finding.tier],
                finding_class=_CLASSES[finding.finding_class],
                subclass=finding.subclass,
                fields=finding.fields,
                codes=finding.codes,
                evidence=finding.evidence,
                bases=finding.bases,
                text_zh=finding.text_zh,
                text_en=finding.text_en,
                resolve_zh=finding.resolve_zh,
                resolve_en=finding.resolve_en,
                override_reasons=self._reasons_for(finding),
                presentation=_PRESENTATIONS[one.presentation],
                presentation_reason=_WHY[one.reason],
                alert_key=one.alert_key,
                band=finding.band,
            )
            if one.repeat_of is not None and one.repeat_of.shown_at != _UNKNOWN_TIME:
                message.repeat_of.FromDatetime(one.repeat_of.shown_at)


def _history(context: finding_pb2.AlertContext) -> History:
    return History(tuple(map(_earlier, context.history.alerts)))


def _earlier(alert: finding_pb2.EarlierAlert) -> EarlierAlert:
    kind = _ANSWERS.get(alert.answer)
    shown_at = alert.shown_at.ToDatetime(UTC) if alert.HasField("shown_at") else _UNKNOWN_TIME
    return EarlierAlert(
        alert.alert_key,
        alert.rule,
        "",
        "",
        Tier.HINT,
        _SHOWN.get(alert.presentation, Presentation.SILENT),
        shown_at,
        None if kind is None else Answer(kind, alert.override_reason, alert.override_text),
    )
