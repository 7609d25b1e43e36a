"""Routes of CDS Hooks: discovery, the service, feedback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from casemeter_server.caller import Caller
from casemeter_server.doors.asking import DOOR, Asked, asking
from casemeter_server.doors.cds.call import CdsCall, read_call
from casemeter_server.doors.cds.cards import nothing_to_say, write_cards
from casemeter_server.doors.cds.clients import identifier, person
from casemeter_server.doors.cds.feedback import read_feedback
from casemeter_server.doors.cds.outcome import refuse
from casemeter_server.doors.cds.services import discovery, service
from casemeter_server.doors.cds.settings import CdsSettings
from casemeter_server.doors.cds.tree import write_json
from casemeter_server.doors.desk import Desk, Fill
from casemeter_server.doors.facts import read_facts
from casemeter_server.errors import RequestError, invalid

NAME: Final = "cds"
PATH: Final = "/cds-services"
_JSON: Final = "application/json"
_KNOWN_STAY: Final = (Fill.FILLED, Fill.COMPLETE)

Endpoint = Callable[[Request], Awaitable[Response]]


def routes(desk: Desk, settings: CdsSettings) -> list[Route]:
    """Return the routes of the door.

    Args:
        desk: answers.
        settings: of the door.
    """
    door = _Door(desk, settings)
    identify = identifier(settings)
    middleware = _cross_origin(settings)

    def route(path: str, method: str, endpoint: Endpoint) -> Route:
        return Route(path, _answering(method, endpoint), methods=[method, "OPTIONS"], middleware=middleware)

    return [
        # What is discovered is the same for everybody.
        route(PATH, "GET", asking(NAME, door.discover, refuse, identify=lambda _request: Caller())),
        route(f"{PATH}/{{id}}", "POST", asking(NAME, door.call, refuse, identify=identify)),
        route(f"{PATH}/{{id}}/feedback", "POST", asking(NAME, door.feedback, refuse, identify=identify)),
    ]


class _Door:
    def __init__(self, desk: Desk, settings: CdsSettings) -> None:
        self._desk = desk
        self._settings = settings
        self._facts = read_facts("casemeter_server.doors.cds")

    async def discover(self, _asked: Asked) -> Response:
        return Response(write_json(discovery()), media_type=_JSON)

    async def call(self, asked: Asked) -> Response:
        zone = self._desk.engine.evaluator.zone
        call = read_call(asked.request.path_params["id"], asked.body, zone, self._settings.systems)
        if call.question is None:
            return Response(write_json(nothing_to_say()), media_type=_JSON)
        caller = person(asked.request, asked.caller, call.user)
        if call.missing and not await self._is_open(caller, call):
            raise _missing(call)
        answered = await self._desk.answer(call.question, caller, self._facts, asked.as_of)
        if call.missing and answered.fill not in _KNOWN_STAY:
            raise _missing(call)
        reply = write_cards(
            call, answered.question, answered.response, answered.ids, self._settings, whole=asked.whole
        )
        return Response(write_json(reply), headers=answered.headers, media_type=_JSON)

    async def feedback(self, asked: Asked) -> Response:
        known = service().id
        if asked.request.path_params["id"] != known:
            details = {"id": asked.request.path_params["id"][:64], "known": known}
            raise RequestError("UNKNOWN_CDS_SERVICE", details)
        faults = await self._desk.take_answers(read_feedback(asked.body), asked.caller)
        if faults:
            raise invalid(faults)
        return Response(b"{}", media_type=_JSON)

    async def _is_open(self, caller: Caller, call: CdsCall) -> bool:
        """Whether the stay is kept as an open encounter, which may know what the call lacks.

        It is asked first, for what is answered counts as shown.
        """
        encounters = self._desk.engine.encounters
        assert call.question is not None
        number = call.question.request.encounter.encounter_id
        if encounters is None or not number:
            return False
        try:
            waited = self._desk.settings.wait_ms / 1000
            return await asyncio.wait_for(encounters.state(caller.hospital, number), waited) is not None
        except TimeoutError:
            return False


def _missing(call: CdsCall) -> RequestError:
    return RequestError("MISSING_PREFETCH", {"keys": ", ".join(call.missing)})


def _answering(method: str, endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that says what it answers to, for those who ask with OPTIONS."""

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            request.scope[DOOR] = NAME
            return Response(status_code=204, headers={"allow": f"{method}, OPTIONS"})
        return await endpoint(request)

    return answer


def _cross_origin(settings: CdsSettings) -> list[Middleware]:
    if not settings.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type"],
        )
    ]
