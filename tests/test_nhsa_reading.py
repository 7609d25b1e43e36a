"""Reading 3101 and 3102: every shape that callers send, what a message can carry, and what cannot be used."""

from __future__ import annotations

import tomllib
from datetime import datetime
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given, settings

from casemeter.v1 import finding_pb2
from casemeter.v1.encounter_pb2 import Encounter, Procedure
from casemeter_client.emr.nhsa import CHINA, audit_message
from casemeter_server.doors.facts import every_path
from casemeter_server.doors.nhsa.audit import AuditMessage, Visit, read_audit
from casemeter_server.doors.nhsa.facts import FACTS, FIELDS, carried
from casemeter_server.errors import RequestError
from nhsa_messages import DATA, ZONE, base_encounter, base_message, edited, written
from nhsa_strategies import encounters

DIMENSIONS = tomllib.loads((DATA / "nhsa_shapes.toml").read_text("utf-8"))["dimension"]
CASES = tomllib.loads((DATA / "nhsa_reading.toml").read_text("utf-8"))
NOW = datetime(2026, 6, 5, 12, tzinfo=CHINA)
VISIT = "input.data.patient_dtos.fsi_encounter_dtos"


def read(message: dict[str, Any], encoding: str = "utf-8") -> AuditMessage:
    return read_audit(written(message, encoding), ZONE)


def only_visit(message: AuditMessage) -> Visit:
    (visit,) = message.visits
    return visit


def asked(visit: Visit) -> Encounter:
    assert visit.question is not None
    return visit.question.request.encounter


def test_the_message_says_what_stands_in_it() -> None:
    message = read(base_message())
    visit = only_visit(message)
    assert asked(visit) == base_encounter()
    assert visit.question is not None
    request = visit.question.request
    assert request.phase == message.phase == finding_pb2.CARE_PHASE_ORDER
    assert request.call_id == "H33010000001202606051200000001"
    assert request.as_of.seconds == NOW.timestamp()
    assert (visit.patn_id, visit.mdtrt_id, message.task_id) == ("P-77", "Z-1", "t1")
    envelope = message.envelope
    assert (envelope.infno, envelope.fixmedins_code, envelope.opter) == ("3101", "H33010000001", "D1")
    assert envelope.admdvs == "330100"
    assert not visit.total_differs


@pytest.mark.parametrize(
    ("one", "other"), list(combinations(DIMENSIONS, 2)), ids=lambda dimension: str(dimension["name"])
)
def test_every_pair_of_shapes_says_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    for shapes in product(one["shape"], other["shape"]):
        edits = [edit for shape in shapes for edit in shape.get("edits", ())]
        (encoding,) = {shape.get("encoding", "utf-8") for shape in shapes} - {"utf-8"} or {"utf-8"}
        message = read(edited(base_message(), edits), encoding)
        names = [shape["name"] for shape in shapes]
        assert asked(only_visit(message)) == base_encounter(), names
        assert message.phase == finding_pb2.CARE_PHASE_ORDER, names


def test_the_table_of_shapes_is_one() -> None:
    """A shape that changes nothing would try nothing."""
    plain = written(base_message())
    for dimension in DIMENSIONS:
        first, *others = dimension["shape"]
        assert first.keys() == {"name"}
        for shape in others:
            sent = written(edited(base_message(), shape.get("edits", ())), shape.get("encoding", "utf-8"))
            assert sent != plain, (dimension["name"], shape["name"])


@pytest.mark.parametrize("case", CASES["scene"], ids=lambda case: str(case["name"]))
def test_scenes(case: dict[str, Any]) -> None:
    values = {"infno": case.get("infno", "3101")}
    edits = [{"at": name, "value": value} for name, value in values.items()]
    for at, name in (("input.data.trig_scen", "trig_scen"), (f"{VISIT}.med_mdtrt_type", "med_mdtrt_type")):
        edits.append({"at": at, "value": case[name]} if name in case else {"at": at, "absent": True})
    edits.append({"at": f"{VISIT}.med_type", "value": case.get("med_type", "")})
    message = read(edited(base_message(), edits))
    visit = only_visit(message)
    if case["is"] == "outpatient":
        assert visit.question is None
    else:
        assert visit.question is not None
        phase = finding_pb2.CarePhase.Name(visit.question.request.phase)
        assert phase.removeprefix("CARE_PHASE_").lower() == case["is"]
    assert message.at_discharge == case.get("at_discharge", False)


@pytest.mark.parametrize("case", CASES["diagnoses"], ids=lambda case: str(case["name"]))
def test_diagnoses(case: dict[str, Any]) -> None:
    edits = [
        {"at": f"{VISIT}.fsi_diagnose_dtos", "value": case["rows"]},
        {"at": f"{VISIT}.dscg_main_dise_codg", "value": case.get("main", "")},
        {"at": f"{VISIT}.dscg_main_dise_name", "value": case.get("main", "")},
    ]
    visit = only_visit(read(edited(base_message(), edits)))
    found = [f"{one.code} {one.phase}" for one in asked(visit).diagnoses]
    assert found == case["read"]
    assert visit.question is not None
    for at, place in enumerate(case.get("places", ())):
        assert visit.question.place(f"encounter.diagnoses[{at}].code").endswith(place)


@pytest.mark.parametrize("case", CASES["orders"], ids=lambda case: str(case["name"]))
def test_orders(case: dict[str, Any]) -> None:
    """What is read of one order that was placed before, beside those of the message."""
    row = {"rx_id": "r9", "curr_drord_flag": "0", "sumamt": "10.00", **case.get("row", {})}
    rows = [
        *base_message()["input"]["data"]["patient_dtos"][0]["fsi_encounter_dtos"][0]["fsi_order_dtos"],
        row,
    ]
    edits = [
        {"at": f"{VISIT}.fsi_order_dtos", "value": rows},
        {"at": f"{VISIT}.medfee_sumamt", "value": case.get("total", "335.00")},
        *case.get("edits", ()),
    ]
    visit = only_visit(read(edited(base_message(), edits)))
    line = asked(visit).charges.lines[-1]
    for name, value in case.get("read", {}).items():
        assert getattr(line, name) == value, name
    for name in case.get("unknown", ()):
        assert name not in {field.name for field, _ in line.ListFields()}
    assert visit.total_differs == case.get("total_differs", False)
    assert asked(visit).charges.HasField("total_fen") == case.get("has_total", not visit.total_differs)


@pytest.mark.parametrize("case", CASES["stay"], ids=lambda case: str(case["name"]))
def test_stays(case: dict[str, Any]) -> None:
    sent = written(edited(base_message(), case["edits"]))
    encounter = asked(only_visit(read_audit(sent, ZONE, levels={"05": 2})))
    for name, value in case.get("read", {}).items():
        found: Any = encounter
        for part in name.split("."):
            found = getattr(found, part)
        told = found.ToJsonString() if hasattr(found, "ToJsonString") else found
        assert told == value, name
    for name in case.get("unknown", ()):
        assert name not in {field.name for field, _ in encounter.ListFields()}
    if "procedures" in case:
        told = [f"{one.code} {_moment(one)}" for one in encounter.procedures]
        assert told == case["procedures"]


def _moment(procedure: Procedure) -> str:
    return procedure.start_time.ToJsonString() if procedure.HasField("start_time") else ""


@pytest.mark.parametrize("case", CASES["fault"], ids=lambda case: str(case["name"]))
def test_faults(case: dict[str, Any]) -> None:
    data = case["bytes"].encode("latin-1") if "bytes" in case else None
    with pytest.raises(RequestError) as caught:
        read_audit(data or written(edited(base_message(), case.get("edits", ()))), ZONE)
    error = caught.value.error
    assert error.reason == case.get("reason", "INVALID_REQUEST")
    assert [f"{fault.field} {fault.reason}" for fault in error.faults] == case.get("faults", [])
    for fault in error.faults:
        assert fault.message.startswith(fault.field)


def test_all_visits_are_asked_about_unless_one_is_the_current() -> None:
    base = base_message()
    patient = base["input"]["data"]["patient_dtos"][0]
    (visit,) = patient["fsi_encounter_dtos"]
    other = {**visit, "mdtrt_id": "Z-0"}
    patient["fsi_encounter_dtos"] = [other, visit]
    assert [one.mdtrt_id for one in read(base).visits] == ["Z-1"]
    patient["curr_mdtrt_id"] = "Z-9"
    assert [one.mdtrt_id for one in read(base).visits] == ["Z-0", "Z-1"]
    base["input"]["data"]["patient_dtos"].append({**patient, "patn_id": "P-78", "curr_mdtrt_id": ""})
    assert [one.patn_id for one in read(base).visits] == ["P-77", "P-77", "P-78", "P-78"]


def test_a_visit_without_a_number_is_the_current_one() -> None:
    visit = only_visit(read(edited(base_message(), [{"at": f"{VISIT}.mdtrt_id", "value": ""}])))
    assert visit.mdtrt_id == asked(visit).encounter_id == "Z-1"


def test_a_message_has_at_most_so_many_visits() -> None:
    base = base_message()
    base["input"]["data"]["patient_dtos"] *= 101
    with pytest.raises(RequestError) as caught:
        read(base)
    assert [(fault.field, fault.reason) for fault in caught.value.error.faults] == [
        ("input.data.patient_dtos", "TOO_MANY")
    ]


PLACES = {
    "encounter": "input.data.patient_dtos[0].fsi_encounter_dtos[0]",
    "encounter.sex": "input.data.patient_dtos[0].gend",
    "encounter.admission_time": "input.data.patient_dtos[0].fsi_encounter_dtos[0].adm_date",
    "encounter.charges.lines[1].amount_fen": (
        "input.data.patient_dtos[0].fsi_encounter_dtos[0].fsi_order_dtos[1].sumamt"
    ),
    "encounter.orders[0].quantity": "input.data.patient_dtos[0].fsi_encounter_dtos[0].fsi_order_dtos[2].cnt",
    "encounter.orders[0]": "input.data.patient_dtos[0].fsi_encounter_dtos[0].fsi_order_dtos[2]",
    "encounter.diagnoses[0].code": (
        "input.data.patient_dtos[0].fsi_encounter_dtos[0].fsi_diagnose_dtos[1].dise_codg"
    ),
    "encounter.charges.total_fen": "input.data.patient_dtos[0].fsi_encounter_dtos[0].medfee_sumamt",
    "as_of": "inf_time",
    "call_id": "msgid",
}


@pytest.mark.parametrize("place", PLACES)
def test_places_of_the_request_are_those_of_the_message(place: str) -> None:
    question = only_visit(read(base_message())).question
    assert question is not None
    assert question.place(place) == PLACES[place]


def test_numbers_of_the_sender_are_kept() -> None:
    question = only_visit(read(base_message())).question
    assert question is not None
    assert question.ids == {
        "encounter.diagnoses[0]": "d1",
        "encounter.diagnoses[1]": "d2",
        "encounter.charges.lines[0]": "r1",
        "encounter.charges.lines[1]": "r2",
        "encounter.orders[0]": "r3",
    }


@settings(max_examples=200, deadline=None)
@given(encounters)
def test_what_is_declared_is_carried(encounter: Encounter) -> None:
    """Composed by the client and read by the server, an encounter is what the declared facts leave of it."""
    message = read_audit(audit_message(encounter, "3101", at=NOW, trig_scen="5"), ZONE)
    assert asked(only_visit(message)) == carried(encounter)


@settings(max_examples=100, deadline=None)
@given(encounters)
def test_what_is_carried_stays_as_it_is(encounter: Encounter) -> None:
    assert carried(carried(encounter)) == carried(encounter)
    assert not {path for path in every_path() if not FACTS.carries(path)} & set(paths_of(carried(encounter)))


def paths_of(message: Any, before: str = "") -> list[str]:
    found = []
    for field, value in message.ListFields():
        inner = field.message_type
        if inner is None or inner.full_name.startswith("google.protobuf."):
            found.append(before + field.name)
        else:
            for one in value if field.is_repeated else (value,):
                found += paths_of(one, f"{before}{field.name}.")
    return found


def test_every_declared_fact_is_a_place_of_the_contract() -> None:
    assert set(FIELDS) <= set(every_path())
