"""Replies to 3101 and 3102: every finding as the messages have it, the worst first."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from casemeter.v1 import charges_pb2, finding_pb2, verdict_pb2
from casemeter_server.doors.door import Question
from casemeter_server.doors.nhsa.audit import AuditMessage, Visit
from casemeter_server.doors.nhsa.envelope import Envelope, Stamp, cut, write_reply
from casemeter_server.doors.nhsa.facts import table
from casemeter_server.doors.nhsa.lines import cost_lines, group_line, yuan_text
from casemeter_server.doors.nhsa.settings import DISCHARGE, NEVER, NhsaSettings
from casemeter_server.errors import MAX_FAULTS, RequestError

LINE: Final = "cm-"
"""How numbers of lines begin that no rule makes; what is answered to them is not kept."""

_CODE: Final = 50
_NAME: Final = 200
_TEXT: Final = 500
_MAX_DETAILS: Final = 200
_SEVERITY: Final = {
    finding_pb2.FINDING_TIER_STOP: "1",
    finding_pb2.FINDING_TIER_WARN: "2",
    finding_pb2.FINDING_TIER_HINT: "3",
}
_WRONG: Final = "1"
_INVOLVED: Final = "2"
_COUNTED: Final = "1"
_NOT_COUNTED: Final = "0"


@dataclass(frozen=True)
class Told:
    """The answer to one visit.

    Attributes:
        visit: what was asked.
        verdict: the answer.
        ids: numbers under which findings were recorded, of up to 36 characters, by their alert_key.
        question: as it was evaluated; ``None``: as asked.
    """

    visit: Visit
    verdict: verdict_pb2.Verdict
    ids: Mapping[str, str] = field(default_factory=dict)
    question: Question | None = None


class _Orders:
    """Orders and charges of a visit, by place and by number."""

    def __init__(self, told: Told) -> None:
        self.placing: dict[str, charges_pb2.Order] = {}
        self.charged: dict[str, charges_pb2.ChargeLine] = {}
        self.numbers: dict[str, str] = {}
        question = told.question or told.visit.question
        if question is not None:
            encounter = question.request.encounter
            self.placing = {f"encounter.orders[{at}]": one for at, one in enumerate(encounter.orders)}
            self.charged = {
                f"encounter.charges.lines[{at}]": one for at, one in enumerate(encounter.charges.lines)
            }
            # A refund has no number of its own, but that of what it takes back.
            charged = {place: question.ids.get(place, one.id) for place, one in self.charged.items()}
            placing = {place: question.ids.get(place, one.id) for place, one in self.placing.items()}
            self.numbers = charged | placing
        self.places = {number: place for place, number in self.numbers.items() if number}

    def fen(self, place: str) -> int:
        """Return what an entry costs; a refund costs nothing."""
        order = self.placing.get(place)
        return max(0, self.charged[place].amount_fen if order is None else order.amount_fen)

    def of(self, finding: finding_pb2.Finding) -> dict[str, tuple[str, int]]:
        """Return the orders of a finding by their numbers: whether they are wrong, and what they cost.

        Wrong are those being placed; where none of them is, all that the finding names. Others are involved.
        """
        named = [place for place in map(_owner, finding.fields) if place in self.numbers]
        wrong = [place for place in named if place in self.placing] or named
        involved = [self.places[number] for number in finding.evidence if number in self.places]
        found: dict[str, tuple[str, int]] = {}
        for place in dict.fromkeys((*wrong, *named, *involved)):
            number = self.numbers[place]
            if number and number not in found and len(found) < _MAX_DETAILS:
                found[number] = (_WRONG if place in wrong else _INVOLVED, self.fen(place))
        return found


@dataclass(frozen=True)
class _Entry:
    """One finding of one visit, with its number."""

    told: Told
    orders: _Orders
    finding: finding_pb2.Finding
    number: str


def write_audit(
    message: AuditMessage, told: Sequence[Told], settings: NhsaSettings, stamp: Stamp, **beside: Any
) -> bytes:
    """Return the reply to a message: the worst finding first, lines about cost and group after all findings.

    Args:
        message: what was asked.
        told: the answers to its visits, but for those that nothing is asked of.
        settings: of the hospital.
        stamp: what the reply says of itself.
        beside: further members of the reply.
    """
    orders = [_Orders(one) for one in told]
    entries = [
        _Entry(one, own, finding, _number(one, finding))
        for one, own in zip(told, orders, strict=True)
        for finding in _shown(one)
    ]
    entries.sort(key=_rank)
    for one, own in zip(told, orders, strict=True):
        entries += _lines(one, own, message, settings)
    result = []
    seen: Counter[str] = Counter()
    for entry in entries:
        # The same alert more than once has a mark for each further one.
        mark = f".{seen[entry.number]}" if seen[entry.number] else ""
        seen[entry.number] += 1
        result.append(_result(entry, entry.number + mark, message.task_id, settings))
    return write_reply(message.envelope, stamp, {"result": result}, **beside)


def write_error(envelope: Envelope, error: RequestError, stamp: Stamp) -> bytes:
    """Return the reply to what cannot be answered: the first fault, its mend, and how many there are."""
    return write_reply(envelope, stamp, {"result": []}, error_text(error))


def error_text(error: RequestError) -> str:
    """Return what is wrong with a message, in Chinese."""
    texts = table("texts.toml")
    faults = error.error.faults
    if not faults:
        return str(texts["request"].get(error.error.reason, error.error.message))
    first = faults[0]
    # Places all begin alike: of a long one the end says more.
    what = texts["field"].get(first.reason, first.message)
    said = texts["error"]["one"].format(place=first.field.removeprefix("input.data."), what=what)
    said = cut(said, _NAME - len(texts["error"]["at_least"]))
    if len(faults) == 1:
        return said
    key = "more" if len(faults) < MAX_FAULTS else "at_least"
    return str(texts["error"][key].format(first=said, count=len(faults)))


def _shown(told: Told) -> Iterator[finding_pb2.Finding]:
    silent = finding_pb2.PRESENTATION_SILENT
    return (finding for finding in told.verdict.findings if finding.presentation != silent)


def _rank(entry: _Entry) -> tuple[bool, int]:
    """Rank those that interrupt before others, then by tier; what is equal stays as the verdict has it."""
    finding = entry.finding
    return finding.presentation != finding_pb2.PRESENTATION_INTERRUPT, -finding.tier


def _lines(told: Told, orders: _Orders, message: AuditMessage, settings: NhsaSettings) -> Iterator[_Entry]:
    verdict, show_yuan = told.verdict, settings.show_yuan
    found: list[finding_pb2.Finding] = []
    if _is_time(settings.tell_cost, message):
        found += cost_lines(verdict, partial=told.visit.total_differs, show_yuan=show_yuan)
    if _is_time(settings.tell_group, message):
        found.append(group_line(verdict, show_yuan=show_yuan))
    for finding in found:
        what = "\0".join((told.visit.patn_id, told.visit.mdtrt_id, finding.rule, *finding.fields))
        number = LINE + hashlib.blake2b(what.encode(), digest_size=12).hexdigest()
        yield _Entry(told, orders, finding, number)


def _is_time(when: str, message: AuditMessage) -> bool:
    return when != NEVER and (message.at_discharge or when != DISCHARGE)


def _number(told: Told, finding: finding_pb2.Finding) -> str:
    """Return the number under which a finding was recorded; where it was not, one of its own."""
    if number := told.ids.get(finding.alert_key):
        return number
    what = "\0".join((told.visit.patn_id, told.visit.mdtrt_id, finding.alert_key, finding.rule))
    return hashlib.blake2b(what.encode(), digest_size=16).hexdigest()


def _result(entry: _Entry, number: str, task_id: str, settings: NhsaSettings) -> dict[str, Any]:
    finding, visit = entry.finding, entry.told.visit
    details, fen = _details(entry, number, settings)
    texts = table("texts.toml")
    named = finding.official_type or texts["class"][finding_pb2.FindingClass.Name(finding.finding_class)]
    text = finding.text_zh
    if finding.resolve_zh:
        text = texts["finding"]["resolve"].format(text=text.rstrip("。"), resolve=finding.resolve_zh)
    severity = _SEVERITY[finding.tier]
    return {
        "jr_id": number,
        "rule_id": cut(finding.rule, _CODE),
        "rule_name": cut(named, _NAME),
        "vola_cont": cut(text if len(text) <= _TEXT else finding.text_zh, _TEXT),
        "patn_id": visit.patn_id,
        "mdtrt_id": visit.mdtrt_id,
        "judge_result_detail_dtos": details,
        "vola_amt": _yuan(fen),
        "vola_amt_stas": _COUNTED if fen else _NOT_COUNTED,
        "sev_deg": severity,
        "vola_evid": cut("；".join(finding.bases), _TEXT),
        # Its code table was not published. Whoever reads a number there takes it for a severity.
        "vola_bhvr_type": severity,
        "task_id": task_id,
    }


def _details(entry: _Entry, number: str, settings: NhsaSettings) -> tuple[list[dict[str, Any]], int]:
    """Return the orders that a finding concerns, at least one entry, and what the wrong ones cost in fen."""
    visit = entry.told.visit
    orders = entry.orders.of(entry.finding)
    total = 0
    details = []
    for at, (rx_id, (kind, amount)) in enumerate((orders or {"": (_WRONG, 0)}).items(), 1):
        fen = amount if settings.show_yuan and kind == _WRONG else 0
        total += fen
        details.append(
            {
                "jrd_id": f"{number}-{at}",
                "patn_id": visit.patn_id,
                "mdtrt_id": visit.mdtrt_id,
                "rx_id": rx_id,
                "vola_item_type": kind,
                "vola_amt": _yuan(fen),
            }
        )
    return details, total


def _owner(place: str) -> str:
    """Return the entry that a place in the request is of."""
    head, bracket, _ = place.rpartition("]")
    return head + bracket


def _yuan(fen: int) -> orjson.Fragment:
    """Return an amount as a JSON number with two decimals."""
    return orjson.Fragment(yuan_text(fen))
