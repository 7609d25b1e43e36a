"""Open encounters, over a socket: events are kept, watched and answered."""

from __future__ import annotations

import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter.v1 import finding_pb2, living_pb2, service_pb2
from casemeter_client._errors import from_rpc
from casemeter_grouper.pack.build import build_cached
from casemeter_grouper.pack.shipped import find_pack
from casemeter_server.encounters.changes import tell_changes
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store
from event_strategies import histories
from live import SERVICE, live

DATA = Path(__file__).parent / "data"
AS_OF = "2026-06-30T00:00:00Z"


def event(number: str, time: str = "2026-06-01T08:00:00Z", **what: Any) -> living_pb2.EncounterEvent:
    return json_format.ParseDict({"eventId": number, "time": time, **what}, living_pb2.EncounterEvent())


def diagnosis(number: str, name: str, code: str, **further: Any) -> living_pb2.EncounterEvent:
    return event(number, diagnosis={"id": name, "diagnosis": {"code": code}}, **further)


class Encounter:
    """One encounter of a server."""

    def __init__(self, channel: grpc.Channel, number: str, hospital: str = "H1") -> None:
        self.channel, self.number, self.hospital = channel, number, hospital

    def call(self, method: str, request: Any, reply: Any, role: str = "emr", hospital: str = "") -> Any:
        call = self.channel.unary_unary(SERVICE + method, type(request).SerializeToString, reply.FromString)
        metadata = (("casemeter-hospital", hospital or self.hospital), ("casemeter-role", role))
        return call(request, metadata=metadata, timeout=20)

    def record(self, *events: living_pb2.EncounterEvent, **further: Any) -> living_pb2.RecordEventsResponse:
        request = living_pb2.RecordEventsRequest(encounter_id=self.number, events=events, **further)
        found: living_pb2.RecordEventsResponse = self.call(
            "RecordEvents", request, living_pb2.RecordEventsResponse
        )
        return found

    def read(self, **further: Any) -> living_pb2.EncounterState:
        request = living_pb2.ReadEncounterRequest(encounter_id=self.number)
        found: living_pb2.EncounterState = self.call(
            "ReadEncounter", request, living_pb2.EncounterState, **further
        )
        return found

    def watch(self, role: str = "physician", **further: Any) -> Any:
        call = self.channel.unary_stream(
            f"{SERVICE}WatchEncounter",
            living_pb2.WatchEncounterRequest.SerializeToString,
            living_pb2.EncounterChange.FromString,
        )
        request = living_pb2.WatchEncounterRequest(encounter_id=self.number, **further)
        metadata = (("casemeter-hospital", self.hospital), ("casemeter-role", role))
        return call(request, metadata=metadata, timeout=30)

    def answer(self, change: living_pb2.EncounterChange, alert_key: str, role: str, **further: Any) -> int:
        request = living_pb2.AnswerFindingRequest(
            encounter_id=self.number, state_hash=change.state_hash, alert_key=alert_key, **further
        )
        reply: living_pb2.AnswerFindingResponse = self.call(
            "AnswerFinding", request, living_pb2.AnswerFindingResponse, role
        )
        return reply.version


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return Snapshot.open(
        [build_cached(find_pack(name), bundles) for name in ("chs_drg_11", "coding_quality")]
        + [build_cached(DATA / "findings_rules", bundles)]
    )


@pytest.fixture(scope="module")
def channel(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    data = tmp_path_factory.mktemp("data")
    with live(snapshot, data=data) as server, grpc.insecure_channel(server.address) as opened:
        yield opened


@pytest.fixture
def encounter(channel: grpc.Channel, request: pytest.FixtureRequest) -> Encounter:
    return Encounter(channel, request.node.name[:64])


def refusal(caught: pytest.ExceptionInfo[grpc.RpcError]) -> tuple[grpc.StatusCode, str]:
    return caught.value.code(), from_rpc(caught.value).reason


def test_the_first_event_opens_and_the_same_one_again_changes_nothing(encounter: Encounter) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        encounter.read()
    assert refusal(caught) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_ENCOUNTER")
    first = encounter.record(diagnosis("1", "a", "I63.900"))
    assert (first.opened, list(first.known), first.version) == (True, [], 1)
    again = encounter.record(diagnosis("1", "a", "I63.900"), diagnosis("2", "b", "I10.x00x002"))
    assert (again.opened, list(again.known), again.version) == (False, ["1"], 2)
    once_more = encounter.record(diagnosis("2", "b", "I10.x00x002"))
    assert (list(once_more.known), once_more.version) == (["2"], 2)
    assert once_more.state_hash == again.state_hash != first.state_hash
    state = encounter.read()
    assert [one.code for one in state.encounter.diagnoses] == ["I63.900", "I10.x00x002"]
    assert (state.version, state.events) == (2, 2)


def test_all_events_of_a_call_are_kept_or_none(encounter: Encounter) -> None:
    encounter.record(diagnosis("1", "a", "I63.900"))
    with pytest.raises(grpc.RpcError) as caught:
        encounter.record(diagnosis("2", "b", "I10.x00x002"), diagnosis("1", "a", "I64.x00"))
    assert refusal(caught) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    (fault,) = from_rpc(caught.value).faults
    assert (fault.field, fault.reason) == ("events[1].event_id", "EVENT_ID_TAKEN")
    assert encounter.read().events == 1
    with pytest.raises(grpc.RpcError):
        encounter.record(diagnosis("3", "b", "I10.x00x002"), event("4"))
    assert encounter.read().events == 1


def test_a_number_belongs_to_its_hospital(channel: grpc.Channel, encounter: Encounter) -> None:
    other = Encounter(channel, encounter.number, "H2")
    encounter.record(diagnosis("1", "a", "I63.900"))
    other.record(diagnosis("1", "a", "I64.x00"))
    assert encounter.read().encounter.diagnoses[0].code == "I63.900"
    assert other.read().encounter.diagnoses[0].code == "I64.x00"


def test_newborn_and_mother_are_two(channel: grpc.Channel, encounter: Encounter) -> None:
    newborn = Encounter(channel, f"{encounter.number}-1")
    mother = encounter.record(diagnosis("1", "a", "O80.x00"))
    newborn.record(
        event("1", facts={"values": {"newborn": {"birthWeightG": 3200}}}), diagnosis("2", "a", "P59.900")
    )
    assert encounter.read().state_hash == mother.state_hash
    assert not encounter.read().encounter.HasField("newborn")


@pytest.mark.parametrize(
    ("role", "hospital", "allowed"),
    [
        ("physician", "H1", True),
        ("physician", "H2", False),
        ("auditor", "H2", True),
        ("administrator", "H1", False),
    ],
)
def test_who_may_read(channel: grpc.Channel, role: str, hospital: str, allowed: bool) -> None:
    encounter = Encounter(channel, "who may read")
    encounter.record(diagnosis("1", "a", "I63.900"))
    request = living_pb2.ReadEncounterRequest(encounter_id=encounter.number, hospital="H1")

    def read() -> Any:
        return encounter.call("ReadEncounter", request, living_pb2.EncounterState, role, hospital)

    if allowed:
        assert read().events == 1
        return
    with pytest.raises(grpc.RpcError) as caught:
        read()
    assert refusal(caught) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


def test_a_watcher_is_told_what_changes_and_what_is_withdrawn(encounter: Encounter) -> None:
    encounter.record(
        event("0", facts={"values": {"sex": "SEX_MALE", "birthDate": "1958-03-02"}}),
        diagnosis("1", "a", "I63.900"),
    )
    watch = encounter.watch(phase=finding_pb2.CARE_PHASE_FRONT_PAGE)
    first = next(watch)
    assert first.state_hash == encounter.read().state_hash
    assert first.verdict.group.code
    assert not first.changed
    # A diagnosis of women, on a man's page.
    wrong = encounter.record(diagnosis("2", "b", "O80.x00"))
    second = next(watch)
    assert second.state_hash == wrong.state_hash
    assert "findings" in second.changed
    assert second.appeared
    encounter.record(event("3", "2026-06-01T09:00:00Z", corrects="2"))
    third = next(watch)
    assert third.state_hash == first.state_hash
    assert {gone.alert_key for gone in third.withdrawn} == set(second.appeared)
    assert all(gone.text_zh and gone.text_en and gone.rule for gone in third.withdrawn)
    assert third.version == 3
    watch.cancel()


def test_how_a_finding_is_shown_is_no_change() -> None:
    """What interrupted once stands inline when the same state is looked at again."""
    shown = (finding_pb2.PRESENTATION_INTERRUPT, finding_pb2.PRESENTATION_INLINE)
    before, after = (
        living_pb2.EncounterChange(
            verdict={"findings": [{"alert_key": "a", "text_zh": "甲", "presentation": presentation}]}
        )
        for presentation in shown
    )
    tell_changes(before, after)
    assert not (after.changed or after.appeared or after.withdrawn)


def test_a_watcher_may_come_before_the_encounter(encounter: Encounter) -> None:
    watch = encounter.watch()
    recorded = encounter.record(diagnosis("1", "a", "I63.900"))
    assert next(watch).state_hash == recorded.state_hash
    watch.cancel()


def test_a_watcher_that_knows_the_state_is_told_of_the_next_one(encounter: Encounter) -> None:
    known = encounter.record(diagnosis("1", "a", "I63.900"))
    watch = encounter.watch(known_state=known.state_hash)
    encounter.record(
        event("2", settlement={"id": "S", "settlement": {"fromDate": "2026-06-01", "toDate": "2026-06-02"}})
    )
    change = next(watch)
    while change.version < 2:  # the state may have been looked at before the event came
        change = next(watch)
    assert change.state_hash != known.state_hash
    assert not change.changed
    assert not change.closed
    watch.cancel()


def test_a_state_that_contradicts_itself_has_no_verdict_for_now(encounter: Encounter) -> None:
    encounter.record(
        diagnosis("1", "a", "I63.900"),
        event("2", facts={"values": {"admissionTime": "2026-06-01T00:00:00Z"}}),
    )
    watch = encounter.watch()
    assert next(watch).HasField("verdict")
    encounter.record(event("3", facts={"values": {"dischargeTime": "2026-05-01T00:00:00Z"}}))
    broken = next(watch)
    assert broken.error.reason == "INVALID_REQUEST"
    assert list(broken.changed) == ["status"]
    assert not broken.withdrawn
    encounter.record(
        event("4", "2026-06-01T09:00:00Z", facts={"values": {"dischargeTime": "2026-06-05T00:00:00Z"}})
    )
    assert next(watch).HasField("verdict")
    watch.cancel()


def stop_of(change: living_pb2.EncounterChange) -> finding_pb2.Finding:
    return next(one for one in change.verdict.findings if one.tier == finding_pb2.FINDING_TIER_STOP)


def for_a_child(encounter: Encounter) -> Any:
    """Watch a child for whom a drug is ordered that only adults may be given."""
    encounter.record(
        event("0", facts={"values": {"age": {"years": 12}}}),
        diagnosis("1", "a", "I63.900"),
        event("2", order={"id": "O1", "order": {"item": "XN05BA12", "amountFen": 100}}),
    )
    return encounter.watch()


def test_an_answer_is_kept_and_holds(encounter: Encounter) -> None:
    watch = for_a_child(encounter)
    change = next(watch)
    stop = stop_of(change)
    assert stop.presentation == finding_pb2.PRESENTATION_INTERRUPT
    version = encounter.answer(
        change,
        stop.alert_key,
        "physician",
        answer=finding_pb2.ALERT_ANSWER_ACCEPTED,
    )
    told = next(watch)
    assert (told.version, told.state_hash) == (version, change.state_hash)
    (same,) = (one for one in told.verdict.findings if one.alert_key == stop.alert_key)
    assert same.presentation_reason == finding_pb2.PRESENTATION_REASON_ANSWERED
    watch.cancel()


def test_acting_on_what_is_gone_is_refused_with_the_reason(encounter: Encounter) -> None:
    watch = for_a_child(encounter)
    change = next(watch)
    stop = stop_of(change)
    encounter.record(event("9", closing={"closed": True}))
    accepted = {"answer": finding_pb2.ALERT_ANSWER_ACCEPTED}
    with pytest.raises(grpc.RpcError) as caught:
        encounter.answer(change, stop.alert_key, "physician", **accepted)
    assert refusal(caught) == (grpc.StatusCode.FAILED_PRECONDITION, "STALE_STATE")
    assert encounter.read().state_hash in str(caught.value.details())
    fresh = next(watch)
    assert fresh.closed
    with pytest.raises(grpc.RpcError) as caught:
        encounter.answer(fresh, "0" * 16, "physician", **accepted)
    assert refusal(caught) == (grpc.StatusCode.FAILED_PRECONDITION, "FINDING_GONE")
    with pytest.raises(grpc.RpcError) as caught:
        encounter.record(diagnosis("10", "b", "I10.x00x002"), if_state=change.state_hash)
    assert refusal(caught) == (grpc.StatusCode.FAILED_PRECONDITION, "STALE_STATE")
    for _ in range(2):  # again, as after a broken connection
        encounter.record(diagnosis("10", "b", "I10.x00x002"), if_state=fresh.state_hash)
    watch.cancel()


ANSWERS = tomllib.loads((Path(__file__).parent / "data" / "encounter_bad_answers.toml").read_text("utf-8"))[
    "case"
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case["name"])
def test_an_answer_that_settles_nothing_is_refused(channel: grpc.Channel, case: dict[str, Any]) -> None:
    encounter = Encounter(channel, "answers")
    watch = for_a_child(encounter)
    change = next(watch)
    request = json_format.ParseDict(case["request"], living_pb2.AnswerFindingRequest())
    request.encounter_id = encounter.number
    if not case.get("bare"):
        request.state_hash = change.state_hash
        request.alert_key = stop_of(change).alert_key
    with pytest.raises(grpc.RpcError) as caught:
        encounter.call("AnswerFinding", request, living_pb2.AnswerFindingResponse, "physician")
    faults = from_rpc(caught.value).faults
    assert [[fault.field, fault.reason] for fault in faults] == case["faults"]
    watch.cancel()


def test_a_watcher_on_another_server_is_told(snapshot: Snapshot, store_url: str, tmp_path: Path) -> None:
    """Each server has its own connections: a change is announced through the store."""
    with (
        live(snapshot, data=tmp_path, store=store_url) as one,
        live(snapshot, data=tmp_path, store=store_url) as other,
        grpc.insecure_channel(one.address) as near,
        grpc.insecure_channel(other.address) as far,
    ):
        here, there = Encounter(near, "Z1"), Encounter(far, "Z1")
        here.record(diagnosis("1", "a", "I63.900"))
        watch = there.watch()
        told = next(watch)
        for number in range(2, 8):
            recorded = here.record(diagnosis(str(number), f"d{number}", "I10.x00x002"))
            while told.version < recorded.version:
                told = next(watch)
            assert told.state_hash == recorded.state_hash
        watch.cancel()
        assert there.record(diagnosis("1", "a", "I63.900")).known == ["1"]


def test_looks_at_patients_are_recorded(snapshot: Snapshot, tmp_path: Path) -> None:
    with live(snapshot, data=tmp_path) as server, grpc.insecure_channel(server.address) as channel:
        encounter = Encounter(channel, "Z1")
        encounter.record(diagnosis("1", "a", "I63.900"))
        encounter.read(role="physician")
        for number in ("Z1", ""):
            request = service_pb2.EvaluateRequest()
            request.encounter.encounter_id = number
            request.encounter.diagnoses.add(code="I63.900")
            reply = encounter.call("Evaluate", request, service_pb2.EvaluateResponse, "physician")
            assert reply.recorded is bool(number)
            assert reply.HasField("recorded") is bool(number)
    store = Store.open(f"sqlite:///{tmp_path / 'casemeter.db'}")
    looks = store.read_now(lambda reading: list(reading.accesses("H1", "Z1")))
    store.close()
    assert [(look.call, look.role) for look in looks] == [
        ("RecordEvents", "emr"),
        ("ReadEncounter", "physician"),
        ("Evaluate", "physician"),
    ]


def test_without_a_store_nothing_is_kept_and_evaluate_answers(snapshot: Snapshot) -> None:
    with live(snapshot) as server, grpc.insecure_channel(server.address) as channel:
        encounter = Encounter(channel, "Z1")
        with pytest.raises(grpc.RpcError) as caught:
            encounter.record(diagnosis("1", "a", "I63.900"))
        assert refusal(caught) == (grpc.StatusCode.FAILED_PRECONDITION, "STORE_OFF")
        with pytest.raises(grpc.RpcError) as caught:
            next(encounter.watch())
        assert refusal(caught) == (grpc.StatusCode.FAILED_PRECONDITION, "STORE_OFF")
        request = service_pb2.EvaluateRequest()
        request.encounter.encounter_id = "Z1"
        reply = encounter.call("Evaluate", request, service_pb2.EvaluateResponse)
        assert not reply.HasField("recorded")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(), st.randoms(use_true_random=False))
def test_shuffled_repeated_and_corrected_events_end_as_those_sent_once_in_order(
    channel: grpc.Channel, events: list[living_pb2.EncounterEvent], random: Random
) -> None:
    number = uuid.uuid4()
    once = Encounter(channel, f"{number}-o", "H3")
    shuffled = Encounter(channel, f"{number}-s", "H3")
    wrong = {event.corrects for event in events}
    holding = [event for event in events if event.event_id not in wrong] or events
    for one in sorted(holding, key=lambda event: (event.time.seconds, event.event_id)):
        once.record(one)
    sent = [*events, *random.choices(events, k=len(events) // 2)]
    random.shuffle(sent)
    while sent:
        batch = sent[: random.randint(1, 4)]
        del sent[: len(batch)]
        shuffled.record(*batch)
    states = once.read(), shuffled.read()
    answers = []
    for state in states:
        state.encounter.encounter_id = ""
        request = service_pb2.EvaluateRequest(encounter=state.encounter)
        request.as_of.FromJsonString(AS_OF)
        try:
            reply = once.call("Evaluate", request, service_pb2.EvaluateResponse)
        except grpc.RpcError as error:
            answers.append(str(error.details()))
        else:
            answers.append(reply.verdict)
        for name in ("state_hash", "version", "events"):
            state.ClearField(name)
    assert states[0] == states[1]
    assert answers[0] == answers[1]
