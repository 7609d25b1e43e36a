"""Message 3103: what was answered to findings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from casemeter.v1 import finding_pb2
from casemeter_rules.alerting.overrides import shipped_reasons
from casemeter_server.doors.nhsa.envelope import Envelope, Stamp, envelope_of, write_reply
from casemeter_server.doors.nhsa.tree import Faults, Node, root_of
from casemeter_server.errors import invalid

FEEDBACK: Final = "3103"
MAX_REASON: Final = 500
IN_WORDS: Final = "other_in_words"
"""The coded reason of an answer that gives words only."""

_MAX_ANSWERS: Final = 1_000
_GO_ON: Final = "1"
_CHANGE: Final = "2"
_WAYS: Final = {
    _GO_ON: finding_pb2.ALERT_ANSWER_OVERRIDDEN,
    _CHANGE: finding_pb2.ALERT_ANSWER_ACCEPTED,
}
_MARKED: Final = re.compile(r"\.\d{1,4}\Z", re.ASCII)
_BETWEEN: Final = " \t:：,，;；.。-—()（）"


@dataclass(frozen=True)
class Answer:
    """What was answered to one finding.

    Attributes:
        number: under which it was shown.
        answer: accepted, or overridden.
        reason: code of the reason for going on; empty: none, or none that has a code.
        text: what was added in words, or the whole of it where there is no code.
        place: of the answer in the message.
    """

    number: str
    answer: finding_pb2.AlertAnswer
    reason: str
    text: str
    place: str


@dataclass(frozen=True)
class Feedback:
    """A message, read.

    Attributes:
        envelope: what it says of itself.
        answers: in their order.
    """

    envelope: Envelope
    answers: tuple[Answer, ...]


def read_feedback(sent: bytes | Mapping[str, Any], infno: str = "") -> Feedback:
    """Return what was answered.

    Args:
        sent: the message: its bytes, or as :func:`~casemeter_server.doors.nhsa.tree.parse` read them.
        infno: number of the transaction, where the message has none.

    Raises:
        RequestError: it cannot be read; everything that cannot be used is listed.
    """
    faults: Faults = []
    root = root_of(sent, faults)
    envelope = envelope_of(root, infno)
    if envelope.infno != FEEDBACK:
        root.note("infno", "UNKNOWN_VALUE", value=f"'{envelope.infno[:20]}'")
    content = root.node("input")
    body = content.node("data") if content is not None else None
    answers: list[Answer] = []
    if body is not None:
        warns = body.nodes("warns")
        if not warns and not body.has("warns"):
            body.note("warns", "REQUIRED")
        if len(warns) > _MAX_ANSWERS:
            body.note("warns", "TOO_MANY", count=len(warns), limit=_MAX_ANSWERS)
        else:
            answers = [_answer(warn) for warn in warns]
    elif not faults:
        root.note("input.data", "REQUIRED")
    if faults:
        raise invalid(faults)
    return Feedback(envelope, tuple(answers))


def write_feedback(feedback: Feedback, stamp: Stamp) -> bytes:
    """Return the reply: what was answered is kept."""
    return write_reply(feedback.envelope, stamp, {})


def _answer(warn: Node) -> Answer:
    number = warn.text("warn_rslt_id")
    if not number and not warn.has("warn_rslt_id"):
        warn.note("warn_rslt_id", "REQUIRED")
    way = warn.code("dspo_way", _WAYS, None)
    if way is None and not warn.has("dspo_way"):
        warn.note("dspo_way", "REQUIRED")
    said = warn.text("dspo_way_rea", MAX_REASON)
    if way == finding_pb2.ALERT_ANSWER_OVERRIDDEN and not said and not warn.has("dspo_way_rea"):
        warn.note("dspo_way_rea", "REQUIRED")
    reason, text = coded_reason(said)
    if way == finding_pb2.ALERT_ANSWER_OVERRIDDEN and not reason:
        reason = IN_WORDS
    # The same alert may have stood in a reply more than once.
    plain = _MARKED.sub("", number)
    return Answer(plain, way or finding_pb2.ALERT_ANSWER_UNSPECIFIED, reason, text, warn.place)


def coded_reason(said: str) -> tuple[str, str]:
    """Return the code of a reason and the words beside it; no code: no reason is named at the beginning.

    A reason is named by its code, or by its name in Chinese or English.
    """
    for name, code in _names():
        if said[: len(name)].casefold() == name:
            rest = said[len(name) :]
            if not rest or rest[0] in _BETWEEN:
                return code, rest.strip(_BETWEEN)
    return "", said


@cache
def _names() -> tuple[tuple[str, str], ...]:
    """Return the names of all reasons and their codes, longer names first."""
    names = {
        name.casefold(): reason.code
        for key, reason in shipped_reasons().by_code.items()
        for name in (key, reason.zh, reason.en)
    }
    return tuple(sorted(names.items(), key=lambda entry: -len(entry[0])))
