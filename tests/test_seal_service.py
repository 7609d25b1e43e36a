"""Sealing: which pages are sealed, that a seal is kept before it is given, and what stops it."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import json_format

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.finding_pb2 import CARE_PHASE_FRONT_PAGE, CARE_PHASE_SUBMISSION
from casemeter.v1.keeping_pb2 import SealFrontPageRequest, SealFrontPageResponse
from casemeter.v1.living_pb2 import EncounterEvent
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_grouper.pack.build import build_cached
from casemeter_server.caller import Caller
from casemeter_server.calls import by_name
from casemeter_server.encounters.living import Encounters
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.sealing.content import Kind
from casemeter_server.sealing.keys import SealKey
from casemeter_server.sealing.service import Seals, packs_of
from casemeter_server.sealing.token import Seal, read_seal
from casemeter_server.sealing.verify import verify
from casemeter_server.shown_alerts import shown_alerts
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.rows import Answer
from casemeter_server.store.store import Store, StoreUnavailable, Writing
from live import pricing, tiny_bundle

DATA = Path(__file__).parent / "data"
CASES = tomllib.loads((DATA / "seal_requests.toml").read_text("utf-8"))["case"]
ZONE = ZoneInfo("Asia/Shanghai")
KEY = SealKey.of(ec.generate_private_key(ec.SECP256R1()))
KEYS = {KEY.kid: KEY.private.public_key()}
CODER = Caller("H001", "coder", "coder7")
AS_OF = "2026-06-05T12:00:00+08:00"
STOPPED = {"age": {"years": 12}, "charges": {"lines": [{"id": "L1", "item": "XN05A", "amount_fen": "100"}]}}


@dataclass
class Room:
    """Sealing, and what stands around it."""

    seals: Seals
    store: Store
    encounters: Encounters
    evaluator: Evaluator

    def ask(self, caller: Caller = CODER, **request: Any) -> SealFrontPageResponse:
        values = {"as_of": AS_OF, "pack": "tiny", **request}
        message = json_format.ParseDict(values, SealFrontPageRequest())
        return asyncio.run(self.seals.seal_front_page(message, caller))

    def open_encounter(self, number: str, *events: dict[str, Any]) -> str:
        """Record events, and return the hash of the state they come to."""
        told = [json_format.ParseDict(event, EncounterEvent()) for event in events]
        return asyncio.run(self.encounters.record("H001", number, told)).state_hash


@pytest.fixture(scope="module")
def snapshot(bundles: Path, default_bundle: Path) -> Snapshot:
    rules = build_cached(DATA / "findings_rules", bundles)
    return Snapshot.open([tiny_bundle(bundles), default_bundle, rules, *pricing(bundles)])


@pytest.fixture
def room(snapshot: Snapshot, tmp_path: Path) -> Iterator[Room]:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}")
    encounters, evaluator = Encounters(store), Evaluator(snapshot, ZONE)
    yield Room(Seals(store, encounters, lambda: evaluator, KEY), store, encounters, evaluator)
    store.close()


def diagnosis(number: str, code: str) -> dict[str, Any]:
    what = {"id": number, "diagnosis": {"code": code}}
    return {"event_id": f"{number}{code}", "time": "2026-06-02T00:00:00Z", "diagnosis": what}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_requests(room: Room, case: dict[str, Any]) -> None:
    caller = Caller("H001", case.get("role", "coder"), "coder7")
    request = {"pack": "tiny", "as_of": AS_OF, **case["request"]}
    if "reason" in case:
        with pytest.raises(RequestError) as caught:
            room.ask(caller, **request)
        assert caught.value.error.reason == case["reason"]
        faults = [f"{fault.field} {fault.reason}" for fault in caught.value.error.faults]
        assert faults == case.get("faults", [])
        assert kept(room, "H001", "E1") == []
        return
    reply = room.ask(caller, **request)
    assert reply.verdict.rules.phase == CARE_PHASE_SUBMISSION
    assert reply.verdict.rules.submission_refused == case.get("refused", False)
    hospital = request.get("hospital", "H001")
    number = request["encounter"].get("encounter_id", "")
    if case.get("refused"):
        assert reply.seal == ""
        assert kept(room, hospital, number) == []
        return
    page = json_format.ParseDict(request["encounter"], Encounter())
    said = verify(reply.seal, page, KEYS, hospital)
    assert (said.user, said.role, said.hospital, said.encounter) == ("coder7", "coder", hospital, number)
    assert said.group == reply.verdict.group.code == case["group"]
    assert said.as_of == reply.verdict.as_of.ToJsonString() == "2026-06-05T04:00:00Z"
    assert kept(room, hospital, number) == [reply.seal]


def kept(room: Room, hospital: str, number: str) -> list[str]:
    return [row.token for row in room.store.read_now(lambda reading: reading.seals(hospital, number))]


def test_what_is_kept_of_a_seal(room: Room) -> None:
    before = datetime.now(UTC)
    reply = room.ask(encounter={"encounter_id": "E1"})
    (row,) = room.store.read_now(lambda reading: reading.seals("H001", "E1"))
    said = read_seal(reply.seal, KEYS)
    assert (row.id, row.at, row.user) == (said.id, said.at, "coder7")
    assert (row.content_sha256, row.token) == (said.content.sha256, reply.seal)
    assert abs((said.at - before).total_seconds()) < 60
    # Every check is one of its own.
    assert read_seal(room.ask(encounter={"encounter_id": "E1"}).seal, KEYS).id != said.id


def test_a_seal_names_every_pack_of_the_verdict(room: Room, snapshot: Snapshot) -> None:
    reply = room.ask(encounter={"diagnoses": [{"code": "I63.900"}], "charges": {}}, pack="chs_drg_11")
    packs = {pack.id: pack for pack in read_seal(reply.seal, KEYS).packs}
    assert list(packs) == [
        "chs_drg_11",
        "demo_payment_chs_drg_11",
        "demo_benchmark_chs_drg_11",
        "findings_rules",
    ]
    (book,) = snapshot.books
    assert packs["findings_rules"].sha256 == book.sha256
    assert packs["chs_drg_11"].sha256 == reply.verdict.pack.bundle_sha256
    assert all(len(pack.sha256) == 64 for pack in packs.values())
    assert packs_of(reply.verdict) == tuple(packs.values())


def test_a_field_that_this_version_does_not_know_is_not_sealed(room: Room) -> None:
    request = SealFrontPageRequest(pack="tiny")
    request.encounter.MergeFromString(b"\xfa\x7f\x01x")
    with pytest.raises(RequestError) as caught:
        asyncio.run(room.seals.seal_front_page(request, CODER))
    (fault,) = caught.value.error.faults
    assert (fault.field, fault.reason) == ("encounter", "UNBOUND")
    assert kept(room, "H001", "") == []


def test_an_open_encounter_is_sealed_as_the_coder_saw_it(room: Room) -> None:
    seen = room.open_encounter("E7", diagnosis("1", "I63.900"))
    reply = room.ask(encounter_id="E7", state_hash=seen)
    state = asyncio.run(room.encounters.state("H001", "E7"))
    assert state
    said = verify(reply.seal, state.encounter, KEYS)
    assert (said.encounter, said.state_hash, said.group) == ("E7", seen, "BR29")
    # One event later that state is gone.
    now = room.open_encounter("E7", diagnosis("2", "E87.600"))
    with pytest.raises(RequestError) as caught:
        room.ask(encounter_id="E7", state_hash=seen)
    assert caught.value.error.reason == "STALE_STATE"
    assert now in str(caught.value)
    assert kept(room, "H001", "E7") == [reply.seal]
    # And the encounter of another hospital is not this one.
    with pytest.raises(RequestError, match="no encounter is open"):
        room.ask(encounter_id="E7", state_hash=now, hospital="H002")


def test_an_encounter_that_moves_on_while_it_is_checked_is_not_sealed(room: Room) -> None:
    seen = room.open_encounter("E7", diagnosis("1", "I63.900"))

    class Meanwhile(Seals):
        """Somebody else records an event between the check and the seal."""

        async def _check_page(self, *arguments: Any) -> Any:
            verdict = await super()._check_page(*arguments)
            event = json_format.ParseDict(diagnosis("2", "E87.600"), EncounterEvent())
            await room.encounters.record("H001", "E7", [event])
            return verdict

    seals = Meanwhile(room.store, room.encounters, lambda: room.evaluator, KEY)
    request = SealFrontPageRequest(encounter_id="E7", state_hash=seen, pack="tiny")
    with pytest.raises(RequestError) as caught:
        asyncio.run(seals.seal_front_page(request, CODER))
    assert caught.value.error.reason == "STALE_STATE"
    assert kept(room, "H001", "E7") == []


def test_a_stop_that_was_overridden_with_a_reason_that_fits_refuses_no_more(room: Room) -> None:
    page = {**STOPPED, "encounter_id": "E9"}
    reply = room.ask(encounter=page)
    assert reply.seal == ""
    (stop,) = reply.verdict.findings
    (shown,) = shown_alerts(reply.verdict, "H001", "E9", CODER, door="grpc")
    assert room.store.record(shown)
    for reason, text, sealed in (("", "", False), (stop.override_reasons[0], "按说明书及会诊意见使用", True)):
        answer = Answer(
            hospital="H001",
            encounter="E9",
            rule=stop.rule,
            alert_key=stop.alert_key,
            at=datetime.now(UTC),
            answer="overridden" if reason else "accepted",
            reason=reason,
            text=text,
            state_hash="",
            user="coder7",
            role="coder",
            alert=shown.id,
        )
        room.store.write_now(partial(Writing.add_answer, answer=answer))
        assert bool(room.ask(encounter=page).seal) is sealed
    # Another stay is not excused by it.
    assert room.ask(encounter={**STOPPED, "encounter_id": "E10"}).seal == ""


def test_nothing_is_given_that_is_not_kept(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(_: Callable[..., Any]) -> Any:
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(room.store, "write", unavailable)
    with pytest.raises(StoreUnavailable):
        room.ask(encounter={})
    with pytest.raises(RequestError, match="the store does not answer; nothing was kept"):
        door_seal(room, CARE_PHASE_SUBMISSION, {}, b"{}")


# For doors.


def door_seal(room: Room, phase: Any, encounter: dict[str, Any], page: Any) -> str:
    question = EvaluateRequest(pack="tiny", phase=phase)
    json_format.ParseDict(encounter, question.encounter)
    verdict = room.evaluator.evaluate(question, CODER).verdict
    return asyncio.run(room.seals.seal(Kind.SETTLEMENT_LIST, page, verdict, CODER, "0004711"))


def test_a_door_seals_the_message_and_not_what_was_read_of_it(room: Room) -> None:
    text = (DATA / "seal_pages" / "4101.json").read_bytes()
    encounter = {"diagnoses": [{"code": "I63.900"}]}
    seal = door_seal(room, CARE_PHASE_SUBMISSION, encounter, text)
    said: Seal = verify(seal, text, KEYS, "H001")
    assert (said.encounter, said.group, said.content.kind) == ("0004711", "BR29", Kind.SETTLEMENT_LIST)
    assert kept(room, "H001", "0004711") == [seal]


def test_a_door_gives_no_seal_to_what_a_stop_refuses(room: Room) -> None:
    assert door_seal(room, CARE_PHASE_SUBMISSION, STOPPED, b"{}") == ""
    assert kept(room, "H001", "0004711") == []


def test_a_door_that_asked_for_another_moment_has_not_checked(room: Room) -> None:
    with pytest.raises(ValueError, match="not checked at the moment of submission"):
        door_seal(room, CARE_PHASE_FRONT_PAGE, STOPPED, b"{}")


def test_a_door_is_told_what_cannot_be_bound(room: Room) -> None:
    with pytest.raises(RequestError) as caught:
        door_seal(room, CARE_PHASE_SUBMISSION, {}, b'{"input": {"a": 1, "a": 2}}')
    (fault,) = caught.value.error.faults
    assert (fault.field, fault.reason) == ("input", "UNBOUND")


def test_the_call_is_in_the_contract(room: Room) -> None:
    assert list(by_name(room.seals.calls())) == ["SealFrontPage"]
