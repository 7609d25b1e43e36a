"""Open encounters for tests of the doors: the events that a stay consists of."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import living_pb2

_WITH_EVENTS = ("encounter_id", "diagnoses", "procedures", "segments", "charges", "orders", "front_page")


def events_of(encounter: pb.Encounter) -> living_pb2.RecordEventsRequest:
    """Return the request that opens an encounter as it is known; sums of charges are not kept."""
    request = living_pb2.RecordEventsRequest(encounter_id=encounter.encounter_id)
    for at, event in enumerate(_events(encounter)):
        event.event_id = f"e{at}"
        event.time.CopyFrom(encounter.admission_time)
        request.events.append(event)
    return request


def _events(encounter: pb.Encounter) -> Iterator[living_pb2.EncounterEvent]:
    facts = living_pb2.StayFacts()
    facts.values.CopyFrom(encounter)
    for name in _WITH_EVENTS:
        facts.values.ClearField(name)
    if encounter.charges.category_system:
        facts.values.charges.category_system = encounter.charges.category_system
    yield living_pb2.EncounterEvent(facts=facts)
    for at, diagnosis in enumerate(encounter.diagnoses):
        told = living_pb2.DiagnosisEvent(id=f"d{at}", diagnosis=diagnosis, position=at)
        yield living_pb2.EncounterEvent(diagnosis=told)
    for at, procedure in enumerate(encounter.procedures):
        done = living_pb2.ProcedureEvent(id=f"p{at}", procedure=procedure, position=at)
        yield living_pb2.EncounterEvent(procedure=done)
    for at, segment in enumerate(encounter.segments):
        yield living_pb2.EncounterEvent(segment=living_pb2.SegmentEvent(id=f"s{at}", segment=segment))
    for line in encounter.charges.lines:
        yield living_pb2.EncounterEvent(charge=living_pb2.ChargeEvent(id=line.id, line=line))
    for order in encounter.orders:
        yield living_pb2.EncounterEvent(order=living_pb2.OrderEvent(id=order.id, order=order))
    for field in encounter.front_page.fields:
        item = living_pb2.FrontPageEvent(name=field.name, value=field.value)
        yield living_pb2.EncounterEvent(front_page=item)
