"""The desk of the doors: a question is filled, answered and recorded, and the store never holds it up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import finding_pb2, living_pb2, service_pb2, verdict_pb2
from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.living_pb2 import EncounterState
from casemeter_server.caller import Caller
from casemeter_server.calls import Call
from casemeter_server.doors.desk import MAX_WAITING, Answered, Desk, Fill, GivenAnswer
from casemeter_server.doors.door import Question
from casemeter_server.doors.facts import DoorFacts
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.errors import RequestError
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.errors import StoreUnavailable
from casemeter_server.store.rows import Access, Answer, ShownAlert
from casemeter_server.store.store import Store
from door_apps import AS_OF, engine_of, snapshot_of, stored

DOOR = DoorFacts("door", frozenset(("encounter_id", "orders", "age")))
PHYSICIAN = Caller(hospital="H1", user="u1")
HASH = "b" * 64
PATIENT = DoorSettings(wait_ms=20_000)
"""Settings that wait as long as it takes, for tests in which the answer does come."""

STOP = {
    "encounterId": "1",
    "age": {"years": 12},
    "orders": [{"id": "O1", "item": "XN05BA12", "amountFen": 100, "placing": True}],
}


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return snapshot_of(bundles)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with stored(tmp_path) as found:
        yield found


def question_of(encounter: dict[str, Any], **more: Any) -> Question:
    values = {"pack": "tiny", "asOf": AS_OF, "encounter": encounter, **more}
    request = json_format.ParseDict(values, service_pb2.EvaluateRequest())
    return Question(request, places={"encounter.orders[0]": "items[7]", "encounter.sex": "gend"})


def with_state(engine: Engine, encounter: dict[str, Any] | None, wait: asyncio.Event | None = None) -> None:
    """Let a number stand for an open encounter."""
    state = None
    if encounter is not None:
        known = json_format.ParseDict(encounter, Encounter())
        state = EncounterState(encounter=known, state_hash=HASH)

    async def tell(hospital: str, number: str) -> EncounterState | None:
        assert (hospital, number) == ("H1", "1")
        if wait is not None:
            await wait.wait()
        return state

    assert engine.encounters is not None
    vars(engine.encounters)["state"] = tell  # the desk asks nothing else of it


def ask(engine: Engine, question: Question, caller: Caller = PHYSICIAN, **more: Any) -> Answered:
    return asyncio.run(Desk(engine, PATIENT).answer(question, caller, DOOR, **more))


def written(store: Store) -> tuple[list[ShownAlert], list[Access], list[Answer]]:
    """All that is kept of encounter 1, once what waits is written."""
    store.write_now(lambda _: None)
    return store.read_now(
        lambda reading: (
            reading.alerts("H1", "1"),
            list(reading.accesses("H1", "1")),
            list(reading.answers()),
        )
    )


def test_without_a_store_it_answers_and_keeps_nothing(snapshot: Snapshot) -> None:
    question = question_of(STOP)
    engine = engine_of(snapshot)
    answered = ask(engine, question)
    expected = engine.evaluator.evaluate(question.request, PHYSICIAN)
    assert answered.response.verdict == expected.verdict
    assert not answered.response.HasField("recorded")
    (finding,) = answered.response.verdict.findings
    assert set(answered.ids) == {finding.alert_key}
    assert answered.fill is Fill.NOT_OPEN
    assert answered.headers == {"casemeter-fill": "not open"}


def test_what_is_shown_is_recorded_and_told_to_the_next_question(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    first = ask(engine, question_of(STOP))
    assert first.response.recorded
    (finding,) = first.response.verdict.findings
    assert finding.presentation == finding_pb2.PRESENTATION_INTERRUPT
    assert finding.presentation_reason == finding_pb2.PRESENTATION_REASON_UNSPECIFIED
    alerts, looks, _ = written(store)
    (alert,) = alerts
    assert alert.id == first.ids[finding.alert_key]
    assert (alert.door, alert.role, alert.user, alert.state_hash) == ("door", "physician", "u1", "")
    assert [(look.call, look.user, look.role) for look in looks] == [("Evaluate", "u1", "physician")]
    second = ask(engine, question_of(STOP))
    (again,) = second.response.verdict.findings
    assert again.presentation == finding_pb2.PRESENTATION_INLINE
    assert again.presentation_reason == finding_pb2.PRESENTATION_REASON_REPEAT_OF
    assert second.ids[finding.alert_key] != alert.id
    assert len(second.question.request.alert_context.history.alerts) == 1


def test_what_the_caller_says_of_earlier_alerts_holds(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    ask(engine, question_of(STOP))
    written(store)
    told = question_of(STOP, alertContext={"history": {}})
    (finding,) = ask(engine, told).response.verdict.findings
    assert finding.presentation == finding_pb2.PRESENTATION_INTERRUPT


def test_silent_findings_are_not_shown_and_have_no_number(snapshot: Snapshot) -> None:
    engine = engine_of(snapshot)
    warned = {"sex": "SEX_MALE", "charges": {"lines": [{"id": "L1", "item": "xg01aab", "amountFen": 1}]}}
    shown = [ask(engine, question_of(warned), Caller(role=role)) for role in ("physician", "coder")]
    for answered in shown:
        keys = {
            finding.alert_key
            for finding in answered.response.verdict.findings
            if finding.presentation != finding_pb2.PRESENTATION_SILENT
        }
        assert set(answered.ids) == keys


def test_the_open_encounter_fills_what_is_lacking(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    with_state(engine, {"encounterId": "1", "sex": "SEX_FEMALE", "age": {"years": 80}})
    answered = ask(engine, question_of(STOP))
    assert answered.fill is Fill.FILLED
    verdict = answered.response.verdict
    assert [(fact.field, fact.state_hash) for fact in verdict.filled] == [("encounter.sex", HASH)]
    assert answered.question.request.encounter.sex
    assert answered.question.request.encounter.age.years == 12
    assert written(store)[0][0].state_hash == HASH


def test_what_was_recorded_as_events_fills_a_message(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    happened = {
        "encounterId": "1",
        "events": [
            {"eventId": "1", "time": AS_OF, "facts": {"values": {"sex": "SEX_FEMALE"}}},
            {"eventId": "2", "time": AS_OF, "diagnosis": {"id": "d", "diagnosis": {"code": "I63.900"}}},
        ],
    }
    record = engine.calls["RecordEvents"]
    assert isinstance(record, Call)

    async def talk() -> Answered:
        request = json_format.ParseDict(happened, living_pb2.RecordEventsRequest())
        kept = await record.answer(request, Caller("H1", "emr"))
        answered = await Desk(engine, PATIENT).answer(question_of(STOP), PHYSICIAN, DOOR)
        assert isinstance(kept, living_pb2.RecordEventsResponse)
        assert {fact.state_hash for fact in answered.response.verdict.filled} == {kept.state_hash}
        return answered

    answered = asyncio.run(talk())
    assert answered.fill is Fill.FILLED
    filled = [fact.field for fact in answered.response.verdict.filled]
    assert filled == ["encounter.sex", "encounter.diagnoses"]
    assert answered.response.verdict.status != verdict_pb2.GROUP_STATUS_NOT_YET


def test_an_open_encounter_that_contradicts_the_message_is_left_out(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    with_state(engine, {"dischargeTime": "2026-06-01T00:00:00Z"})
    answered = ask(engine, question_of({"encounterId": "1", "admissionTime": "2026-06-02T00:00:00Z"}))
    assert answered.fill is Fill.CONTRADICTED
    assert not answered.response.verdict.filled
    with_state(engine, {"encounterId": "1"})
    assert ask(engine, question_of(STOP)).fill is Fill.COMPLETE
    with_state(engine, None)
    assert ask(engine, question_of(STOP)).fill is Fill.NOT_OPEN


def test_faults_name_places_of_the_message(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    with_state(engine, {"sex": "SEX_FEMALE"})
    wrong = {**STOP, "orders": [{"id": "O1", "amountFen": -1}]}
    with pytest.raises(RequestError) as caught:
        ask(engine, question_of(wrong))
    (fault, *others) = caught.value.error.faults
    assert fault.field == "items[7].amount_fen"
    assert fault.message.startswith("items[7].amount_fen is -1 fen")
    assert not any(other.field.startswith("encounter.orders") for other in others)


def test_the_moment_that_was_asked_for_holds(snapshot: Snapshot) -> None:
    moment = Timestamp(seconds=1_780_000_000)
    answered = ask(engine_of(snapshot), question_of(STOP), as_of=moment)
    assert answered.response.verdict.as_of == moment


def test_who_may_not_evaluate_gets_no_answer(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    with pytest.raises(RequestError) as caught:
        ask(engine, question_of(STOP), Caller("H1", "administrator"))
    assert caught.value.error.reason == "PERMISSION_DENIED"
    assert written(store) == ([], [], [])


# The store does not hold up a reply


def test_a_slow_store_holds_up_no_reply(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)

    async def talk() -> None:
        gate = asyncio.Event()
        with_state(engine, {"sex": "SEX_FEMALE"}, wait=gate)
        hasty = Desk(engine, DoorSettings(wait_ms=1))
        for _ in range(MAX_WAITING + 5):
            answered = await hasty.answer(question_of(STOP), PHYSICIAN, DOOR)
            assert answered.fill is Fill.LATE
            assert not answered.response.verdict.filled
        gate.set()
        patient = Desk(engine, PATIENT)
        assert (await patient.answer(question_of(STOP), PHYSICIAN, DOOR)).fill is Fill.FILLED

    asyncio.run(talk())


def test_a_store_that_fails_fails_no_reply(
    snapshot: Snapshot, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(snapshot, store)

    async def fail(*_: Any) -> Any:
        raise StoreUnavailable("gone")

    assert engine.encounters is not None
    monkeypatch.setattr(engine.encounters, "state", fail)
    monkeypatch.setattr(store, "read", fail)
    monkeypatch.setattr(store, "record", lambda *_: False)
    answered = ask(engine, question_of(STOP))
    assert answered.fill is Fill.LATE
    assert answered.response.HasField("recorded")
    assert not answered.response.recorded
    assert "StoreUnavailable" in caplog.text


# Answers


def give(engine: Engine, *answers: GivenAnswer, caller: Caller = PHYSICIAN) -> list[str]:
    faults = asyncio.run(Desk(engine).take_answers(answers, caller))
    return [f"{fault.field}: {fault.reason}" for fault in faults]


def test_an_answer_settles_the_alert(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    first = ask(engine, question_of(STOP))
    (finding,) = first.response.verdict.findings
    number = first.ids[finding.alert_key]
    written(store)
    at = datetime(2026, 6, 5, 4, 1, tzinfo=UTC)
    reason, text = finding.override_reasons[0], "会诊意见：病情需要，家属知情同意"
    answer = GivenAnswer(number, finding_pb2.ALERT_ANSWER_OVERRIDDEN, reason, text, "warnings[0]", at)
    assert give(engine, answer) == []
    _, _, (kept,) = written(store)
    assert (kept.alert, kept.answer, kept.reason, kept.at) == (number, "overridden", reason, at)
    assert (kept.text, kept.user, kept.role) == (text, "u1", "physician")
    (again,) = ask(engine, question_of(STOP)).response.verdict.findings
    assert again.presentation_reason == finding_pb2.PRESENTATION_REASON_ANSWERED


def test_answers_are_kept_all_or_none(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    (number,) = ask(engine, question_of(STOP)).ids.values()
    written(store)
    good = GivenAnswer(number, finding_pb2.ALERT_ANSWER_ACCEPTED, place="warnings[0]")
    unknown = GivenAnswer("nobody", finding_pb2.ALERT_ANSWER_ACCEPTED, place="warnings[1]")
    none = GivenAnswer(number, finding_pb2.ALERT_ANSWER_UNSPECIFIED, text="x" * 501, place="warnings[2]")
    assert give(engine, good, unknown, none) == [
        "warnings[2]: UNKNOWN_VALUE",
        "warnings[2]: TOO_LONG",
        "warnings[1]: UNKNOWN_ALERT",
    ]
    other = Caller("H2", user="u1")
    assert give(engine, good, caller=other) == ["warnings[0]: UNKNOWN_ALERT"]
    assert written(store)[2] == []
    assert give(engine, good) == []
    assert len(written(store)[2]) == 1


def test_an_answer_may_come_before_its_alert_is_written_down(snapshot: Snapshot, store: Store) -> None:
    engine = engine_of(snapshot, store)
    (number,) = ask(engine, question_of(STOP)).ids.values()
    assert give(engine, GivenAnswer(number, finding_pb2.ALERT_ANSWER_ACCEPTED)) == []
    assert [answer.alert for answer in written(store)[2]] == [number]


def unavailable(_: Callable[..., Any]) -> Coroutine[Any, Any, None]:
    async def fail() -> None:
        raise StoreUnavailable("gone")

    return fail()


def test_answers_that_cannot_be_kept_are_refused(
    snapshot: Snapshot, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = GivenAnswer("1", finding_pb2.ALERT_ANSWER_ACCEPTED)
    engine = engine_of(snapshot, store)
    monkeypatch.setattr(store, "write", unavailable)
    for asked, caller, reason in (
        (engine_of(snapshot), PHYSICIAN, "STORE_OFF"),
        (engine, PHYSICIAN, "STORE_UNAVAILABLE"),
        (engine, Caller("H1", "office"), "PERMISSION_DENIED"),
    ):
        with pytest.raises(RequestError) as caught:
            give(asked, answer, caller=caller)
        assert caught.value.error.reason == reason
