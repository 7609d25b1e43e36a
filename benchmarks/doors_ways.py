"""The ways to a verdict: how a stay is said at each door, what that reads of it, where the verdict stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import httpx
from google.protobuf import json_format

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import finding_pb2, service_pb2, verdict_pb2
from casemeter_client.emr.cds import hook_call
from casemeter_client.emr.nhsa import audit_message
from casemeter_client.emr.settlement import hqms_csv, settlement_message
from casemeter_server.doors.cds.call import read_call
from casemeter_server.doors.facts import EVERYTHING, DoorFacts, read_facts
from casemeter_server.doors.nhsa.audit import read_audit
from casemeter_server.doors.nhsa.facts import FACTS as NHSA
from casemeter_server.doors.proto_reader import from_json
from casemeter_server.doors.settlement.door import facts_of
from casemeter_server.doors.settlement.lists import read_settlement
from casemeter_server.doors.settlement.pages import read_front_pages
from casemeter_server.doors.strict_json import read_json
from doors_stays import CHINA, Stay, asked_at

ZONE: Final = ZoneInfo("Asia/Shanghai")
HOSPITAL: Final = "H1"
ROLE: Final = "physician"

_WHOLE: Final = "org.casemeter.whole"
_JSON: Final = "application/json"


class Way(NamedTuple):
    """A door.

    Attributes:
        name: of the door.
        facts: what it declares to carry.
        path: of the URL.
        content_type: of the message.
        compose: writes the message about a stay, as an EMR does.
        read: reads a message as the door does.
        phase: the moment of care that the message is about, as the page of the door says.
        verdict: finds the whole verdict in a reply.
    """

    name: str
    facts: DoorFacts
    path: str
    content_type: str
    compose: Callable[[Stay], bytes]
    read: Callable[[bytes], service_pb2.EvaluateRequest]
    phase: Callable[[Stay], finding_pb2.CarePhase]
    verdict: Callable[[Any], Any]


def projected(way: Way, stay: Stay, message: bytes) -> service_pb2.EvaluateRequest:
    """Return the question that a door makes of a message about a stay, as gRPC is asked it."""
    read = way.read(message).encounter
    return asked(read, stay, way.phase(stay))


def asked(
    encounter: pb.Encounter, stay: Stay, phase: finding_pb2.CarePhase = finding_pb2.CARE_PHASE_UNSPECIFIED
) -> service_pb2.EvaluateRequest:
    """Return the question about an encounter, at the moment at which the stay is asked about."""
    request = service_pb2.EvaluateRequest(encounter=encounter, phase=phase)
    request.as_of.FromJsonString(asked_at(stay))
    return request


def headers_of(way: Way, stay: Stay) -> dict[str, str]:
    """Return the headers with which a message is sent."""
    return {
        "content-type": way.content_type,
        "casemeter-as-of": asked_at(stay),
        "casemeter-verdict": "full",
        "casemeter-hospital": HOSPITAL,
        "casemeter-role": ROLE,
    }


def verdict_in(way: Way, reply: httpx.Response) -> verdict_pb2.Verdict:
    """Return the whole verdict of a reply.

    Raises:
        ValueError: there is none in it.
    """
    try:
        told = way.verdict(reply.json())
    except (KeyError, IndexError, TypeError, ValueError):
        raise ValueError(f"{way.name}, {reply.status_code}: {reply.text[:500]}") from None
    verdict = verdict_pb2.Verdict()
    return json_format.Parse(told, verdict) if isinstance(told, str) else json_format.ParseDict(told, verdict)


def lost(stay: Stay, read: pb.Encounter) -> frozenset[str]:
    """Return facts of a stay that are not in what a door read, or not all of them."""
    known, left = facts_in(stay.encounter), facts_in(read)
    return frozenset(path for path, values in known.items() if left.get(path) != values)


def facts_in(message: Any, before: str = "") -> dict[str, tuple[Any, ...]]:
    """Return the values of every single fact, by its path; one that is not told has none.

    Of a list, an entry that lacks a fact has ``None`` there.
    """
    found: dict[str, tuple[Any, ...]] = {}
    for field, value in message.ListFields():
        path = f"{before}{field.name}"
        inner = field.message_type
        if inner is None:
            found[path] = tuple(value) if field.is_repeated else (value,)
        elif inner.full_name == "google.protobuf.Timestamp":
            found[path] = (value.seconds * 10**9 + value.nanos,)
        elif not field.is_repeated:
            # Sent empty is not the same as not sent.
            found |= facts_in(value, f"{path}.") or {path: ()}
        else:
            entries = [facts_in(one, f"{path}.") for one in value]
            for name in sorted({name for entry in entries for name in entry}):
                found[name] = tuple(entry.get(name) for entry in entries)
    return found


def _json_message(stay: Stay) -> bytes:
    return json_format.MessageToJson(service_pb2.EvaluateRequest(encounter=stay.encounter)).encode()


def _json_read(message: bytes) -> service_pb2.EvaluateRequest:
    request = from_json(service_pb2.EvaluateRequest, read_json(message))
    assert isinstance(request, service_pb2.EvaluateRequest)
    return request


def _audit(infno: str, scene: str) -> Callable[[Stay], bytes]:
    def compose(stay: Stay) -> bytes:
        return audit_message(
            stay.encounter, infno, at=stay.as_of.astimezone(CHINA) + timedelta(seconds=1), trig_scen=scene
        )

    return compose


def _audit_read(message: bytes) -> service_pb2.EvaluateRequest:
    (visit,) = read_audit(message, ZONE).visits
    assert visit.question is not None
    return visit.question.request


def _list(infno: str) -> Callable[[Stay], bytes]:
    return lambda stay: settlement_message(stay.encounter, infno)


def _list_read(message: bytes) -> service_pb2.EvaluateRequest:
    checked = read_settlement(message, ZONE)
    assert not checked.faults, checked.faults
    return checked.question.request


def _table_read(message: bytes) -> service_pb2.EvaluateRequest:
    (checked,) = read_front_pages(message, ZONE).pages
    assert not checked.faults, checked.faults
    return checked.question.request


def hook_of(stay: Stay) -> str:
    """Return the hook at which an EMR asks about a stay."""
    encounter = stay.encounter
    if any(order.placing for order in encounter.orders):
        return "order-sign" if len(encounter.orders) % 2 else "order-select"
    return "encounter-discharge" if encounter.HasField("discharge_time") else "patient-view"


_HOOKS: Final[Mapping[str, finding_pb2.CarePhase]] = {
    "order-sign": finding_pb2.CARE_PHASE_ORDER,
    "order-select": finding_pb2.CARE_PHASE_ORDER,
    "encounter-discharge": finding_pb2.CARE_PHASE_DISCHARGE,
    "patient-view": finding_pb2.CARE_PHASE_UNSPECIFIED,
}


def _cds_read(message: bytes) -> service_pb2.EvaluateRequest:
    call = read_call("casemeter", message, ZONE)
    assert call.question is not None
    return call.question.request


def _always(phase: finding_pb2.CarePhase) -> Callable[[Stay], finding_pb2.CarePhase]:
    return lambda _: phase


_ON_A_PAGE: Final = _always(finding_pb2.CARE_PHASE_FRONT_PAGE)

JSON: Final = Way(
    "JSON",
    EVERYTHING,
    "/v1/Evaluate",
    _JSON,
    _json_message,
    _json_read,
    _always(finding_pb2.CARE_PHASE_UNSPECIFIED),
    lambda reply: reply["verdict"],
)

WAYS: Final = {
    way.name: way
    for way in (
        JSON,
        Way(
            "3101",
            NHSA,
            "/nhsa/3101",
            _JSON,
            _audit("3101", "5"),
            _audit_read,
            _always(finding_pb2.CARE_PHASE_ORDER),
            lambda reply: reply["verdicts"][0],
        ),
        Way(
            "3102",
            NHSA,
            "/nhsa",
            _JSON,
            _audit("3102", ""),
            _audit_read,
            _always(finding_pb2.CARE_PHASE_DISCHARGE),
            lambda reply: reply["verdicts"][0],
        ),
        *(
            Way(
                infno,
                facts_of(infno),
                f"/settlement/{infno}",
                _JSON,
                _list(infno),
                _list_read,
                _ON_A_PAGE,
                lambda reply: reply["output"]["verdict"],
            )
            for infno in ("4101", "4101A")
        ),
        Way(
            "HQMS",
            facts_of("hqms"),
            "/front-pages",
            "text/csv",
            lambda stay: hqms_csv([stay.encounter]),
            _table_read,
            _ON_A_PAGE,
            lambda reply: reply["pages"][0]["verdict"],
        ),
        Way(
            "CDS Hooks",
            read_facts("casemeter_server.doors.cds"),
            "/cds-services/casemeter",
            _JSON,
            lambda stay: hook_call(hook_of(stay), stay.encounter)[1],
            _cds_read,
            lambda stay: _HOOKS[hook_of(stay)],
            lambda reply: reply["extension"][_WHOLE],
        ),
    )
}
"""The doors, by name. gRPC, which they are compared with, is not among them."""
