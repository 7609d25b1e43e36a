"""Feedback: what users did with cards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import finding_pb2
from casemeter_server.doors.cds.cards import reasons_system
from casemeter_server.doors.cds.tree import Node, parse_json
from casemeter_server.doors.desk import GivenAnswer
from casemeter_server.errors import invalid
from casemeter_server.stay_facts import Faults

MAX_ENTRIES: Final = 200
"""As many as a reply has cards of findings."""

_OUTCOMES: Final = {
    "accepted": finding_pb2.ALERT_ANSWER_ACCEPTED,
    "overridden": finding_pb2.ALERT_ANSWER_OVERRIDDEN,
}


def read_feedback(data: bytes) -> list[GivenAnswer]:
    """Read what a client tells of cards.

    Args:
        data: the body.

    Returns:
        The answers, each by the uuid of its card.

    Raises:
        RequestError: it cannot be read; every fault of it at once.
    """
    faults: Faults = []
    body = Node(parse_json(data), "", faults)
    if not isinstance(body.value, dict):
        body = Node(body.value if body.given else [], "the body", faults)
    entries = body.get("feedback")
    listed = list(entries.each())
    if not listed:
        entries.note("REQUIRED")
    elif len(listed) > MAX_ENTRIES:
        entries.note("TOO_MANY", count=len(listed), limit=MAX_ENTRIES)
        listed = []
    answers = [_answer(entry) for entry in listed]
    if faults:
        raise invalid(faults)
    return answers


def _answer(entry: Node) -> GivenAnswer:
    card, outcome = _required(entry.get("card")), _required(entry.get("outcome"))
    answer = _OUTCOMES.get(outcome, finding_pb2.ALERT_ANSWER_UNSPECIFIED)
    if outcome and not answer:
        entry.get("outcome").note("UNKNOWN_VALUE", value=repr(outcome[:40]))
    if answer == finding_pb2.ALERT_ANSWER_ACCEPTED:
        taken = entry.get("acceptedSuggestions")
        for suggestion in taken.each():
            _required(suggestion.get("id"))
        if not any(taken.each()):
            taken.note("REQUIRED")
    reason, text = _reason(entry.get("overrideReason"))
    return GivenAnswer(
        card, answer, reason, text, f"{entry.place}.card", _time(entry.get("outcomeTimestamp"))
    )


def _reason(told: Node) -> tuple[str, str]:
    """Return the code of a reason, and the comment."""
    coding, comment = told.get("reason"), told.get("userComment").text()
    code = coding.get("code").text()
    if told.given and not code and not comment:
        told.note("REQUIRED")
    system = coding.get("system")
    if code and system.text() not in ("", reasons_system()):
        system.note("UNKNOWN_VALUE", value=repr(system.text()[:80]))
    return code, comment


def _time(node: Node) -> datetime | None:
    text = _required(node)
    found = Timestamp()
    try:
        if text:
            found.FromJsonString(text)
            return found.ToDatetime(UTC)
    except (ValueError, OverflowError):
        node.note("NOT_A_MOMENT", value=text[:40])
    return None


def _required(node: Node) -> str:
    text = node.text()
    if not text and not (node.given and not isinstance(node.value, str)):
        node.note("REQUIRED")
    return text
