"""The door of 3101, 3102 and 3103 over HTTP: findings, their answers, the verdict behind them, and errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client.emr.nhsa import (
    CHANGE,
    CHINA,
    GO_ON,
    Answer,
    AuditFailed,
    audit_message,
    feedback_message,
    findings,
)
from casemeter_server.caller import Caller
from casemeter_server.doors.nhsa.facts import carried
from casemeter_server.doors.nhsa.settings import NhsaSettings
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import Engine
from casemeter_server.errors import RequestError
from casemeter_server.store.store import Store
from door_apps import Caller as HttpCaller
from door_apps import client_of, engine_of, snapshot_of, stored
from nhsa_messages import base_message, edited, written
from nhsa_strategies import encounters, sound

NOW = datetime(2026, 6, 5, 12, tzinfo=CHINA)
HOSPITAL = {"casemeter-hospital": "H33010000001"}
VISIT = "input.data.patient_dtos.fsi_encounter_dtos"
FULL = {"casemeter-verdict": "full"}


def stay() -> Encounter:
    """A child for whom a drug is ordered that adults take: a stop."""
    encounter = Encounter(encounter_id="Z-1", person_key="P-1", birth_date="2014-03-02")
    encounter.admission_time.FromDatetime(datetime(2026, 6, 1, 8, tzinfo=CHINA))
    encounter.diagnoses.add(code="I63.900")
    encounter.orders.add(id="O1", item="XN05BA12", name="乙片", amount_fen=1250, placing=True)
    return encounter


@pytest.fixture(scope="module")
def engine(bundles: Path) -> Engine:
    return engine_of(snapshot_of(bundles))


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[HttpCaller]:
    with client_of(engine) as found:
        yield found


def post(client: HttpCaller, data: bytes, path: str = "/nhsa", **headers: str) -> dict[str, Any]:
    reply = client.post(path, content=data, headers={**HOSPITAL, **headers})
    assert reply.status_code == 200
    told: dict[str, Any] = reply.json()
    return told


def test_a_stop_is_the_first_finding(client: HttpCaller) -> None:
    message = audit_message(stay(), "3101", at=NOW, trig_scen="5", task_id="t9")
    reply = client.post("/nhsa/3101", content=message, headers=HOSPITAL)
    (stop,) = findings(reply.content)
    assert (stop["sev_deg"], stop["patn_id"], stop["mdtrt_id"], stop["task_id"]) == ("1", "P-1", "Z-1", "t9")
    assert stop["rule_id"].startswith("age:")
    assert [detail["rx_id"] for detail in stop["judge_result_detail_dtos"]] == ["O1"]
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/nhsa", "/nhsa/3101", "/nhsa/3102"])
def test_what_the_body_says_it_is_comes_first(client: HttpCaller, path: str) -> None:
    told = post(client, audit_message(stay(), "3102", at=NOW), path)
    assert [one["rule_id"] for one in told["output"]["result"]][-1] == "CASEMETER-GROUP"


@pytest.mark.parametrize(("path", "group"), [("/nhsa/3101", False), ("/nhsa/3102", True)])
def test_the_path_says_what_the_body_does_not(client: HttpCaller, path: str, group: bool) -> None:
    message = edited(json.loads(audit_message(stay(), "3101", at=NOW)), [{"at": "infno", "absent": True}])
    rules = [one["rule_id"] for one in post(client, written(message), path)["output"]["result"]]
    assert ("CASEMETER-GROUP" in rules) == group


def test_a_patient_who_does_not_stay_is_not_asked_about(client: HttpCaller) -> None:
    message = edited(base_message(), [{"at": f"{VISIT}.med_mdtrt_type", "value": "1"}])
    told = post(client, written(message), **FULL)
    assert (told["infcode"], told["output"], told["verdicts"]) == (0, {"result": []}, [])


@settings(max_examples=40, deadline=None)
@given(encounters | encounters.map(sound))
def test_the_verdict_is_that_of_the_carried_facts(
    client: HttpCaller, engine: Engine, encounter: Encounter
) -> None:
    """An encounter gets the verdict, or the faults, that gRPC gives to what is carried of it."""
    request = EvaluateRequest(encounter=carried(encounter), phase="CARE_PHASE_ORDER")
    request.as_of.FromDatetime(NOW)
    told = post(client, audit_message(encounter, "3101", at=NOW, trig_scen="5"), **FULL)
    try:
        verdict = engine.evaluator.evaluate(
            request, Caller(HOSPITAL["casemeter-hospital"], "physician")
        ).verdict
    except RequestError as error:
        assert told["infcode"] == -1
        assert ("共" in told["err_msg"] or "至少" in told["err_msg"]) == (len(error.error.faults) > 1)
    else:
        assert told["infcode"] == 0, told["err_msg"]
        (written_out,) = told["verdicts"]
        assert json_format.ParseDict(written_out, Verdict()) == verdict


def test_several_visits_are_answered_in_one_reply(client: HttpCaller) -> None:
    message = json.loads(audit_message(stay(), "3101", at=NOW, trig_scen="5"))
    patients = message["input"]["data"]["patient_dtos"]
    patients *= 20
    told = post(client, written(message), **FULL)
    assert len(told["output"]["result"]) == len(told["verdicts"]) == 20


def test_of_several_visits_none_is_answered_if_one_cannot_be(bundles: Path, tmp_path: Path) -> None:
    message = json.loads(audit_message(stay(), "3101", at=NOW, trig_scen="5"))
    (first,) = message["input"]["data"]["patient_dtos"]
    (visit,) = first["fsi_encounter_dtos"]
    second = {**first, "fsi_encounter_dtos": [{**visit, "dscg_date": "2026-05-01 08:00:00"}]}
    message["input"]["data"]["patient_dtos"] = [first, second]
    with stored(tmp_path) as store, client_of(engine_of(snapshot_of(bundles), store)) as client:
        told = post(client, written(message))
        assert told["err_msg"] == "patient_dtos[1].fsi_encounter_dtos[0].dscg_date 时间先后颠倒，请更正"
    with stored(tmp_path) as store:  # what waited to be written was, when the store was closed
        hospital = HOSPITAL["casemeter-hospital"]
        assert asyncio.run(store.read(lambda reading: reading.alerts(hospital, "Z-1"))) == []


def test_yuan_are_shown_where_they_are_asked_for(engine: Engine) -> None:
    with client_of(engine, DoorSettings(nhsa=NhsaSettings(show_yuan=True))) as client:
        (stop,) = post(client, audit_message(stay(), "3101", at=NOW, trig_scen="5"))["output"]["result"]
    assert (stop["vola_amt"], stop["vola_amt_stas"]) == (12.5, "1")


def post_and_wait(client: HttpCaller, store: Store, message: bytes) -> dict[str, Any]:
    """Return the only finding of a reply, once it is recorded; that waits for nobody, and nobody for it."""
    (stop,) = post(client, message)["output"]["result"]

    async def recorded() -> None:
        while True:
            alerts = await store.read(lambda reading: reading.alerts(HOSPITAL["casemeter-hospital"], "Z-1"))
            if any(alert.id == stop["jr_id"] for alert in alerts):
                return
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(recorded(), 60))
    found: dict[str, Any] = stop
    return found


def test_what_was_answered_is_not_asked_again(bundles: Path, tmp_path: Path) -> None:
    message = audit_message(stay(), "3101", at=NOW, trig_scen="5")
    with stored(tmp_path) as store, client_of(engine_of(snapshot_of(bundles), store)) as client:
        stop = post_and_wait(client, store, message)
        answer = Answer(stop["jr_id"], GO_ON, "遵会诊意见：张主任 6 月 5 日会诊，家属知情")
        told = post(client, feedback_message([answer], at=NOW), "/nhsa/3103")
        assert (told["infcode"], told["err_msg"]) == (0, "")
        assert post(client, message)["output"]["result"] == []


def test_feedback_is_kept_as_a_whole_or_not_at_all(bundles: Path, tmp_path: Path) -> None:
    message = audit_message(stay(), "3101", at=NOW, trig_scen="5")
    with stored(tmp_path) as store, client_of(engine_of(snapshot_of(bundles), store)) as client:
        stop = post_and_wait(client, store, message)
        answers = [Answer(stop["jr_id"], CHANGE), Answer("nobody", CHANGE)]
        told = post(client, feedback_message(answers, at=NOW))
        assert told["infcode"] == -1
        assert told["err_msg"] == "warns[1] 所反馈的违规标识不存在，请填返回结果中的 jr_id"
        (again,) = post(client, message)["output"]["result"]
        assert again["rule_id"] == stop["rule_id"]


def test_an_answer_to_a_line_that_no_rule_makes_is_taken_and_not_kept(client: HttpCaller) -> None:
    """This engine has no store: what had to be kept would be refused."""
    *_, line = post(client, audit_message(stay(), "3102", at=NOW))["output"]["result"]
    told = post(client, feedback_message([Answer(line["jr_id"], CHANGE)], at=NOW, warn_type="2"))
    assert told["infcode"] == 0
    told = post(client, feedback_message([Answer("n", CHANGE)], at=NOW))
    assert (told["infcode"], told["err_msg"]) == (-1, "服务端未启用存储，反馈无法保存")


def test_faults_are_told_in_the_envelope(client: HttpCaller) -> None:
    edits = [
        {"at": f"{VISIT}.adm_date", "value": "x"},
        {"at": "input.data.patient_dtos.gend", "value": "y"},
    ]
    told = post(client, written(edited(base_message(), edits)))
    assert (told["infcode"], told["output"]) == (-1, {"result": []})
    assert told["err_msg"] == "patient_dtos[0].gend 取值不在代码表中，请按代码表填写（共 2 处错误）"
    with pytest.raises(AuditFailed):
        findings(json.dumps(told).encode())


def test_faults_of_the_stay_name_places_of_the_message(client: HttpCaller) -> None:
    edits = [{"at": f"{VISIT}.dscg_date", "value": "2026-05-01 08:00:00"}]
    told = post(client, written(edited(base_message(), edits)))
    assert told["err_msg"] == "patient_dtos[0].fsi_encounter_dtos[0].dscg_date 时间先后颠倒，请更正"


@pytest.mark.parametrize("path", ["/nhsa", "/nhsa/3101", "/nhsa/3103"])
def test_what_is_no_message_is_an_error_of_http_too(client: HttpCaller, path: str) -> None:
    reply = client.post(path, content=b"<xml/>", headers=HOSPITAL)
    assert reply.status_code == 400
    assert reply.json()["infcode"] == -1
    assert reply.json()["err_msg"] == "报文不是有效的 JSON（UTF-8 或 GBK），请检查报文"


def test_who_is_not_known_is_told_so_in_an_envelope(engine: Engine) -> None:
    with client_of(engine, peer="192.0.2.7") as client:
        reply = client.post("/nhsa/3101", content=audit_message(stay(), "3101", at=NOW))
    assert reply.status_code == 401
    assert reply.json()["infcode"] == -1
    assert reply.json()["output"] == {"result": []}
