"""Checking events: each for itself, by the checks of a whole request, so that what is kept can be evaluated.

What contradicts another event is no fault here: one that mends it may still be on its way. The verdict of
the state says so then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import living_pb2, service_pb2
from casemeter_server.care_facts import check_care_facts
from casemeter_server.charges import MAX_AMOUNT_FEN, is_day, read_charges
from casemeter_server.encounters.parts import CHARGES, FACT_NAMES, OWN_EVENTS
from casemeter_server.errors import fault, invalid
from casemeter_server.prepare import MAX_CODE, MAX_ENTRIES, MAX_ID, check_case
from casemeter_server.stay_facts import LATEST as LAST_DAY
from casemeter_server.stay_facts import Faults, seconds_of, seconds_since

MAX_EVENTS: Final = 1_000
MIN_POSITION: Final = -1_000
MAX_POSITION: Final = 1_000_000
MAX_OUTCOME_FEN: Final = 10_000_000_000_000

_END: Final = seconds_since(LAST_DAY)
"""Checked as of the last day there is, so that nothing lies after it."""

_SOURCES: Final = frozenset(living_pb2.OutcomeSource.values())

# What only the other events of the encounter can decide.
_OF_THE_WHOLE: Final = frozenset(("NO_SUCH_LINE", "NEGATIVE_SUM", "NEEDS_CHARGES"))


def check_events(request: living_pb2.RecordEventsRequest, zone: tzinfo) -> None:
    """Check a request to record events.

    Args:
        request: as sent.
        zone: the hospital's zone.

    Raises:
        RequestError: with every fault of every event, each with its place.
    """
    faults: Faults = []
    check_number(request.encounter_id, "encounter_id", faults)
    check_number(request.hospital, "hospital", faults, required=False)
    if not request.events:
        faults.append(fault("events", "REQUIRED"))
    if len(request.events) > MAX_EVENTS:
        faults.append(fault("events", "TOO_MANY", count=len(request.events), limit=MAX_EVENTS))
        raise invalid(faults)
    first: dict[str, int] = {}
    for at, event in enumerate(request.events):
        place = f"events[{at}]"
        check_number(event.event_id, f"{place}.event_id", faults)
        before = first.setdefault(event.event_id, at)
        if event.event_id and before != at and event != request.events[before]:
            other = f"events[{before}]"
            faults.append(fault(f"{place}.event_id", "TWICE", value=event.event_id[:MAX_ID], other=other))
        _check_event(event, place, zone, faults)
    if faults:
        raise invalid(faults)


def check_number(text: str, field: str, faults: Faults, *, required: bool = True) -> None:
    """Note a number that is missing or too long, or that the store could not keep."""
    if not text and required:
        faults.append(fault(field, "REQUIRED"))
    check_kept(text, field, MAX_ID, faults)


def check_kept(text: str, field: str, limit: int, faults: Faults) -> None:
    """Note a text that is too long, or that the store could not keep: PostgreSQL holds no NUL."""
    if len(text) > limit:
        faults.append(fault(field, "TOO_LONG", count=len(text), limit=limit))
    if "\0" in text:
        faults.append(fault(field, "NUL"))


def _check_event(event: living_pb2.EncounterEvent, place: str, zone: tzinfo, faults: Faults) -> None:
    if event.HasField("time"):
        seconds_of(event.time, f"{place}.time", faults)
    else:
        faults.append(fault(f"{place}.time", "REQUIRED"))
    check_number(event.corrects, f"{place}.corrects", faults, required=False)
    if event.corrects and event.corrects == event.event_id:
        faults.append(fault(f"{place}.corrects", "OF_ITSELF"))
    kind = event.WhichOneof("what")
    if kind is None:
        if not event.corrects:
            faults.append(fault(f"{place}.what", "REQUIRED"))
        return
    content = getattr(event, kind)
    own = f"{place}.{kind}"
    if kind == "facts":
        _check_facts(content, own, zone, faults)
        return
    if kind == "front_page":
        check_number(content.name, f"{own}.name", faults)
        alone = pb.Encounter()
        alone.front_page.fields.add(name=content.name or "-", value=content.value)
        _check_alone(alone, {"encounter.front_page.fields[0]": own}, zone, faults)
        return
    if kind == "closing":
        return
    if kind == "outcome":
        _check_outcome(content, own, faults)
        return
    check_number(content.id, f"{own}.id", faults)
    _check_part(kind, content, own, zone, faults)


def _check_part(
    kind: str,
    content: living_pb2.DiagnosisEvent
    | living_pb2.ProcedureEvent
    | living_pb2.OrderEvent
    | living_pb2.ChargeEvent
    | living_pb2.SegmentEvent
    | living_pb2.SettlementEvent,
    own: str,
    zone: tzinfo,
    faults: Faults,
) -> None:
    """Note what is wrong with one entry of a list."""
    alone = pb.Encounter()
    if isinstance(content, living_pb2.SettlementEvent):
        if content.HasField("settlement"):
            _check_settlement(content.settlement, f"{own}.settlement", faults)
        return
    if isinstance(content, living_pb2.DiagnosisEvent | living_pb2.ProcedureEvent):
        _check_position(content.position, f"{own}.position", faults)
    if isinstance(content, living_pb2.DiagnosisEvent):
        if content.HasField("diagnosis"):
            alone.diagnoses.append(content.diagnosis)
        places = {"encounter.diagnoses[0]": f"{own}.diagnosis"}
    elif isinstance(content, living_pb2.ProcedureEvent):
        if content.HasField("procedure"):
            alone.procedures.append(content.procedure)
        places = {"encounter.procedures[0]": f"{own}.procedure"}
    elif isinstance(content, living_pb2.SegmentEvent):
        if content.HasField("segment"):
            alone.segments.append(content.segment)
        places = {"encounter.segments[0]": f"{own}.segment"}
    elif isinstance(content, living_pb2.OrderEvent):
        if content.HasField("order"):
            alone.orders.append(content.order)
            _check_same(content.order.id, content.id, f"{own}.order.id", faults)
        places = {"encounter.orders[0]": f"{own}.order"}
    else:
        if content.HasField("line"):
            alone.charges.lines.append(content.line)
            _check_same(content.line.id, content.id, f"{own}.line.id", faults)
        places = {"encounter.charges.lines[0]": f"{own}.line"}
    _check_alone(alone, places, zone, faults)
    if kind == "charge" and alone.charges.lines and alone.charges.lines[0].reverses == content.id:
        faults.append(fault(f"{own}.line.reverses", "OF_ITSELF"))


def _check_facts(facts: living_pb2.StayFacts, own: str, zone: tzinfo, faults: Faults) -> None:
    values = facts.values
    for field, value in values.ListFields():
        if field.name == CHARGES:
            for inner, _ in value.ListFields():
                if inner.name != "category_system":
                    faults.append(fault(f"{own}.values.charges.{inner.name}", "HAS_EVENTS_OF_ITS_OWN"))
        elif field.name in OWN_EVENTS:
            faults.append(fault(f"{own}.values.{field.name}", "HAS_EVENTS_OF_ITS_OWN"))
    named = {field.name for field, _ in values.ListFields()}
    for at, name in enumerate(facts.cleared):
        if name not in FACT_NAMES:
            faults.append(fault(f"{own}.cleared[{at}]", "NO_SUCH_FACT", value=name[:MAX_ID]))
        elif name in named:
            faults.append(fault(f"{own}.cleared[{at}]", "CONTRADICTION", other=f"{own}.values.{name}"))
    if not named and not facts.cleared:
        faults.append(fault(own, "REQUIRED"))
    alone = pb.Encounter()
    alone.CopyFrom(values)
    for name in OWN_EVENTS:
        alone.ClearField(name)
    alone.charges.category_system = values.charges.category_system
    _check_alone(alone, {"encounter": f"{own}.values"}, zone, faults)


def _check_position(position: int, field: str, faults: Faults) -> None:
    if not MIN_POSITION <= position <= MAX_POSITION:
        details = {"value": position, "low": MIN_POSITION, "high": MAX_POSITION}
        faults.append(fault(field, "OUT_OF_RANGE", **details))


def _check_same(inner: str, number: str, field: str, faults: Faults) -> None:
    if inner and inner != number:
        faults.append(fault(field, "OTHER_NUMBER", value=inner[:MAX_ID], expected=number[:MAX_ID]))


def _check_settlement(settlement: living_pb2.Settlement, own: str, faults: Faults) -> None:
    days = {name: getattr(settlement, name) for name in ("from_date", "to_date")}
    wrong = [name for name, day in days.items() if not is_day(day)]
    for name in wrong:
        faults.append(fault(f"{own}.{name}", "NOT_A_DATE", value=days[name][:20]))
    if not wrong and settlement.to_date < settlement.from_date:
        faults.append(fault(f"{own}.to_date", "TIMES_OUT_OF_ORDER", other=f"{own}.from_date"))
    if not 0 <= settlement.total_fen <= MAX_AMOUNT_FEN:
        details = {"value": settlement.total_fen, "low": 0, "high": MAX_AMOUNT_FEN}
        faults.append(fault(f"{own}.total_fen", "OUT_OF_RANGE", **details))


def _check_outcome(told: living_pb2.OutcomeEvent, own: str, faults: Faults) -> None:
    if not told.source:
        faults.append(fault(f"{own}.source", "REQUIRED"))
    elif told.source not in _SOURCES:
        faults.append(fault(f"{own}.source", "UNKNOWN_VALUE", value=told.source))
    if not told.HasField("outcome"):
        return
    outcome, place = told.outcome, f"{own}.outcome"
    check_number(outcome.group, f"{place}.group", faults)
    for name in ("pack", "pack_version"):
        check_number(getattr(outcome, name), f"{place}.{name}", faults, required=False)
    for name in ("diagnoses", "procedures"):
        codes = getattr(outcome, name)
        if len(codes) > MAX_ENTRIES:
            faults.append(fault(f"{place}.{name}", "TOO_MANY", count=len(codes), limit=MAX_ENTRIES))
            continue
        for at, code in enumerate(codes):
            if not code:
                faults.append(fault(f"{place}.{name}[{at}]", "REQUIRED"))
            check_kept(code, f"{place}.{name}[{at}]", MAX_CODE, faults)
    for name in ("cost_fen", "payment_fen"):
        value = getattr(outcome, name)
        if not 0 <= value <= MAX_OUTCOME_FEN:
            details = {"value": value, "low": 0, "high": MAX_OUTCOME_FEN}
            faults.append(fault(f"{place}.{name}", "OUT_OF_RANGE", **details))


def _check_alone(encounter: pb.Encounter, places: Mapping[str, str], zone: tzinfo, faults: Faults) -> None:
    """Note what is wrong with an encounter of one part, under its place in the request."""
    found: Faults = []
    check_care_facts(service_pb2.EvaluateRequest(encounter=encounter), found)
    if encounter.HasField("charges"):
        read_charges(encounter, _END, zone, None, found)
    check_case(encounter, _END, zone, found)
    for one in found:
        if one.reason not in _OF_THE_WHOLE:
            field = _renamed(one.field, places)
            message = one.message.replace(one.field, field, 1)
            faults.append(type(one)(field=field, reason=one.reason, message=message))


def _renamed(field: str, places: Mapping[str, str]) -> str:
    for before, after in places.items():
        if field.startswith(before):
            return after + field[len(before) :]
    return field
