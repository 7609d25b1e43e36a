"""The group of a sealed page is the coder's, kept with the seal or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf import json_format

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.keeping_pb2 import SealFrontPageRequest
from casemeter.v1.living_pb2 import EncounterEvent, EncounterState
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter_grouper.case import Case
from casemeter_server.caller import Caller
from casemeter_server.encounters.living import Encounters
from casemeter_server.evaluation import Evaluator
from casemeter_server.ledger.outcomes import FinalGroup, finals_of
from casemeter_server.sealing.content import Kind
from casemeter_server.sealing.keys import SealKey, make_key, open_key
from casemeter_server.sealing.service import Seals
from casemeter_server.snapshot import Snapshot
from casemeter_server.store.store import Store
from live import tiny_bundle

CODER = Caller("H1", "coder", "coder7")
AS_OF = "2026-06-05T04:00:00Z"
PAGE = {
    "encounterId": "E1",
    "sex": "SEX_MALE",
    "age": {"years": 60},
    "admissionTime": "2026-06-01T00:00:00Z",
    "dischargeTime": "2026-06-04T00:00:00Z",
    "diagnoses": [{"code": "i63.900"}, {"code": "E11.900"}],
    "charges": {"lines": [{"id": "1", "time": "2026-06-02T00:00:00Z", "amountFen": 12345}]},
}
CASE = Case(("I63.900", "E11.900"), (), "M", age_years=60, los_days=3)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SealKey:
    path = tmp_path_factory.mktemp("key") / "seal.pem"
    make_key(path)
    return open_key(path)


class Office:
    def __init__(self, store: Store, bundles: Path, key: SealKey) -> None:
        self.store, self.encounters = store, Encounters(store)
        self.evaluator = Evaluator(Snapshot.open([tiny_bundle(bundles)]), ZoneInfo("Asia/Shanghai"))
        self.seals = Seals(store, self.encounters, lambda: self.evaluator, key)

    def seal(self, **request: Any) -> str:
        message = json_format.ParseDict({"as_of": AS_OF, **request}, SealFrontPageRequest())
        return asyncio.run(self.seals.seal_front_page(message, CODER)).seal

    def final(self) -> FinalGroup | None:
        told = self.store.read_now(lambda it: it.outcomes("H1", "E1"))
        return finals_of(told, [], EncounterState()).get("coder")


@pytest.fixture
def office(store: Store, bundles: Path, key: SealKey) -> Office:
    return Office(store, bundles, key)


def expected(office: Office, group: str, case: Case | None, cost_fen: int | None) -> FinalGroup:
    (loaded,) = office.evaluator.snapshot.schemes
    sha256 = loaded.ref.bundle_sha256
    return FinalGroup("coder", group, "tiny", "1", sha256, (), (), case, cost_fen)


def test_a_page_that_was_sent(office: Office) -> None:
    assert office.seal(encounter=PAGE)
    assert office.final() == expected(office, "BR13", CASE, 12345)
    assert office.seal(encounter={**PAGE, "diagnoses": [{"code": "I63.900"}]})
    final = office.final()
    assert final and (final.group, final.case) == ("BR1", CASE._replace(diagnoses=("I63.900",)))


def test_an_open_encounter(office: Office) -> None:
    facts = {name: PAGE[name] for name in ("sex", "age", "admissionTime", "dischargeTime")}
    contents: list[dict[str, Any]] = [{"facts": {"values": facts}}]
    contents += [
        {"diagnosis": {"id": f"{at}", "diagnosis": {"code": code}, "position": at}}
        for at, code in enumerate(CASE.diagnoses)
    ]
    events = [
        json_format.ParseDict({"eventId": f"{at}", "time": AS_OF, **content}, EncounterEvent())
        for at, content in enumerate(contents)
    ]
    state = asyncio.run(office.encounters.record("H1", "E1", events)).state_hash
    assert office.seal(encounterId="E1", stateHash=state)
    assert office.final() == expected(office, "BR13", CASE, None)


def test_a_page_of_a_door(office: Office) -> None:
    stay = json_format.ParseDict(PAGE, Encounter())
    question = json_format.ParseDict({"as_of": AS_OF, "phase": "CARE_PHASE_SUBMISSION"}, EvaluateRequest())
    question.encounter.CopyFrom(stay)
    verdict = office.evaluator.evaluate(question, CODER).verdict
    row = {"A48": "E1"}
    for page, case, cost in ((stay, CASE, 12345), (None, None, None)):
        assert asyncio.run(office.seals.seal(Kind.FRONT_PAGE, row, verdict, CODER, "E1", page))
        assert office.final() == expected(office, "BR13", case, cost)


@pytest.mark.parametrize("page", [{"encounterId": ""}, {"diagnoses": [{"code": "E11.900"}]}])
def test_a_page_without_a_number_or_a_group_tells_nothing(office: Office, page: dict[str, Any]) -> None:
    assert office.seal(encounter={**PAGE, **page})
    assert office.final() is None


def test_a_seal_that_is_not_kept_tells_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casemeter_server.store.writing.Writing.put_outcomes", lambda *_: 1 / 0, raising=True)
    with pytest.raises(ZeroDivisionError):
        office.seal(encounter=PAGE)
    assert office.store.read_now(lambda it: it.seals("H1", "E1")) == []
    assert office.final() is None
