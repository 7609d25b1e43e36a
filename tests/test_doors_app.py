"""The application of the doors: who gets in, what is logged and counted, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from casemeter.v1 import living_pb2, service_pb2
from casemeter_server.caller import Caller
from casemeter_server.calls import Call, StreamCall
from casemeter_server.doors.app import create_app, serve_doors
from casemeter_server.engine import Engine
from casemeter_server.identity.authenticator import Authenticator
from door_apps import calling, engine_of, snapshot_of

OPEN = {"/healthz", "/cds-services"}
"""Paths that ask nobody who they are."""


@pytest.fixture
def engine(bundles: Path) -> Engine:
    return engine_of(snapshot_of(bundles))


def test_every_route_asks_who_calls(engine: Engine) -> None:
    app = create_app(engine, Authenticator())
    routes = [route for route in app.routes if isinstance(route, Route)]
    assert {"/v1/Evaluate", "/docs", "/openapi.json", "/nhsa", "/front-pages", *OPEN} <= {
        route.path for route in routes
    }
    with calling(app, peer="10.0.0.7") as client:
        for route in routes:
            method = min((route.methods or set()) - {"HEAD", "OPTIONS"})
            reply = client.request(method, route.path.replace("{id}", "x"), content=b"{}")
            assert reply.status_code == (200 if route.path in OPEN else 401), route.path


def test_other_machines_are_not_believed_where_there_is_no_identity(engine: Engine) -> None:
    with calling(create_app(engine, Authenticator(), is_local=False)) as client:
        assert client.post("/v1/ListPacks", json={}).status_code == 401


def test_replies_are_counted_and_logged_without_what_they_are_about(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    counted: list[tuple[str, str]] = []
    app = create_app(engine, Authenticator(), count=lambda door, status: counted.append((door, status)))
    with calling(app) as client, caplog.at_level("INFO", "casemeter.access"):
        client.post("/v1/Evaluate", json={"pack": "tiny", "encounter": {"encounterId": "P4711"}})
        client.get("/patients/P4711?name=P4711")
        client.post("/v1/Evaluate", content=b"P4711", headers={"content-type": "application/json"})
        client.get("/healthz")
    assert counted == [("json", "200"), ("-", "404"), ("json", "400"), ("healthz", "200")]
    lines = [record.getMessage() for record in caplog.records if record.name == "casemeter.access"]
    assert [line.rsplit(" ", 2)[0] for line in lines] == [
        "POST json 200",
        "GET - 404",
        "POST json 400",
        "GET healthz 200",
    ]
    assert "P4711" not in caplog.text


# Over a socket


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_call_under_way_finishes(engine: Engine) -> None:
    async def talk() -> None:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def answer(_: Any, __: Caller) -> service_pb2.ListPacksResponse:
            begun.set()
            await go_on.wait()
            return service_pb2.ListPacksResponse()

        engine.calls = {"ListPacks": Call("ListPacks", service_pb2.ListPacksRequest, answer)}
        app = create_app(engine, Authenticator())
        with listening() as (listener, url):
            async with httpx.AsyncClient(base_url=url) as client:
                async with serve_doors(app, [listener], 20.0):
                    asked = asyncio.create_task(client.post("/v1/ListPacks", json={}))
                    await begun.wait()
                    asyncio.get_running_loop().call_later(0.05, go_on.set)
                assert (await asked).json() == {}

    asyncio.run(talk())


def test_who_no_longer_listens_is_no_longer_told(engine: Engine) -> None:
    async def talk() -> None:
        ended = asyncio.Event()

        async def answer(_: Any, __: Caller) -> AsyncIterator[living_pb2.EncounterChange]:
            try:
                yield living_pb2.EncounterChange(version=1)
                await asyncio.Event().wait()
            finally:
                ended.set()

        call = StreamCall("WatchEncounter", living_pb2.WatchEncounterRequest, answer)
        engine.calls = {call.name: call}
        app = create_app(engine, Authenticator())
        with listening() as (listener, url):
            async with serve_doors(app, [listener], 1.0), httpx.AsyncClient(base_url=url) as client:
                async with client.stream("POST", "/v1/WatchEncounter", json={}) as reply:
                    assert await anext(reply.aiter_lines()) == '{"version":"1"}'
                await asyncio.wait_for(ended.wait(), 20)

    asyncio.run(talk())
