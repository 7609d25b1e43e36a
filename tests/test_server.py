"""The gRPC server: health, reflection, packs and defaults, call ids, deadlines, failures, and its end."""

from __future__ import annotations

import logging
import queue
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from casemeter.v1.error_pb2 import Error
from casemeter.v1.pack_pb2 import Pack
from casemeter.v1.service_pb2 import (
    EvaluateRequest,
    EvaluateResponse,
    EvaluateStreamResponse,
    ListPacksResponse,
)
from casemeter.v1.verdict_pb2 import GROUP_STATUS_GROUPED
from casemeter_grouper.explain import Explanation, explain
from casemeter_grouper.near_misses import NearMisses
from casemeter_grouper.pack.build import build
from casemeter_server import loaded_scheme
from casemeter_server.caller import Caller
from casemeter_server.calls import METHODS
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator
from casemeter_server.snapshot import Snapshot
from live import SERVICE, TINY, Live, ask, ask_stream, live, tiny_bundle

NAME = SERVICE.strip("/")


@pytest.fixture(scope="module")
def next_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 2 of the tiny pack: it holds from 2027 and calls its stroke groups otherwise."""
    folder = shutil.copytree(TINY, tmp_path_factory.mktemp("packs") / "tiny_2")
    header = (folder / "scheme.toml").read_text("utf-8")
    for old, new in {
        'version = "1"': 'version = "2"',
        "valid_from = 2026-01-01\nvalid_until = 2026-12-31": "valid_from = 2027-01-01",
    }.items():
        assert old in header
        header = header.replace(old, new)
    (folder / "scheme.toml").write_text(header, "utf-8")
    return build(folder, folder.with_suffix(".bundle")).target


@pytest.fixture(scope="module")
def snapshot(bundles: Path, default_bundle: Path, next_year: Path) -> Snapshot:
    # The later version is given first: their order is that of their dates.
    return Snapshot.open([next_year, tiny_bundle(bundles), default_bundle], "chs_drg_11", {"H1": "tiny"})


@pytest.fixture(scope="module")
def server(snapshot: Snapshot) -> Iterator[Live]:
    with live(snapshot, metrics="127.0.0.1:0") as server:
        yield server


@pytest.fixture
def channel(server: Live) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


def request(**values: Any) -> EvaluateRequest:
    stroke = {"diagnoses": [{"code": "I63.900"}], "sex": "SEX_MALE", "icu_hours": 0}
    return json_format.ParseDict(
        {"as_of": "2026-06-01T12:00:00+08:00", "encounter": stroke, **values}, EvaluateRequest()
    )


def evaluate(channel: grpc.Channel, sent: EvaluateRequest, hospital: str = "") -> EvaluateResponse:
    return EvaluateResponse.FromString(ask(channel, "Evaluate", sent.SerializeToString(), hospital))


def test_health_is_told_for_the_server_and_the_service(channel: grpc.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    for name in ("", NAME):
        reply = stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="casemeter.v9.Service"))
    assert code_of(caught.value) == grpc.StatusCode.NOT_FOUND


def test_reflection_describes_the_service(channel: grpc.Channel) -> None:
    database = ProtoReflectionDescriptorDatabase(channel)
    assert set(database.get_services()) == {
        NAME,
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    found = DescriptorPool(database).FindServiceByName(NAME)
    assert [method.name for method in found.methods] == list(METHODS)
    fields = found.methods_by_name["Evaluate"].input_type.fields_by_name
    assert fields.keys() == EvaluateRequest.DESCRIPTOR.fields_by_name.keys()


# Packs


@pytest.mark.parametrize(
    ("hospital", "named", "as_of", "answers"),
    [
        ("", "", "2026-06-01T12:00:00+08:00", "chs_drg_11 "),
        ("H2", "", "2026-06-01T12:00:00+08:00", "chs_drg_11 "),
        ("H1", "", "2026-06-01T12:00:00+08:00", "tiny 1"),
        ("H1", "chs_drg_11", "2026-06-01T12:00:00+08:00", "chs_drg_11 "),
        ("", "tiny", "2026-01-01T00:00:00+08:00", "tiny 1"),
        ("", "tiny", "2026-12-31T23:59:59+08:00", "tiny 1"),
        ("", "tiny", "2026-12-31T16:00:00Z", "tiny 2"),  # midnight in the hospital's zone
        ("", "tiny", "2045-01-01T00:00:00+08:00", "tiny 2"),
    ],
)
def test_the_pack_that_answers(
    hospital: str, named: str, as_of: str, answers: str, channel: grpc.Channel
) -> None:
    pack = evaluate(channel, request(pack=named, as_of=as_of), hospital).verdict.pack
    assert f"{pack.id} {pack.version}" == answers
    assert len(pack.bundle_sha256) == 64


def test_the_version_is_that_of_the_day_of_discharge(channel: grpc.Channel) -> None:
    sent = request(pack="tiny", as_of="2027-02-01T00:00:00+08:00")
    assert evaluate(channel, sent).verdict.pack.version == "2"
    sent.encounter.discharge_time.FromJsonString("2026-12-31T12:00:00+08:00")
    assert evaluate(channel, sent).verdict.pack.version == "1"


@pytest.mark.parametrize(("hospital", "default"), [("", "chs_drg_11"), ("H1", "tiny"), ("H2", "chs_drg_11")])
def test_packs_are_listed_by_id_and_first_day(hospital: str, default: str, channel: grpc.Channel) -> None:
    packs = ListPacksResponse.FromString(ask(channel, "ListPacks", b"", hospital)).packs
    assert [(pack.ref.id, pack.ref.version, pack.valid_from, pack.valid_until) for pack in packs] == [
        ("chs_drg_11", "", "", ""),
        ("tiny", "1", "2026-01-01", "2026-12-31"),
        ("tiny", "2", "2027-01-01", ""),
    ]
    assert [pack.is_default for pack in packs] == [pack.ref.id == default for pack in packs]
    tiny: Pack = packs[1]
    assert (tiny.mdc_count, tiny.adrg_count, tiny.group_count) == (3, 6, 13)
    assert (tiny.diagnosis_system, tiny.procedure_system) == ("ICD-10", "ICD-9-CM-3")
    assert tiny.title == "Tiny scheme"


# Call ids and bytes


def test_a_call_id_comes_back_or_is_made(channel: grpc.Channel) -> None:
    assert evaluate(channel, request(call_id="ward 7/呼叫")).call_id == "ward 7/呼叫"
    made = {evaluate(channel, request()).call_id for _ in range(20)}
    assert len(made) == 20
    assert all(len(call_id) == 32 for call_id in made)
    sent = [request(call_id="a"), request(), request(call_id="c", pack="none"), request(pack="none")]
    replies = ask_stream(channel, [one.SerializeToString() for one in sent])
    ids = [EvaluateStreamResponse.FromString(reply).call_id for reply in replies]
    assert (ids[0], len(ids[1]), ids[2], ids[3]) == ("a", 32, "c", "")


def test_the_same_question_gets_the_same_bytes(channel: grpc.Channel) -> None:
    sent = request(explain=True, near_misses=True)
    first, second = evaluate(channel, sent), evaluate(channel, sent)
    assert first.call_id != second.call_id
    verdicts = {reply.verdict.SerializeToString(deterministic=True) for reply in (first, second)}
    assert len(verdicts) == 1
    # Not only when parsed and written again: as they come over the wire, verdict first.
    size = len(verdicts.pop())
    raw = [ask(channel, "Evaluate", sent.SerializeToString()) for _ in range(5)]
    assert len({data[:size] for data in raw}) == 1


@pytest.mark.parametrize("explained", [False, True])
@pytest.mark.parametrize("near_misses", [False, True])
def test_explanation_and_near_misses_are_given_only_when_asked_for(
    explained: bool, near_misses: bool, channel: grpc.Channel
) -> None:
    response = evaluate(channel, request(explain=explained, near_misses=near_misses))
    assert response.verdict.HasField("explanation") is explained
    assert response.verdict.HasField("near_misses") is near_misses
    assert bool(response.timings.explain_ns) is explained
    assert bool(response.timings.near_misses_ns) is near_misses


# Deadlines


@pytest.mark.parametrize("asked", [{"explain": True}, {"near_misses": True}])
def test_nothing_costly_begins_after_the_deadline(asked: dict[str, bool], snapshot: Snapshot) -> None:
    evaluator = Evaluator(snapshot, ZoneInfo("Asia/Shanghai"))
    with pytest.raises(RequestError) as caught:
        evaluator.evaluate(request(**asked), Caller(), in_time=lambda: False)
    assert caught.value.status == grpc.StatusCode.DEADLINE_EXCEEDED
    verdict = evaluator.evaluate(request(), Caller(), in_time=lambda: False).verdict
    assert verdict.HasField("group")  # it was ready


def test_a_deadline_that_passes_between_stages_ends_the_call(
    channel: grpc.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def slowly(*arguments: Any) -> Explanation:
        begun.append("explain")
        time.sleep(0.3)
        return explain(*arguments)

    def find(*_: Any) -> Any:
        begun.append("near misses")

    monkeypatch.setattr(loaded_scheme, "explain", slowly)
    monkeypatch.setattr(NearMisses, "find", find)
    call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"{SERVICE}Evaluate")
    with pytest.raises(grpc.RpcError) as caught:
        call(request(explain=True, near_misses=True).SerializeToString(), timeout=0.15)
    assert code_of(caught.value) == grpc.StatusCode.DEADLINE_EXCEEDED
    assert evaluate(channel, request()).verdict.HasField("group")  # after the other, on one event loop
    assert begun == ["explain"]


# A bug in the server


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Explanation:
        raise ValueError("cannot explain I63.900 of patient Zhang")

    monkeypatch.setattr(loaded_scheme, "explain", fail)


@pytest.mark.parametrize("call_id", ["call-17", ""])
@pytest.mark.usefixtures("bug")
def test_a_failure_is_logged_without_the_patient(
    call_id: str, channel: grpc.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    sent = request(explain=True, call_id=call_id, encounter={"diagnoses": [{"code": "I63.900"}]})
    with caplog.at_level(logging.DEBUG), pytest.raises(grpc.RpcError) as caught:
        evaluate(channel, sent)
    failure: Any = caught.value
    assert failure.code() == grpc.StatusCode.INTERNAL
    error = Error.FromString(dict(failure.trailing_metadata())["casemeter-error-bin"])
    assert error.reason == "INTERNAL"
    (line,) = [record for record in caplog.records if record.name == "casemeter"]
    assert line.levelno == logging.ERROR
    assert line.exc_info is None
    text = line.getMessage()
    assert "ValueError at test_server.py:" in text
    named = text.split("'")[1]
    assert (named == call_id) if call_id else (len(named) == 16)
    assert named in error.message
    for record in caplog.records:
        for secret in ("I63", "Zhang"):
            assert secret not in logging.Formatter().format(record)
    assert "I63" not in failure.details()


@pytest.mark.usefixtures("bug")
def test_a_stream_goes_on_after_a_failure(channel: grpc.Channel) -> None:
    sent = [request(), request(explain=True), request()]
    replies = [
        EvaluateStreamResponse.FromString(data)
        for data in ask_stream(channel, [one.SerializeToString() for one in sent])
    ]
    assert [reply.WhichOneof("result") for reply in replies] == ["response", "error", "response"]
    assert replies[1].error.code == grpc.StatusCode.INTERNAL.value[0]


@pytest.mark.usefixtures("bug")
def test_a_call_id_cannot_forge_a_line_of_the_log(
    channel: grpc.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(grpc.RpcError):
        evaluate(channel, request(explain=True, call_id="x\n2026-06-01 INFO all is well"))
    (line,) = [record for record in caplog.records if record.name == "casemeter"]
    assert "\n" not in line.getMessage()


# The end


def open_stream(channel: grpc.Channel) -> tuple[queue.Queue[bytes | None], Any]:
    """A stream whose requests are put into a queue; ``None`` ends it."""
    sent: queue.Queue[bytes | None] = queue.Queue()
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(f"{SERVICE}EvaluateStream")
    return sent, call(iter(sent.get, None))


def test_a_call_under_way_may_finish_when_the_server_stops(snapshot: Snapshot) -> None:
    with live(snapshot, stop_seconds=20) as server, grpc.insecure_channel(server.address) as channel:
        sent, replies = open_stream(channel)
        data = request(pack="tiny").SerializeToString()
        sent.put(data)
        assert next(replies)
        server.begin_to_stop()
        deadline = time.monotonic() + 10
        while refused(server.address) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert refused(server.address) == grpc.StatusCode.UNAVAILABLE
        sent.put(data)
        reply = EvaluateStreamResponse.FromString(next(replies))
        assert reply.response.verdict.status == GROUP_STATUS_GROUPED
        sent.put(None)
        assert list(replies) == []
        assert server.wait_for_end(5)


def test_a_call_that_does_not_finish_is_ended(snapshot: Snapshot) -> None:
    with live(snapshot, stop_seconds=0.3) as server, grpc.insecure_channel(server.address) as channel:
        sent, replies = open_stream(channel)
        sent.put(request().SerializeToString())
        assert next(replies)
        server.begin_to_stop()
        with pytest.raises(grpc.RpcError) as caught:
            next(replies)
        assert code_of(caught.value) in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        sent.put(None)
        assert server.wait_for_end(5)


def test_an_address_that_is_taken_is_an_error(server: Live, snapshot: Snapshot) -> None:
    with (
        pytest.raises(OSError, match=f"cannot listen on {server.address}"),
        live(snapshot, listen=server.address),
    ):
        pass


def refused(address: str) -> grpc.StatusCode | None:
    """The status of a call over a connection of its own; ``None`` when it is answered."""
    with grpc.insecure_channel(address, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        try:
            ask(channel, "ListPacks", b"")
        except grpc.RpcError as failure:
            return code_of(failure)
    return None


def code_of(failure: Any) -> grpc.StatusCode:
    code: grpc.StatusCode = failure.code()
    return code
