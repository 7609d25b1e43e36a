"""The JSON door: the calls of the contract over HTTP, and what it says to whatever else is sent."""

from __future__ import annotations

import asyncio
import json
import socket
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from casemeter.v1 import living_pb2, service_pb2
from casemeter_server.caller import Caller
from casemeter_server.calls import Call, StreamCall
from casemeter_server.doors.app import create_app, serve_doors
from casemeter_server.doors.asking import MAX_BODY_BYTES
from casemeter_server.engine import Engine
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import Authenticator
from door_apps import AS_OF, calling, client_of, engine_of, snapshot_of
from door_apps import Caller as HttpCaller
from live import ask, live

CASES = tomllib.loads((Path(__file__).parent / "data" / "doors_http.toml").read_text("utf-8"))["case"]
CALLS = ("Evaluate", "EvaluateStream", "ListPacks", "SearchTerms", "WatchEncounter")
FINDINGS = tomllib.loads((Path(__file__).parent / "data" / "findings.toml").read_text("utf-8"))["case"]


@pytest.fixture(scope="module")
def engine(bundles: Path, default_bundle: Path) -> Engine:
    return engine_of(snapshot_of(bundles, [default_bundle]))


@pytest.fixture(scope="module")
def client(engine: Engine) -> Iterator[HttpCaller]:
    with client_of(engine) as found:
        yield found


def body_of(case: dict[str, Any]) -> bytes:
    text: str = case.get("body", "{}") * case.get("times", 1)
    return text.encode()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_http_can_get_wrong(client: HttpCaller, case: dict[str, Any]) -> None:
    headers = {"content-type": "application/json", **case.get("headers", {})}
    reply = client.request(
        case.get("method", "POST"), case.get("path", "/v1/Evaluate"), content=body_of(case), headers=headers
    )
    assert reply.status_code == case["status"]
    assert reply.headers["content-type"] == "application/json"
    error = reply.json()["error"]
    assert error["reason"] == case["reason"]
    assert isinstance(error["code"], int)
    assert case["says"] in error["message"]
    for name, value in case.get("reply", {}).items():
        assert reply.headers[name] == value


def requests_of_findings() -> list[service_pb2.EvaluateRequest]:
    values = [
        {"as_of": AS_OF, "pack": "tiny", "call_id": "1", **case.get("request", {})} for case in FINDINGS
    ]
    return [json_format.ParseDict(value, service_pb2.EvaluateRequest()) for value in values]


def test_evaluate_gives_the_verdict_of_grpc(client: HttpCaller, engine: Engine) -> None:
    requests = requests_of_findings()
    with live(engine.evaluator.snapshot) as server, grpc.insecure_channel(server.address) as channel:
        for request in requests:
            data = ask(channel, "Evaluate", request.SerializeToString())
            expected = service_pb2.EvaluateResponse.FromString(data)
            reply = client.post("/v1/Evaluate", json=json_format.MessageToDict(request))
            said = json_format.Parse(reply.content, service_pb2.EvaluateResponse())
            assert said.verdict.SerializeToString(deterministic=True) == expected.verdict.SerializeToString(
                deterministic=True
            )
            assert said.call_id == "1"


def test_an_error_says_what_grpc_says(client: HttpCaller, engine: Engine) -> None:
    request = {"pack": "tiny", "encounter": {"icuHours": -1, "diagnoses": [{"code": ""}]}}
    reply = client.post("/v1/Evaluate", json=request)
    with pytest.raises(RequestError) as caught:
        engine.evaluator.evaluate(json_format.ParseDict(request, service_pb2.EvaluateRequest()), Caller())
    assert reply.status_code == 400
    assert reply.json() == {"error": json_format.MessageToDict(caught.value.error)}


def test_the_same_body_gets_the_same_verdict_byte_for_byte(client: HttpCaller) -> None:
    body = {"asOf": AS_OF, "pack": "tiny", "encounter": {"diagnoses": [{"code": "I63.900"}]}}
    first, second = (client.post("/v1/Evaluate", json=body).content for _ in range(2))
    assert first.partition(b'"callId"')[0] == second.partition(b'"callId"')[0]


def test_the_header_says_the_moment(client: HttpCaller) -> None:
    body = {"asOf": "2026-01-01T00:00:00Z", "pack": "tiny", "encounter": {}}
    reply = client.post("/v1/Evaluate", json=body, headers={"casemeter-as-of": AS_OF})
    assert reply.json()["verdict"]["asOf"] == "2026-06-05T04:00:00Z"


def test_every_call_is_there(client: HttpCaller, engine: Engine) -> None:
    for name in (*engine.calls, "EvaluateStream"):
        reply = client.get(f"/v1/{name}")
        assert reply.status_code == 405, name
        assert reply.headers["allow"] == "POST"
    assert client.post("/v1/ListPacks", json={}).json()["packs"]


def test_a_stream_of_evaluations_goes_on_after_an_error(client: HttpCaller) -> None:
    lines = [
        b'{"callId":"1","pack":"tiny","encounter":{"diagnoses":[{"code":"I63.900"}]}}',
        b"",
        b'{"call_id":"2","pack":"tiny","encounter":{"diagnosis":1}}',
        b"{",
        b'{"callId":"4","pack":"tiny"}',
    ]
    reply = client.post(
        "/v1/EvaluateStream", content=b"\r\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    told = [json.loads(line) for line in reply.text.splitlines()]
    assert [one.get("callId") for one in told] == ["1", "2", None, "4"]
    assert [one.get("error", {}).get("reason") for one in told] == [None, "INVALID_REQUEST", "NOT_JSON", None]
    for one in told:
        json_format.ParseDict(one, service_pb2.EvaluateStreamResponse())


def watching(*changes: living_pb2.EncounterChange | RequestError) -> StreamCall:
    async def answer(_: Any, __: Caller) -> AsyncIterator[living_pb2.EncounterChange]:
        for change in changes:
            if isinstance(change, RequestError):
                raise change
            yield change

    return StreamCall("WatchEncounter", living_pb2.WatchEncounterRequest, answer)


@contextmanager
def watcher(bundles: Path, *changes: living_pb2.EncounterChange | RequestError) -> Iterator[HttpCaller]:
    engine = engine_of(snapshot_of(bundles))
    call = watching(*changes)
    engine.calls = {**engine.calls, call.name: call}
    with calling(create_app(engine, Authenticator())) as client:
        yield client


CHANGE = living_pb2.EncounterChange(state_hash="a" * 64, version=3)
GONE = RequestError("STORE_UNAVAILABLE", {})


def test_watching_as_lines_and_as_events(bundles: Path) -> None:
    with watcher(bundles, CHANGE, CHANGE, GONE) as client:
        lines = client.post("/v1/WatchEncounter", json={"encounterId": "1"})
        events = client.post("/v1/WatchEncounter", json={}, headers={"accept": "text/event-stream"})
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    first, second, last = (json.loads(line) for line in lines.text.splitlines())
    assert first == second == {"stateHash": "a" * 64, "version": "3"}
    assert last["error"]["reason"] == "STORE_UNAVAILABLE"
    assert events.headers["content-type"].startswith("text/event-stream")
    *told, last_event, end = events.text.split("\n\n")
    assert [json.loads(event.removeprefix("data: ")) for event in told] == [first, second]
    assert last_event.startswith("event: error\ndata: {")
    assert end == ""


def test_an_error_before_the_first_change_is_the_status(bundles: Path) -> None:
    with watcher(bundles, GONE) as client:
        reply = client.post("/v1/WatchEncounter", json={})
    assert reply.status_code == 503
    assert reply.json()["error"]["reason"] == "STORE_UNAVAILABLE"
    with watcher(bundles) as client:
        assert client.post("/v1/WatchEncounter", json={}).content == b""


def test_a_bug_is_told_as_one_and_its_values_are_not_logged(
    bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_of(snapshot_of(bundles))

    async def fail(_: Any, __: Caller) -> Any:
        raise LookupError("patient 4711")

    engine.calls = {"ListPacks": Call("ListPacks", service_pb2.ListPacksRequest, fail)}
    with client_of(engine) as client, caplog.at_level("INFO"):
        reply = client.post("/v1/ListPacks", json={})
    assert reply.status_code == 500
    assert reply.json()["error"]["reason"] == "INTERNAL"
    assert "LookupError" in caplog.text
    assert "4711" not in caplog.text + reply.text


def test_who_is_not_known_gets_nothing_but_the_health(engine: Engine) -> None:
    with client_of(engine, peer="10.0.0.7") as client:
        assert client.get("/healthz").json() == {"status": "SERVING"}
        for name in (*engine.calls, "EvaluateStream"):
            reply = client.post(f"/v1/{name}", json={})
            assert reply.status_code == 401
            assert reply.json()["error"]["reason"] == "UNAUTHENTICATED"
            assert reply.headers["www-authenticate"] == "Bearer"


@given(
    st.binary(max_size=200) | st.text(max_size=100).map(str.encode),
    st.sampled_from(CALLS),
)
def test_any_bytes_get_an_error_in_the_form_of_the_door(client: HttpCaller, body: bytes, method: str) -> None:
    kind = "application/x-ndjson" if method == "EvaluateStream" else "application/json"
    reply = client.post(f"/v1/{method}", content=body, headers={"content-type": kind})
    assert reply.status_code < 500
    if reply.status_code != 200:
        assert reply.json()["error"].keys() >= {"code", "reason", "message"}


def test_over_a_socket(engine: Engine) -> None:
    async def talk() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            app = create_app(engine, Authenticator())
            async with serve_doors(app, [listener], 5.0), httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/healthz")).status_code == 200
                body = {"pack": "tiny", "encounter": {"diagnoses": [{"code": "I63.900"}]}}
                reply = await client.post("/v1/Evaluate", json=body)
                assert reply.json()["verdict"]["group"]
                large = await client.post(
                    "/v1/Evaluate",
                    content=b" " * (MAX_BODY_BYTES + 1),
                    headers={"content-type": "application/json"},
                )
                assert large.status_code == 413

    asyncio.run(talk())
