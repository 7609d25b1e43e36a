"""Calls of CDS Hooks: what is read of them, what is refused, and that nothing is lost on the way."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter.v1 import encounter_pb2 as pb
from casemeter_client.emr.cds import feedback, hook_call
from casemeter_server.doors.cds.call import read_call
from casemeter_server.doors.cds.feedback import read_feedback
from casemeter_server.doors.cds.outcome import refuse
from casemeter_server.doors.cds.services import service
from casemeter_server.doors.facts import project, read_facts
from casemeter_server.errors import RequestError
from cds_strategies import encounters

DATA = Path(__file__).parent / "data"
CASES = tomllib.loads((DATA / "cds_calls.toml").read_text("utf-8"))["case"]
ZONE = ZoneInfo("Asia/Shanghai")
FACTS = read_facts("casemeter_server.doors.cds")
INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
ADMITTED = "2026-06-01T08:00:00+08:00"
Json = dict[str, Any]


def body_of(case: Json) -> Json:
    """The call of a case."""
    context = {"userId": "Practitioner/1", "patientId": "1", "encounterId": "E1", **case.get("context", {})}
    prefetch: Json = {
        "encounter": {"resourceType": "Encounter", "id": "E1", "period": {"start": ADMITTED}},
        "conditions": None,
        "procedures": None,
        **case.get("prefetch", {}),
    }
    types = service().resources
    return {
        "hook": case.get("hook", "patient-view"),
        "hookInstance": case.get("instance", INSTANCE),
        "context": {name: value for name, value in context.items() if value != "-"},
        "prefetch": {key: sent(value, types[key]) for key, value in prefetch.items() if value != "-"},
    }


def sent(value: Any, kind: str) -> Any:
    if value == "null":
        return None
    if not isinstance(value, list):
        return value
    common = (
        {"resourceType": kind}
        if kind == "Patient"
        else {"resourceType": kind, "subject": {"reference": "Patient/1"}}
    )
    resources = [{"id": f"c{at}", **common, **one} for at, one in enumerate(value, 1)]
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_calls(case: Json) -> None:
    data = json.dumps(body_of(case)).encode()
    if "faults" in case:
        with pytest.raises(RequestError) as refused:
            read_call("casemeter", data, ZONE)
        assert [f"{one.field} {one.reason}" for one in refused.value.error.faults] == case["faults"]
        return
    call = read_call("casemeter", data, ZONE)
    assert (call.question is None) == case.get("nothing", False)
    if call.question:
        stay = case.get("stay", {})
        expected = {"encounterId": "E1", "admissionTime": ADMITTED, **stay}
        expected = {name: value for name, value in expected.items() if value != "-"}
        assert call.question.request.encounter == json_format.ParseDict(expected, pb.Encounter())
        assert call.question.request.call_id == INSTANCE
    assert list(call.missing) == case.get("missing", [])
    assert list(call.incomplete) == case.get("incomplete", [])
    assert sorted(" ".join(one) for one in call.unread) == sorted(case.get("left_out", []))
    assert sorted(call.unpriced) == case.get("unpriced", [])
    assert call.drafts == case.get("placing", {})


def test_places_and_numbers_are_those_of_the_message() -> None:
    case = next(case for case in CASES if case["name"].startswith("what is signed"))
    question = read_call("casemeter", json.dumps(body_of(case)).encode(), ZONE).question
    assert question
    draft = "context.draftOrders.entry[0].resource"
    assert question.place("encounter.orders[1].quantity") == f"{draft}.dispenseRequest.quantity.value"
    assert question.place("encounter.orders[1]") == draft
    assert question.id("encounter.orders[1].item") == "MedicationRequest/m1"
    assert question.place("encounter.admission_time") == "prefetch.encounter.period.start"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "NOT_JSON"),
        (b'{"hook": NaN}', "NOT_JSON"),
        (b'{"a": "\\ud800"}', "NOT_JSON"),
        (b"[" * 5000, "NOT_JSON"),
        (b"1" * 5000, "NOT_JSON"),
        (b"\xff", "NOT_JSON"),
        (b"[]", "INVALID_REQUEST"),
        (b"null", "INVALID_REQUEST"),
        (b"{}", "INVALID_REQUEST"),
    ],
)
def test_what_is_no_call(data: bytes, reason: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_call("casemeter", data, ZONE)
    assert refused.value.error.reason == reason
    with pytest.raises(RequestError) as refused:
        read_feedback(data)
    assert refused.value.error.reason == reason


def test_another_service() -> None:
    with pytest.raises(RequestError, match="there is: casemeter"):
        read_call("other", b"{}", ZONE)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(encounters(), st.sampled_from(["patient-view", "encounter-discharge"]))
def test_what_is_composed_is_read(encounter: pb.Encounter, hook: str) -> None:
    assert project(encounter, FACTS) == encounter
    call = read_call(*hook_call(hook, encounter), ZONE)
    assert call.question
    assert call.question.request.encounter == encounter
    assert (call.missing, call.incomplete, call.unread, call.unpriced) == ((), (), (), frozenset())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(encounters(placing=True), st.sampled_from(["order-select", "order-sign"]))
def test_orders_that_are_placed(encounter: pb.Encounter, hook: str) -> None:
    placing = {
        f"encounter.orders[{at}]": f"ServiceRequest/{order.id}"
        for at, order in enumerate(encounter.orders)
        if order.placing
    }
    if hook == "order-select" and not placing:
        return
    call = read_call(*hook_call(hook, encounter), ZONE)
    assert call.question
    assert call.question.request.encounter == encounter
    assert call.drafts == placing


NO_ORDER = pb.Encounter(encounter_id="E1", orders=[{"placing": True, "amount_fen": 1}])


@pytest.mark.parametrize("hook", ["patient-view", "encounter-discharge", "order-select"])
def test_what_a_hook_cannot_say_is_not_composed(hook: str) -> None:
    with pytest.raises(ValueError, match="order"):
        hook_call(hook, NO_ORDER)


ODD: tuple[Any, ...] = (
    None,
    "",
    0,
    -1,
    1e300,
    True,
    [],
    {},
    "x",
    [None],
    ["x"],
    {"coding": "x"},
    "2026-06-01",
    "Patient/2",
)


def mutated(value: Any, chance: random.Random) -> Any:
    """A value with something wrong in it, somewhere."""
    if isinstance(value, dict) and value and chance.random() < 0.95:
        name = chance.choice(list(value))
        if chance.random() < 0.1:
            return {key: one for key, one in value.items() if key != name}
        return {**value, name: mutated(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.95:
        at = chance.randrange(len(value))
        return [*value[:at], mutated(value[at], chance), *value[at + 1 :]]
    return chance.choice(ODD)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CASES), st.integers(0, 2**32), st.integers(1, 4))
def test_mutated_calls_are_read_or_refused(case: Json, seed: int, times: int) -> None:
    chance = random.Random(seed)
    body: Any = body_of(case)
    for _ in range(times):
        body = mutated(body, chance)
    try:
        call = read_call("casemeter", json.dumps(body).encode(), ZONE)
    except RequestError:
        return
    assert call.hook.name == body["hook"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_refused(data: bytes) -> None:
    for read in (lambda: read_call("casemeter", data, ZONE), lambda: read_feedback(data)):
        with pytest.raises(RequestError):
            read()


def test_feedback_is_read() -> None:
    reason = {"system": "http://casemeter.org/fhir/CodeSystem/override-reason", "code": "clinical_need"}
    (taken,) = read_feedback(feedback("c1", accepted=["s1"]))
    (overridden,) = read_feedback(feedback("c2", reason=reason, comment="会诊意见"))
    (unsaid,) = read_feedback(feedback("c3"))
    told = [(one.id, one.answer, one.reason, one.text, one.place) for one in (taken, overridden, unsaid)]
    assert told == [
        ("c1", 1, "", "", "feedback[0].card"),
        ("c2", 2, "clinical_need", "会诊意见", "feedback[0].card"),
        ("c3", 2, "", "", "feedback[0].card"),
    ]
    assert taken.at
    assert taken.at.tzinfo


@pytest.mark.parametrize(
    ("entry", "faults"),
    [
        ({}, ["card REQUIRED", "outcome REQUIRED", "outcomeTimestamp REQUIRED"]),
        ({"outcome": "ignored"}, ["outcome UNKNOWN_VALUE"]),
        ({"outcome": "accepted"}, ["acceptedSuggestions REQUIRED"]),
        ({"outcome": "accepted", "acceptedSuggestions": [{}]}, ["acceptedSuggestions[0].id REQUIRED"]),
        ({"overrideReason": {}}, ["overrideReason REQUIRED"]),
        (
            {"overrideReason": {"reason": {"system": "http://x.example", "code": "a"}}},
            ["overrideReason.reason.system UNKNOWN_VALUE"],
        ),
        ({"outcomeTimestamp": "yesterday", "card": 7}, ["card WRONG_TYPE", "outcomeTimestamp NOT_A_MOMENT"]),
    ],
)
def test_feedback_is_refused(entry: Json, faults: list[str]) -> None:
    sound = {"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-06-05T04:00:00Z"}
    body = {"feedback": [sound, {**sound, **entry} if entry else {"x": 1}]}
    with pytest.raises(RequestError) as refused:
        read_feedback(json.dumps(body).encode())
    told = [f"{one.field} {one.reason}" for one in refused.value.error.faults]
    assert told == [f"feedback[1].{fault}" for fault in faults]


def test_a_service_that_is_not_there_is_named() -> None:
    with pytest.raises(RequestError) as refused:
        read_call("case-meter", json.dumps(body_of({})).encode(), ZONE)
    assert refused.value.error.reason == "UNKNOWN_CDS_SERVICE"
    assert "case-meter" in str(refused.value)


def test_what_is_missing_is_a_status_of_its_own() -> None:
    assert refuse(RequestError("MISSING_PREFETCH", {"keys": "conditions"})).status_code == 412
