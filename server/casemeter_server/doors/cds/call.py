"""A call of the service: its hook, its context, and the question that it asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from uuid import UUID

from casemeter.v1 import service_pb2
from casemeter_server.doors.cds.bundle import Chart, State, entries, of_type, read_prefetch
from casemeter_server.doors.cds.charges import read_charges
from casemeter_server.doors.cds.diagnoses import read_diagnoses, read_procedures
from casemeter_server.doors.cds.orders import DRAFT_TYPES, Orders, read_orders
from casemeter_server.doors.cds.services import Hook, service
from casemeter_server.doors.cds.stay import find_stay, read_patient, read_stay
from casemeter_server.doors.cds.systems import Systems, shipped_systems
from casemeter_server.doors.cds.tree import Node, parse_json
from casemeter_server.doors.door import Question
from casemeter_server.errors import RequestError, invalid
from casemeter_server.stay_facts import Faults

MAX_UNREAD = 50
"""The most things left out that are named."""


@dataclass(frozen=True)
class CdsCall:
    """A call of the service.

    Attributes:
        hook: that was triggered.
        hook_instance: UUID of the call.
        user: ``Type/id`` of who works with the EMR.
        question: what is asked; ``None``: the call is of no stay, and there is nothing to say.
        missing: needed prefetch keys that were not sent whole.
        incomplete: other prefetch keys that were sent, but not whole; nothing of them is read.
        unread: places of what was left out, each with the reason.
        unpriced: places in the request of orders whose price is not known.
        drafts: ``Type/id`` of the drafts that are being placed, by place in the request.
    """

    hook: Hook
    hook_instance: str
    user: str
    question: Question | None
    missing: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    unpriced: frozenset[str] = frozenset()
    drafts: Mapping[str, str] = field(default_factory=dict)


def read_call(service_id: str, data: bytes, zone: tzinfo, systems: Systems | None = None) -> CdsCall:
    """Read a call.

    Args:
        service_id: of the URL.
        data: the body.
        zone: of the hospital; times without an offset are of it.
        systems: of codes; ``None``: those that come with the product.

    Raises:
        RequestError: the call cannot be read; every fault of it at once.
    """
    known = service()
    if service_id != known.id:
        raise RequestError("UNKNOWN_CDS_SERVICE", {"id": service_id[:64], "known": known.id})
    faults: Faults = []
    body = Node(parse_json(data), "", faults)
    if not isinstance(body.value, dict):
        Node(body.value if body.given else [], "the body", faults).get("hook")
        raise invalid(faults)
    hook = _hook(body, known.hooks)
    instance = _instance(body.get("hookInstance"))
    context = body.get("context")
    _check_context(context, hook)
    _check_authorization(body)
    others: dict[str, Node] = {}
    keys = read_prefetch(body.get("prefetch"), known.resources, others)
    chart = Chart(
        systems or shipped_systems(),
        context.get("patientId").text(),
        context.get("encounterId").text(),
        keys,
        others=others,
        faults=faults,
    )
    drafts = context.get("draftOrders")
    if hook and hook.drafts and drafts.given:
        chart.drafts = tuple(of_type(entries(drafts), DRAFT_TYPES, others))
    question, orders = _question(chart, hook, instance, context, zone)
    if faults or hook is None:
        raise invalid(faults)
    states = {key: prefetched.state for key, prefetched in keys.items()}
    return CdsCall(
        hook,
        instance,
        context.get("userId").text(),
        question,
        tuple(
            key
            for key in known.needed
            if states[key] is not State.WHOLE or _is_empty_stay(key, keys[key].resources)
        ),
        tuple(
            key
            for key, state in states.items()
            if key not in known.needed and state in (State.FAILED, State.PARTIAL)
        ),
        tuple(chart.unread[:MAX_UNREAD]),
        orders.unpriced,
        orders.drafts,
    )


def _is_empty_stay(key: str, resources: tuple[Node, ...]) -> bool:
    """Whether there is no Encounter: null says of it only that it is not known."""
    return key == "encounter" and not resources


def _question(
    chart: Chart, hook: Hook | None, instance: str, context: Node, zone: tzinfo
) -> tuple[Question | None, Orders]:
    encounter, is_stay = find_stay(chart)
    nothing = Orders(frozenset(), {})
    if not is_stay or not (encounter or chart.encounter):
        return None, nothing
    request = service_pb2.EvaluateRequest(call_id=instance)
    if hook:
        request.phase = hook.phase
    stay = request.encounter
    stay.encounter_id = chart.encounter
    places = {"encounter.encounter_id": "context.encounterId", "call_id": "hookInstance"}
    ids: dict[str, str] = {}
    read_patient(chart, stay, places)
    if encounter:
        read_stay(chart, encounter, zone, stay, places)
    read_diagnoses(chart, encounter, zone, stay, places, ids)
    read_procedures(chart, zone, stay, places, ids)
    orders = read_orders(chart, _selections(context, chart, hook), zone, stay, places, ids)
    read_charges(chart, encounter, zone, stay, places, ids)
    return Question(request, places, ids), orders


def _hook(body: Node, known: Mapping[str, Hook]) -> Hook | None:
    node = body.get("hook")
    found = known.get(node.text())
    if not node.text():
        node.note("REQUIRED")
    elif found is None:
        node.note("UNKNOWN_VALUE", value=repr(node.text()[:40]))
    return found


def _instance(node: Node) -> str:
    text = node.text()
    if not text:
        node.note("REQUIRED")
        return ""
    try:
        return str(UUID(text))
    except ValueError:
        node.note("NOT_A_UUID", value=text[:40])
        return ""


def _check_context(context: Node, hook: Hook | None) -> None:
    for name in hook.context if hook else ():
        member = context.get(name)
        if not member.given or member.value in ("", [], {}):
            member.note("REQUIRED")
    for name in ("userId", "patientId", "encounterId"):
        context.get(name).text()
    if hook and hook.drafts:
        drafts = context.get("draftOrders")
        kind = drafts.get("resourceType")
        if kind.given and kind.text() != "Bundle":
            kind.note("WRONG_TYPE", found=f"'{kind.text()[:40]}'", expected="Bundle")


def _check_authorization(body: Node) -> None:
    if body.get("fhirAuthorization").given and not body.get("fhirServer").text():
        body.get("fhirServer").note("REQUIRED")


def _selections(context: Node, chart: Chart, hook: Hook | None) -> frozenset[str] | None:
    """Return the drafts that are selected; ``None``: the hook selects none, all are being placed."""
    if not (hook and hook.selections):
        return None
    known = {f"{one.get('resourceType').text()}/{one.get('id').text()}" for one in chart.drafts}
    known.update(chart.others)
    found: set[str] = set()
    for node in context.get("selections").each():
        if node.text() not in known:
            node.note("NO_SUCH_RESOURCE", value=node.text()[:80], where="context.draftOrders")
        found.add(node.text())
    return frozenset(found)
