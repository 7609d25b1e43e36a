"""Conditions and Procedures: what the patient has and what was done, in the order in which they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final, NamedTuple

from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.cds.bundle import Chart, State
from casemeter_server.doors.cds.editions import Coded
from casemeter_server.doors.cds.fhir import (
    codings,
    extension,
    extensions,
    moment,
    name_of,
    read_extensions,
    tail,
)
from casemeter_server.doors.cds.tree import Node
from casemeter_server.stay_facts import Faults

_ERROR: Final = "entered-in-error"
_PROBLEM: Final = "problem-list-item"
_LAST_RANK: Final = Decimal(2**31)


class _Listed(NamedTuple):
    """A condition, and the role that the Encounter gives it."""

    condition: Node
    phase: pb.DiagnosisPhase
    rank: Decimal
    role: str


def read_diagnoses(
    chart: Chart,
    encounter: Node | None,
    zone: tzinfo,
    stay: pb.Encounter,
    places: dict[str, str],
    ids: dict[str, str],
) -> None:
    """Read the diagnoses: those that the Encounter names by their rank, then the others as they came."""
    places["encounter.diagnoses"] = "prefetch.conditions"
    conditions = [
        one for one in chart.of_stay("conditions") if _code(one.get("verificationStatus")) != _ERROR
    ]
    listed = _named(encounter, conditions, chart) if encounter else []
    named = {id(one.condition.value) for one in listed}
    listed += [
        _Listed(one, pb.DIAGNOSIS_PHASE_UNSPECIFIED, _LAST_RANK, "")
        for one in conditions
        if id(one.value) not in named and _is_of_stay(chart, one, zone, stay)
    ]
    coded = _coded(chart, [one.condition for one in listed], chart.systems.diagnosis, chart.faults)
    stay.diagnosis_edition = coded.edition
    for at, one in enumerate(listed):
        condition, place = one.condition, f"encounter.diagnoses[{at}]"
        diagnosis = stay.diagnoses.add(code=coded.codes[at], phase=one.phase)
        places[place] = condition.place
        _place_of_code(coded, at, place, condition, places)
        verification = condition.get("verificationStatus")
        state = chart.systems.verification.get(_code(verification), pb.DIAGNOSIS_STATE_UNSPECIFIED)
        if verification.given and not state:
            # How sure it is cannot be read: it must not count as confirmed.
            state = pb.DIAGNOSIS_STATE_SUSPECTED
            chart.leave_out(verification, "code_system")
        diagnosis.state = state
        diagnosis.name = name_of(condition.get("code"), coded.chosen[at])
        for fact, read_at in read_extensions(
            extensions(condition), chart.systems.extensions["Condition"], diagnosis
        ):
            places[f"{place}.{fact}"] = read_at
        _number(ids, place, condition)


def read_procedures(
    chart: Chart, zone: tzinfo, stay: pb.Encounter, places: dict[str, str], ids: dict[str, str]
) -> None:
    """Read the procedures, done and planned: those that tell their rank by it, then the others."""
    url = chart.systems.url("procedure-rank")
    listed = sorted(chart.of_stay("procedures"), key=lambda one: _rank(extension(one, url)))
    coded = _coded(chart, listed, chart.systems.procedure, chart.faults)
    stay.procedure_edition = coded.edition
    for owner in ("procedures", "planned_procedures"):
        places[f"encounter.{owner}"] = "prefetch.procedures"
    for at, one in enumerate(listed):
        is_planned = one.get("status").text() in chart.systems.status["to_come"]
        owner = "planned_procedures" if is_planned else "procedures"
        entries = getattr(stay, owner)
        place = f"encounter.{owner}[{len(entries)}]"
        procedure = entries.add(code=coded.codes[at], name=name_of(one.get("code"), coded.chosen[at]))
        places[place] = one.place
        _place_of_code(coded, at, place, one, places)
        day = one.get("performedDateTime")
        start = day if day.given else one.at("performedPeriod", "start")
        end = one.at("performedPeriod", "end")
        for field, node, ends in (("start_time", start, False), ("end_time", end, True)):
            time = moment(node, zone, end=ends)
            if time is not None:
                getattr(procedure, field).CopyFrom(time)
            places[f"{place}.{field}"] = node.place
        _number(ids, place, one)


def _coded(
    chart: Chart, resources: Sequence[Node], systems: Mapping[str, Sequence[str]], faults: Faults
) -> Coded:
    coded = Coded([codings(one.get("code")) for one in resources], systems, faults)
    for at in coded.unknown:
        chart.leave_out(resources[at].get("code"), "code_system")
    return coded


def _place_of_code(coded: Coded, at: int, place: str, resource: Node, places: dict[str, str]) -> None:
    chosen = coded.chosen[at]
    places[f"{place}.code"] = chosen.place if chosen else f"{resource.place}.code"
    places[f"{place}.name"] = f"{resource.place}.code"


def _named(encounter: Node, conditions: Sequence[Node], chart: Chart) -> list[_Listed]:
    """Return the conditions that the Encounter names. The places of each role are filled by rank."""
    by_id = {one.get("id").text(): one for one in conditions}
    listed: list[_Listed] = []
    for entry in encounter.get("diagnosis").each():
        reference = entry.at("condition", "reference")
        if reference.text().rpartition("/")[0].endswith("Procedure"):
            continue
        condition = by_id.get(tail(reference.text()))
        if condition is None:
            if chart.keys["conditions"].state is State.WHOLE and not _was_left_out(chart, reference.text()):
                reference.note("NO_SUCH_RESOURCE", value=reference.text()[:80], where="prefetch.conditions")
            continue
        role = _code(entry.get("use"))
        listed.append(
            _Listed(
                condition,
                chart.systems.use.get(role, pb.DIAGNOSIS_PHASE_UNSPECIFIED),
                _rank(entry.get("rank")),
                role,
            )
        )
    roles = {one.role for one in listed}
    ordered = {
        role: sorted((one for one in listed if one.role == role), key=lambda one: one.rank) for role in roles
    }
    return [ordered[one.role].pop(0) for one in listed]


def _was_left_out(chart: Chart, reference: str) -> bool:
    """Whether a condition was sent, and left out for what it says of itself."""
    sent = (one.get("id").text() for one in chart.keys["conditions"].resources)
    return tail(reference) in sent


def _is_of_stay(chart: Chart, condition: Node, zone: tzinfo, stay: pb.Encounter) -> bool:
    """Whether a condition that the Encounter does not name is a diagnosis of the stay."""
    kinds = {coding.code for concept in condition.get("category").each() for coding in codings(concept)}
    if kinds == {_PROBLEM}:
        chart.leave_out(condition, "problem_list")
        return False
    ended = condition.get("abatementDateTime")
    over = moment(ended if ended.given else condition.at("abatementPeriod", "end"), zone, end=True)
    if over is not None:
        if stay.HasField("admission_time") and over.seconds < stay.admission_time.seconds:
            chart.leave_out(condition, "over")
            return False
        return True
    if _code(condition.get("clinicalStatus")) in chart.systems.status["over"]:
        chart.leave_out(condition, "over")
        return False
    return True


def _code(concept: Node) -> str:
    return next((coding.code for coding in codings(concept)), "")


def _rank(node: Node) -> Decimal:
    number = node.number()
    return _LAST_RANK if number is None else number


def _number(ids: dict[str, str], place: str, resource: Node) -> None:
    number = resource.get("id").text()
    if number:
        ids[place] = f"{resource.get('resourceType').text()}/{number}"
