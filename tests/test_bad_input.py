"""Bad requests, by every way in: the documented status, reason and fields, and the server goes on."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hypothesis import HealthCheck, given, settings

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.error_pb2 import Error
from casemeter.v1.service_pb2 import (
    EvaluateRequest,
    EvaluateResponse,
    EvaluateStreamResponse,
    ListPacksResponse,
)
from casemeter.v1.verdict_pb2 import GROUP_STATUS_GROUPED, Verdict
from casemeter_server.caller import Caller
from casemeter_server.errors import MAX_FAULTS, RequestError, catalogue
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from live import ask, ask_stream, live, tiny_bundle
from request_strategies import requests, tails

CASES = tomllib.loads((Path(__file__).parent / "data" / "bad_requests.toml").read_text("utf-8"))["case"]
GOOD = {
    "as_of": "2026-06-01T12:00:00+08:00",
    "encounter": {"diagnoses": [{"code": "I63.900"}], "sex": "SEX_MALE", "icu_hours": 0},
}


@pytest.fixture(scope="module")
def snapshot(bundles: Path) -> Snapshot:
    return replace(Snapshot.open([tiny_bundle(bundles)]), default="", hospital_defaults={"H1": "tiny"})


@pytest.fixture(scope="module")
def channel(snapshot: Snapshot) -> Iterator[grpc.Channel]:
    options = (("grpc.max_send_message_length", 16 << 20),)
    with live(snapshot) as server, grpc.insecure_channel(server.address, options) as channel:
        yield channel


def request_of(case: dict[str, Any]) -> EvaluateRequest:
    request = EvaluateRequest()
    json_format.ParseDict({"as_of": GOOD["as_of"], **case.get("request", {})}, request)
    for name, (count, entry) in case.get("repeat", {}).items():
        json_format.ParseDict({name: [entry] * count}, request.encounter)
    for unit in ("seconds", "nanos"):
        for path, value in case.get(unit, {}).items():
            at: Any = request
            for part, place in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
                at = getattr(at, part)[int(place)] if place else getattr(at, part)
            setattr(at, unit, value)
    return request


class Told(NamedTuple):
    """What the caller is told."""

    status: str
    reason: str
    faults: list[str]
    messages: list[str]


def told(error: Error) -> Told:
    status = next(status for status in grpc.StatusCode if status.value[0] == error.code)
    faults = [f"{fault.field} {fault.reason}" for fault in error.faults]
    return Told(status.name, error.reason, faults, [error.message, *(f.message for f in error.faults)])


def in_process(snapshot: Snapshot, _: grpc.Channel, request: EvaluateRequest, hospital: str) -> Told:
    with pytest.raises(RequestError) as caught:
        Evaluator(snapshot, ZoneInfo("Asia/Shanghai")).evaluate(request, Caller(hospital))
    assert caught.value.status.value[0] == caught.value.error.code
    return told(caught.value.error)


def own_error(failure: Any) -> Told:
    """The error of a failed call, which must say the same in all its three forms."""
    metadata = dict(failure.trailing_metadata())
    assert sum(len(key) + len(value) + 32 for key, value in metadata.items()) < 8000  # callers take 8 KiB
    error = Error.FromString(metadata["casemeter-error-bin"])
    found = told(error)
    assert failure.code().name == found.status
    assert failure.details() == error.message

    rich = rpc_status.from_call(failure)
    assert rich is not None
    assert (rich.code, rich.message) == (error.code, error.message)
    info = error_details_pb2.ErrorInfo()
    assert rich.details[0].Unpack(info)
    assert (info.reason, info.domain) == (error.reason, "casemeter")
    assert len(rich.details) == (2 if error.faults else 1)
    if error.faults:
        bad = error_details_pb2.BadRequest()
        assert rich.details[1].Unpack(bad)
        violations = [(v.field, v.reason, v.description) for v in bad.field_violations]
        assert violations == [(fault.field, fault.reason, fault.message) for fault in error.faults]
    return found


def unary(_: Snapshot, channel: grpc.Channel, request: EvaluateRequest, hospital: str) -> Told:
    return own_error(failure_of(channel, "Evaluate", request.SerializeToString(), hospital))


def stream(_: Snapshot, channel: grpc.Channel, request: EvaluateRequest, hospital: str) -> Told:
    good = json_format.ParseDict({**GOOD, "pack": "tiny"}, EvaluateRequest())
    sent = [message.SerializeToString() for message in (good, request, good)]
    first, answer, last = map(EvaluateStreamResponse.FromString, ask_stream(channel, sent, hospital))
    for reply in (first, last):
        assert reply.response.verdict.status == GROUP_STATUS_GROUPED
    assert answer.WhichOneof("result") == "error"
    assert answer.call_id == request.call_id[:64]
    return told(answer.error)


def failure_of(channel: grpc.Channel, method: str, data: bytes, hospital: str = "H1") -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, method, data, hospital)
    return caught.value


def code_of(failure: Any) -> grpc.StatusCode:
    code: grpc.StatusCode = failure.code()
    return code


def evaluate(channel: grpc.Channel, request: EvaluateRequest) -> EvaluateResponse:
    return EvaluateResponse.FromString(ask(channel, "Evaluate", request.SerializeToString(), "H1"))


def check_still_answers(channel: grpc.Channel) -> None:
    response = evaluate(channel, json_format.ParseDict(GOOD, EvaluateRequest()))
    assert response.verdict.status == GROUP_STATUS_GROUPED


@pytest.mark.parametrize("entrance", (in_process, unary, stream))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_bad_request_is_told_what_is_wrong(
    case: dict[str, Any], entrance: Any, snapshot: Snapshot, channel: grpc.Channel
) -> None:
    found: Told = entrance(snapshot, channel, request_of(case), case.get("hospital", "H1"))
    status = case.get("status", "INVALID_ARGUMENT")
    reason = case.get("reason", "INVALID_REQUEST")
    assert found[:3] == (status, reason, case["faults"])
    for text in found.messages:
        assert text.endswith(".")
        assert "{" not in text
        assert len(text) < 400


@pytest.mark.parametrize("entrance", (in_process, unary, stream))
def test_of_very_many_faults_the_first_are_listed(
    entrance: Any, snapshot: Snapshot, channel: grpc.Channel
) -> None:
    far, late = "2026-05-01T12:00:00+08:00", "2026-05-31T12:00:00+08:00"
    longest = {"code": "I63.900", "start_time": late, "end_time": far}
    request = request_of(
        {"request": {"encounter": {"discharge_time": far}}, "repeat": {"procedures": [200, longest]}}
    )
    found: Told = entrance(snapshot, channel, request, "H1")
    assert found.messages[0].startswith("400 field(s)")
    assert len(found.faults) == MAX_FAULTS
    assert f"up to {MAX_FAULTS} are listed" in found.messages[0]
    assert found.faults[:3] == [
        "encounter.discharge_time TIMES_OUT_OF_ORDER",
        "encounter.procedures[0].end_time TIMES_OUT_OF_ORDER",
        "encounter.discharge_time TIMES_OUT_OF_ORDER",
    ]


def test_what_the_caller_sends_is_quoted_shortly(channel: grpc.Channel) -> None:
    failure = failure_of(channel, "Evaluate", b"", "H" * 3000)
    assert own_error(failure).reason == "UNAUTHENTICATED"
    failure = failure_of(channel, "Evaluate", b"", "H" * 64)
    assert own_error(failure).reason == "NO_DEFAULT_PACK"
    request = EvaluateRequest(pack="药" * 100_000)
    failure = failure_of(channel, "Evaluate", request.SerializeToString())
    assert own_error(failure).reason == "UNKNOWN_PACK"


def test_every_reason_has_a_case() -> None:
    """Reasons of requests have their cases here; those of events, answers and doors have theirs elsewhere."""
    folder = Path(__file__).parent
    files = [*folder.glob("data/**/*.toml"), *folder.glob("*.py")]
    words = {word for path in files for word in re.findall(r"[A-Z][A-Z_]+", path.read_text("utf-8"))}
    assert {fault.split()[1] for case in CASES for fault in case["faults"]} <= set(catalogue()["field"])
    assert words >= set(catalogue()["field"])
    assert {case.get("reason", "INVALID_REQUEST") for case in CASES} <= set(catalogue()["request"])
    assert words >= set(catalogue()["request"])


def test_limits_themselves_are_allowed(channel: grpc.Channel) -> None:
    day = "2026-05-01T12:00:00+08:00"
    encounter = {
        "encounter_id": "X" * 64,
        "insurance_type": "X" * 32,
        "birth_date": "1876-05-01",
        "admission_time": day,
        "discharge_time": day,
        "icu_hours": 100_000,
        "newborn": {"birth_weight_g": 100, "admission_weight_g": 15_000},
        "diagnoses": [{"code": "I" * 40}] * 200,
        "procedures": [{"code": "0" * 40, "start_time": day, "end_time": day}] * 200,
        "segments": [{"department": "X" * 32, "start_time": day, "end_time": day}] * 200,
    }
    request = json_format.ParseDict(
        {"call_id": "X" * 64, "as_of": GOOD["as_of"], "encounter": encounter}, EvaluateRequest()
    )
    response = evaluate(channel, request)
    assert response.call_id == "X" * 64
    assert response.verdict.facts.age_years == 150


# What is on the wire is no request at all.

RANDOM = [random.Random(seed).randbytes(1 + seed * 7) for seed in range(40)]
CUT = json_format.ParseDict(GOOD, EvaluateRequest()).SerializeToString()[:-1]
NOT_UTF8 = b"\x0a\x02\xff\xfe"
NOT_REQUESTS = {
    "bytes cut short": CUT,
    "text that is not UTF-8": NOT_UTF8,
    "JSON": b'{"encounter": {}}',
    "another message": Verdict(status=GROUP_STATUS_GROUPED, failed_tests=["x"], pack={"id": "tiny"}),
}


@pytest.mark.parametrize("sent", NOT_REQUESTS.values(), ids=NOT_REQUESTS.keys())
def test_what_is_no_request_is_refused(sent: bytes | Message, channel: grpc.Channel) -> None:
    data = sent if isinstance(sent, bytes) else sent.SerializeToString()
    assert own_error(failure_of(channel, "Evaluate", data))[:3] == (
        "INVALID_ARGUMENT",
        "MALFORMED_REQUEST",
        [],
    )
    (answer,) = ask_stream(channel, [data])
    assert told(EvaluateStreamResponse.FromString(answer).error)[:2] == (
        "INVALID_ARGUMENT",
        "MALFORMED_REQUEST",
    )
    check_still_answers(channel)


def test_random_bytes_are_refused_or_read_as_fields_of_another_version(channel: grpc.Channel) -> None:
    malformed = 0
    for data in RANDOM:
        try:
            ask(channel, "Evaluate", data, "H1")
        except grpc.RpcError as failure:
            malformed += own_error(failure).reason == "MALFORMED_REQUEST"
    assert malformed > len(RANDOM) * 0.8
    check_still_answers(channel)


def test_list_packs_refuses_what_is_no_request(channel: grpc.Channel) -> None:
    assert own_error(failure_of(channel, "ListPacks", b"\x07")).reason == "MALFORMED_REQUEST"
    reply = ListPacksResponse.FromString(ask(channel, "ListPacks", b""))
    assert [pack.ref.id for pack in reply.packs] == ["tiny"]


@pytest.mark.parametrize("method", ["Evaluate", "EvaluateStream"])
def test_a_message_of_8_mb_is_refused_unread(method: str, channel: grpc.Channel) -> None:
    data = EvaluateRequest(encounter=Encounter(encounter_id="X" * (8 << 20))).SerializeToString()
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, method, data) if method == "Evaluate" else ask_stream(channel, [data])
    assert code_of(caught.value) == grpc.StatusCode.RESOURCE_EXHAUSTED
    check_still_answers(channel)


@pytest.mark.parametrize("method", ["Guess", "/casemeter.v2.CaseMeterService/Evaluate", "/Evaluate"])
def test_an_unknown_method_is_unimplemented(method: str, channel: grpc.Channel) -> None:
    assert code_of(failure_of(channel, method, b"")) == grpc.StatusCode.UNIMPLEMENTED
    check_still_answers(channel)


# Whatever the fields hold, the answer is a verdict or a refusal.

ALLOWED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
}


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=requests, tail=tails)
def test_no_content_makes_the_server_fail(
    request: EvaluateRequest, tail: bytes, channel: grpc.Channel
) -> None:
    data = request.SerializeToString() + tail
    try:
        reply = ask(channel, "Evaluate", data, "H1")
    except grpc.RpcError as failure:
        assert code_of(failure) in ALLOWED
        own_error(failure)
    else:
        assert EvaluateResponse.FromString(reply).verdict.pack.id == "tiny"


def test_after_all_of_it_the_server_still_answers(channel: grpc.Channel) -> None:
    check_still_answers(channel)
