"""Patient and Encounter: who is in hospital, since when, and where."""

from __future__ import annotations

from datetime import tzinfo

from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.cds.bundle import Chart
from casemeter_server.doors.cds.fhir import (
    codings,
    extension,
    extensions,
    has_hours,
    is_partial,
    moment,
    read_extensions,
    tail,
)
from casemeter_server.doors.cds.tree import Node

Places = dict[str, str]


def read_patient(chart: Chart, stay: pb.Encounter, places: Places) -> None:
    """Read sex and date of birth."""
    for patient in chart.keys["patient"].resources[:1]:
        number = patient.get("id")
        if number.given and number.text() != chart.patient:
            number.note("CONTRADICTION", other="context.patientId")
            continue
        gender = patient.get("gender")
        stay.sex = chart.systems.gender.get(gender.text(), pb.SEX_UNSPECIFIED)
        places["encounter.sex"] = gender.place
        born = patient.get("birthDate")
        if born.text() and not is_partial(born.text()):
            stay.birth_date = born.text()
        places["encounter.birth_date"] = born.place


def find_stay(chart: Chart) -> tuple[Node | None, bool]:
    """Return the Encounter of the call, and whether it is an inpatient stay as far as is known."""
    found = chart.keys["encounter"].resources
    if not found:
        return None, True
    number = found[0].get("id")
    if number.given and chart.encounter and number.text() != chart.encounter:
        number.note("CONTRADICTION", other="context.encounterId")
        return None, True
    chart.encounter = chart.encounter or number.text()
    if not chart.counts(found[0]):
        return None, False
    kind = found[0].at("class", "code").text()
    return found[0], not kind or kind in chart.systems.inpatient


def read_stay(chart: Chart, encounter: Node, zone: tzinfo, stay: pb.Encounter, places: Places) -> None:
    """Read times, way of leaving, places, and what extensions say of the stay."""
    for name, at, end in (("admission_time", "start", False), ("discharge_time", "end", True)):
        node = encounter.at("period", at)
        time = moment(node, zone, end=end)
        if time is not None:
            getattr(stay, name).CopyFrom(time)
        places[f"encounter.{name}"] = node.place
    disposition = encounter.at("hospitalization", "dischargeDisposition")
    for coding in codings(disposition):
        way = chart.systems.disposition.get(coding.code)
        if way is not None:
            stay.discharge_way = way
            places["encounter.discharge_way"] = coding.place
            break
    else:
        if disposition.given:
            chart.leave_out(disposition, "code_system")
    for fact, place in read_extensions(extensions(encounter), chart.systems.extensions["Encounter"], stay):
        places[f"encounter.{fact}"] = place
    _read_places(chart, encounter, zone, stay, places)


def _read_places(chart: Chart, encounter: Node, zone: tzinfo, stay: pb.Encounter, places: Places) -> None:
    """Read the departments. A time that is told to the day only says nothing of hours in intensive care."""
    statuses = chart.systems.status["location"]
    listed = [
        one
        for one in encounter.get("location").each()
        if not one.get("status").given or one.get("status").text() in statuses
    ]
    told = [one for one in listed if has_hours(one.at("period", "start"))]
    ends = [one.at("period", "end") for one in listed]
    if len(told) < len(listed) or any(end.given and not has_hours(end) for end in ends):
        chart.leave_out(encounter.get("location"), "days_only")
        return
    found: list[tuple[pb.Segment, Node]] = []
    for one in listed:
        start, end = (moment(one.at("period", name), zone) for name in ("start", "end"))
        segment = pb.Segment(department=_department(one), intensive_care=_is_intensive(chart, encounter, one))
        if start is not None:
            segment.start_time.CopyFrom(start)
        if end is not None:
            segment.end_time.CopyFrom(end)
        found.append((segment, one))
    found.sort(key=lambda one: (one[0].start_time.seconds, one[0].start_time.nanos))
    for at, (segment, node) in enumerate(found):
        stay.segments.append(segment)
        place = f"encounter.segments[{at}]"
        places[place] = node.place
        places[f"{place}.start_time"] = f"{node.place}.period.start"
        places[f"{place}.end_time"] = f"{node.place}.period.end"
        places[f"{place}.department"] = f"{node.place}.location"
    if not found and encounter.get("serviceType").given:
        _read_service(encounter, stay, places)


def _read_service(encounter: Node, stay: pb.Encounter, places: Places) -> None:
    """Read the department of a stay without places; not where that would deny intensive care unasked."""
    department = next(iter(codings(encounter.get("serviceType"))), None)
    if department and stay.HasField("icu_hours") and stay.HasField("admission_time"):
        stay.segments.add(department=department.code, start_time=stay.admission_time)
        places["encounter.segments[0]"] = f"{encounter.place}.serviceType"
        places["encounter.segments[0].department"] = department.place


def _department(entry: Node) -> str:
    location = entry.get("location")
    return location.at("identifier", "value").text() or tail(location.get("reference").text())


def _is_intensive(chart: Chart, encounter: Node, entry: Node) -> bool:
    told = extension(entry, chart.systems.url("intensive-care")).flag()
    if told is not None:
        return told
    location = chart.resolve(encounter, entry.get("location"))
    concepts = (entry.get("physicalType"), location.get("physicalType"), *location.get("type").each())
    return any(
        coding.code in chart.systems.intensive_care for concept in concepts for coding in codings(concept)
    )
