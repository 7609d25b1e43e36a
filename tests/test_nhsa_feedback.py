"""Message 3103: what was answered to findings, and the reply."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime
from typing import Any

import pytest

from casemeter.v1 import finding_pb2
from casemeter_client.emr.nhsa import CHANGE, CHINA, GO_ON, Answer, feedback_message
from casemeter_rules.alerting.overrides import shipped_reasons
from casemeter_server.doors.nhsa.envelope import Stamp
from casemeter_server.doors.nhsa.feedback import coded_reason, read_feedback, write_feedback
from casemeter_server.errors import RequestError
from nhsa_messages import DATA, ZONE, written

CASES = tomllib.loads((DATA / "nhsa_feedback.toml").read_text("utf-8"))
NOW = datetime(2026, 6, 5, 12, tzinfo=CHINA)


def sent(warns: Any) -> bytes:
    return written({"infno": "3103", "msgid": "m", "input": {"data": {"warn_type": "1", "warns": warns}}})


def faults_of(data: bytes) -> list[str]:
    with pytest.raises(RequestError) as caught:
        read_feedback(data)
    return [f"{fault.field} {fault.reason}" for fault in caught.value.error.faults]


@pytest.mark.parametrize("case", CASES["read"], ids=lambda case: str(case["name"]))
def test_answers(case: dict[str, Any]) -> None:
    feedback = read_feedback(sent(case["warns"]))
    told = [f"{one.number} {_name(one.answer)} [{one.reason}] {one.text}" for one in feedback.answers]
    assert told == case["answers"]


def _name(answer: finding_pb2.AlertAnswer) -> str:
    return finding_pb2.AlertAnswer.Name(answer).removeprefix("ALERT_ANSWER_")


@pytest.mark.parametrize("case", CASES["fault"], ids=lambda case: str(case["name"]))
def test_faults(case: dict[str, Any]) -> None:
    assert faults_of(sent(case["warns"])) == case["faults"]


def test_limits() -> None:
    warn = {"warn_rslt_id": "n", "dspo_way": "1", "dspo_way_rea": "x" * 500}
    assert read_feedback(sent([warn])).answers[0].text == "x" * 500
    assert faults_of(sent([{**warn, "dspo_way_rea": "x" * 501}])) == [
        "input.data.warns[0].dspo_way_rea TOO_LONG"
    ]
    assert faults_of(sent([warn] * 1001)) == ["input.data.warns TOO_MANY"]
    assert faults_of(written({"infno": "3101", "input": {"data": {"warns": [warn]}}})) == [
        "infno UNKNOWN_VALUE"
    ]
    assert faults_of(written({"infno": "3103"})) == ["input.data REQUIRED"]


def test_every_reason_is_known_by_its_code_and_its_names() -> None:
    for name, reason in shipped_reasons().by_code.items():
        for said in (name, reason.zh, reason.en, name.upper()):
            assert coded_reason(said) == (reason.code, "")
        assert coded_reason(f"{reason.zh}（甲乙）") == (reason.code, "甲乙")


def test_what_the_client_sends_is_read() -> None:
    answers = [Answer("a", CHANGE), Answer("b", GO_ON, "emergency: 术中抢救")]
    feedback = read_feedback(feedback_message(answers, at=NOW, fixmedins_code="H33010000001"))
    assert [(one.number, one.reason, one.text) for one in feedback.answers] == [
        ("a", "", ""),
        ("b", "emergency", "术中抢救"),
    ]
    assert [one.place for one in feedback.answers] == ["input.data.warns[0]", "input.data.warns[1]"]
    assert feedback.envelope.msgid == "H33010000001202606051200000000"
    assert len(feedback.envelope.msgid) == 30


def test_the_reply_is_an_envelope() -> None:
    moment = datetime(2026, 6, 5, 12, tzinfo=ZONE)
    feedback = read_feedback(sent([{"warn_rslt_id": "n", "dspo_way": "2"}]))
    reply = json.loads(write_feedback(feedback, Stamp(moment, moment, 1, "330100")))
    assert (reply["infcode"], reply["err_msg"], reply["output"]) == (0, "", {})
    assert reply["inf_refmsgid"] == "330100202606051200000000000001"
