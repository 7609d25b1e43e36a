"""What the check of a page says: passed or refused, the group, findings at their places in the message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from casemeter.v1 import error_pb2, finding_pb2, service_pb2, verdict_pb2
from casemeter_server.doors.door import Question
from casemeter_server.doors.settlement.page import CheckQuestion
from casemeter_server.errors import RequestError

PASSED: Final = "passed"
REFUSED: Final = "refused"
INVALID: Final = "invalid"

OF_ONE_PAGE: Final = ("INVALID_REQUEST", "PACK_NOT_VALID")
"""Reasons that concern one page and stop no other of a batch; the day of a pack is that of the page."""

_MAX_MESSAGE: Final = 200
_TIER: Final = "FINDING_TIER_"
_CLASS: Final = "FINDING_CLASS_"


def write_check(
    checked: CheckQuestion, response: service_pb2.EvaluateResponse, question: Question | None = None
) -> dict[str, Any]:
    """Return the check of a page.

    Args:
        checked: the page.
        response: the answer.
        question: as it was answered; ``None``: as it was read.
    """
    verdict = response.verdict
    asked = question or checked.question
    shown = [one for one in verdict.findings if one.presentation != finding_pb2.PRESENTATION_SILENT]
    # A stable sort: within a tier the server's own order holds.
    shown.sort(key=lambda one: -one.tier)
    reply = {
        **_which(checked),
        "status": REFUSED if is_refused(verdict) else PASSED,
        "call_id": response.call_id,
        "group": _group(verdict),
        "findings": [_finding(one, asked) for one in shown],
        "unknown": [_fault(one) for one in checked.unknown],
        "codes": [_code(one, asked) for one in verdict.code_notes],
        "filled": [one.field for one in verdict.filled],
    }
    if response.HasField("recorded"):
        reply["recorded"] = response.recorded
    return reply


def write_refusal(error: RequestError, checked: CheckQuestion | None = None) -> dict[str, Any]:
    """Return what is said of a page that cannot be checked."""
    told = error.error
    return {
        **({} if checked is None else _which(checked)),
        "status": INVALID,
        "error": {
            "reason": told.reason,
            "message": told.message,
            "faults": [_fault(one) for one in told.faults],
        },
    }


def is_refused(verdict: verdict_pb2.Verdict) -> bool:
    """Whether a stop refuses the page, or would if a coder submitted it as it is.

    What was answered with a reason that fits refuses nothing, nor does what is not shown.
    """
    return verdict.rules.submission_refused or any(
        one.tier == finding_pb2.FINDING_TIER_STOP
        and one.presentation != finding_pb2.PRESENTATION_SILENT
        and one.presentation_reason != finding_pb2.PRESENTATION_REASON_ANSWERED
        for one in verdict.findings
    )


def in_envelope(
    output: Mapping[str, Any], envelope: Mapping[str, str], now: datetime, serial: int
) -> dict[str, Any]:
    """Return a reply in the envelope of the national interface.

    Args:
        output: the check, or why there is none.
        envelope: of the message.
        now: the moment of the reply.
        serial: counts replies.
    """
    failed = output["status"] == INVALID
    error = output.get("error", {})
    told = [fault["message"] for fault in error.get("faults", ())] or [error.get("message", "")]
    moment = f"{now:%Y%m%d%H%M%S}"
    return {
        "infcode": -1 if failed else 0,
        "inf_refmsgid": f"{envelope.get('mdtrtarea_admvs', '')[:6]}{moment}{serial % 10**10:010}",
        "refmsg_time": f"{moment}{now.microsecond // 1000:03}",
        "respond_time": f"{moment}{now.microsecond // 1000:03}",
        "err_msg": "; ".join(told)[:_MAX_MESSAGE],
        "output": output,
    }


@dataclass
class Summary:
    """What is told of a batch at its end."""

    unknown_columns: tuple[str, ...] = ()
    pages: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, reply: Mapping[str, Any]) -> None:
        """Count one page."""
        self.pages[reply["status"]] += 1
        for finding in reply.get("findings", ()):
            self.findings[finding["tier"]] += 1
            self.rules[f"{finding['class']}.{finding['subclass']}"] += 1

    @property
    def is_clean(self) -> bool:
        """Whether every page was checked and none is refused."""
        return not self.pages[REFUSED] and not self.pages[INVALID]

    def written(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "pages": self.pages.total(),
            **{status: self.pages[status] for status in (PASSED, REFUSED, INVALID)},
            "findings": {tier: self.findings[tier] for tier in ("stop", "warn", "hint")},
            "most": dict(self.rules.most_common(10)),
            "unknown_columns": list(self.unknown_columns),
        }


def worth_telling(replies: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Yield the pages of a batch about which there is anything to say."""
    return (one for one in replies if one["status"] != PASSED or one["findings"] or one["unknown"])


def _which(checked: CheckQuestion) -> dict[str, Any]:
    number = checked.question.request.encounter.encounter_id
    return {**({"row": checked.row} if checked.row else {}), "encounter_id": number}


def _group(verdict: verdict_pb2.Verdict) -> dict[str, Any]:
    status = verdict_pb2.GroupStatus.Name(verdict.status).removeprefix("GROUP_STATUS_").lower()
    reason = verdict_pb2.UngroupableReason.Name(verdict.ungroupable_reason)
    return {
        "status": status,
        "code": verdict.group.code,
        "name": verdict.group.name,
        **(
            {"reason": reason.removeprefix("UNGROUPABLE_REASON_").lower()}
            if verdict.ungroupable_reason
            else {}
        ),
        "pack": verdict.pack.id,
    }


def _finding(finding: finding_pb2.Finding, question: Question) -> dict[str, Any]:
    return {
        "tier": finding_pb2.FindingTier.Name(finding.tier).removeprefix(_TIER).lower(),
        "class": finding_pb2.FindingClass.Name(finding.finding_class).removeprefix(_CLASS).lower(),
        "subclass": finding.subclass,
        "official_type": finding.official_type,
        "places": list(dict.fromkeys(question.place(field) for field in finding.fields)),
        "codes": list(finding.codes),
        "text_zh": finding.text_zh,
        "text_en": finding.text_en,
        "resolve_zh": finding.resolve_zh,
        "resolve_en": finding.resolve_en,
        "bases": list(finding.bases),
        "override_reasons": list(finding.override_reasons),
        "rule": finding.rule,
        "alert_key": finding.alert_key,
    }


def _code(note: verdict_pb2.CodeNote, question: Question) -> dict[str, Any]:
    change = verdict_pb2.CodeChange.Name(note.change).removeprefix("CODE_CHANGE_").lower()
    return {"place": question.place(note.field), "sent": note.sent, "used": note.used, "change": change}


def _fault(fault: error_pb2.FieldFault) -> dict[str, str]:
    return {"place": fault.field, "reason": fault.reason, "message": fault.message}
