"""The application of the HTTP doors: every door, who asks, what is logged and counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from time import perf_counter_ns
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from casemeter_server.doors import json_door, openapi
from casemeter_server.doors.asking import CALLER, DOOR, failed
from casemeter_server.doors.cds import door as cds
from casemeter_server.doors.desk import Desk
from casemeter_server.doors.nhsa import door as nhsa
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.doors.settlement import door as settlement
from casemeter_server.engine import Engine
from casemeter_server.errors import RequestError
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.declared import from_headers
from casemeter_server.identity.loopback import is_loopback

_access: Final = logging.getLogger("casemeter.access")

Count = Callable[[str, str], None]
"""Counts a reply: its door, and its HTTP status."""


def create_app(
    engine: Engine,
    authenticator: Authenticator,
    settings: DoorSettings | None = None,
    *,
    is_local: bool = True,
    count: Count = lambda _door, _status: None,
) -> Starlette:
    """Return the application with every door.

    Args:
        engine: answers.
        authenticator: tells who asks.
        settings: of the doors; ``None``: as they are without any.
        is_local: whether only this machine can reach where it listens.
        count: counts replies.

    Raises:
        IdentitySettingsError: a file of the clients of a door cannot be used.
    """
    desk = Desk(engine, settings or DoorSettings())
    app = Starlette(
        routes=[
            Route("/healthz", _healthz),
            *json_door.routes(engine.calls),
            *openapi.routes(engine.calls),
            *_routes(desk),
        ],
        middleware=[
            Middleware(_Logged, count=count),
            Middleware(_Identified, authenticator=authenticator, is_local=is_local),
        ],
        exception_handlers={HTTPException: _no_route, Exception: _bug},
    )
    # A path with a slash too many is another one: few programs follow a redirection with what they sent.
    app.router.redirect_slashes = False
    return app


def _routes(desk: Desk) -> list[BaseRoute]:
    """Return the routes of the doors that hospitals know already."""
    settings, zone = desk.settings, desk.engine.evaluator.zone
    seals = desk.engine.seals
    return [
        *nhsa.routes(desk, settings.nhsa, zone),
        *settlement.routes(desk, settings, zone, seals.seal if seals else None),
        *cds.routes(desk, settings.cds),
    ]


class _Identified:
    """Finds out who asks; the endpoints refuse those who are not known, each in its own form."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, is_local: bool) -> None:
        self._app = app
        self._authenticator = authenticator
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            declared = from_headers(Headers(scope=scope).items())
            client = scope.get("client")
            try:
                scope[CALLER] = self._authenticator.authenticate(
                    declared,
                    listener_is_local=self._is_local,
                    peer_is_local=client is None or is_loopback(client[0]),
                )
            except RequestError as error:
                scope[CALLER] = error
        await self._app(scope, receive, send)


class _Logged:
    """Logs and counts replies. Paths that are no route may hold anything: they are not written."""

    def __init__(self, app: ASGIApp, count: Count) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter_ns()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            door = scope.get(DOOR, "-")
            self._count(door, str(status))
            took_ms = (perf_counter_ns() - started) / 1e6
            _access.info("%s %s %d %.1f ms", scope["method"], door, status, took_ms)


async def _healthz(request: Request) -> Response:
    request.scope[DOOR] = "healthz"
    return JSONResponse({"status": "SERVING"})


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        refused = RequestError("WRONG_METHOD", {"method": request.method[:16], "allowed": allowed})
        response = json_door.refuse(refused)
        response.headers["Allow"] = allowed
        return response
    return json_door.refuse(RequestError("NO_SUCH_PATH", {}))


async def _bug(_request: Request, error: Exception) -> Response:
    return json_door.refuse(failed(error))


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serve_doors(
    app: ASGIApp, sockets: Sequence[socket.socket], stop_seconds: float
) -> AsyncIterator[None]:
    """Serve for as long as the context lasts; at its end calls under way may finish.

    Args:
        app: the application.
        sockets: that listen already.
        stop_seconds: how long calls under way may take to end.
    """
    config = uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=max(1, round(stop_seconds)),
        ws="none",
    )
    for listener in sockets:
        # Those that are accepted have it, too. Without it the body of a reply waits 40 ms for its head to be
        # acknowledged: asyncio sets it only where a socket names its protocol, which many listeners do not.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(list(sockets)))
    try:
        while not server.started:
            if serving.done():
                serving.result()
                raise OSError("the HTTP doors could not be opened")
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving
