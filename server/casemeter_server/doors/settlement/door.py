"""The routes of this door: a settlement list, or a table of front pages, checked before submission."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, tzinfo
from itertools import count
from typing import Any, Final, Protocol

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from casemeter.v1 import encounter_pb2, finding_pb2, verdict_pb2
from casemeter_server.caller import Caller
from casemeter_server.doors.asking import Asked, Handler, asking, http_status
from casemeter_server.doors.desk import FILL, Desk
from casemeter_server.doors.facts import DoorFacts, read_facts
from casemeter_server.doors.proto_writer import to_json
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.doors.settlement.lists import read_settlement
from casemeter_server.doors.settlement.page import CheckQuestion
from casemeter_server.doors.settlement.pages import FrontPages, read_front_pages
from casemeter_server.doors.settlement.reply import (
    INVALID,
    OF_ONE_PAGE,
    PASSED,
    Summary,
    in_envelope,
    worth_telling,
    write_check,
    write_refusal,
)
from casemeter_server.errors import RequestError, invalid
from casemeter_server.sealing.content import Kind, Page
from casemeter_server.sealing.service import bound_content

NAME: Final = "settlement"
LISTS: Final = ("4101", "4101A")

_CODER: Final = "coder"
_JSON: Final = "application/json"
_LINES: Final = "application/x-ndjson"
_TABLES: Final = (
    *("text/csv", "text/plain", "text/tab-separated-values", _JSON, "application/octet-stream"),
    *("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.ms-excel"),
)
_FORMATS: Final = ("csv", "xlsx", "json")
_MAX_MEGABYTES: Final = 64
_PER_TURN: Final = 8
"""Pages of a batch that are checked before other calls get their turn."""


class Sealer(Protocol):
    """Seals a page that was checked at the moment of submission; empty text: it is not sealed."""

    async def __call__(
        self,
        kind: Kind,
        page: Page,
        verdict: verdict_pb2.Verdict,
        caller: Caller,
        encounter: str = "",
        stay: encounter_pb2.Encounter | None = None,
    ) -> str:
        """Return the seal."""


def facts_of(name: str) -> DoorFacts:
    """Return what a message can carry: ``4101``, ``4101A`` or ``hqms``."""
    return read_facts(__package__, f"facts_{name.lower()}.toml")


def routes(desk: Desk, settings: DoorSettings, zone: tzinfo, seal: Sealer | None = None) -> list[Route]:
    """Return the routes of the door.

    Args:
        desk: answers.
        settings: of the doors; ``[settlement] max_megabytes`` is the largest table that is read.
        zone: the hospital's zone.
        seal: seals what passes at submission; ``None``: nothing is sealed.
    """
    door = _Door(desk, zone, seal)
    limit = int(settings.settlement.get("max_megabytes", _MAX_MEGABYTES)) << 20
    found = [
        Route(
            f"/settlement/{name}", asking(f"{NAME}.{name}", door.list_of(name), door.refuse), methods=["POST"]
        )
        for name in LISTS
    ]
    pages = asking(f"{NAME}.hqms", door.pages, refuse, limit=limit)
    return [*found, Route("/front-pages", pages, methods=["POST"])]


def refuse(error: RequestError) -> Response:
    """Return an error as this door writes it."""
    return _refusal(error, write_refusal(error))


def _refusal(error: RequestError, told: Mapping[str, Any]) -> Response:
    status = http_status(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return Response(orjson.dumps(told), status, headers, _JSON)


class _Door:
    def __init__(self, desk: Desk, zone: tzinfo, seal: Sealer | None) -> None:
        self._desk = desk
        self._zone = zone
        self._seal = seal
        self._serials = count(1)

    def refuse(self, error: RequestError) -> Response:
        """Return an error in the envelope of the national interface."""
        told = self._enveloped(write_refusal(error), {})
        return _refusal(error, told)

    def list_of(self, name: str) -> Handler:
        facts = facts_of(name)

        async def handle(asked: Asked) -> Response:
            checked = read_settlement(asked.body, self._zone, _phase(asked))
            reply = await self._check(checked, asked, facts, Kind.SETTLEMENT_LIST)
            fill = {FILL: reply["fill"]} if "fill" in reply else {}
            if checked.envelope is None:
                # Without an envelope a page that cannot be checked is a call that failed.
                status = 400 if reply["status"] == INVALID else 200
                return Response(orjson.dumps(reply), status, fill, _JSON)
            return Response(orjson.dumps(self._enveloped(reply, checked.envelope)), 200, fill, _JSON)

        return handle

    def _enveloped(self, reply: dict[str, Any], envelope: Mapping[str, str]) -> dict[str, Any]:
        return in_envelope(reply, envelope, datetime.now(self._zone), next(self._serials))

    async def pages(self, asked: Asked) -> Response:
        _require_table(asked)
        # A workbook is read as a whole, which takes a while.
        read = await asyncio.to_thread(read_front_pages, asked.body, self._zone, _phase(asked))
        if _LINES in asked.request.headers.get("accept", ""):
            return StreamingResponse(self._lines(read, asked), media_type=_LINES)
        summary = Summary(read.unknown)
        replies = [reply async for reply in self._replies(read, asked)]
        for reply in replies:
            summary.add(reply)
        pages = replies if asked.whole else list(worth_telling(replies))
        told = {"summary": summary.written(), "pages": pages}
        return Response(orjson.dumps(told), media_type=_JSON)

    async def _lines(self, read: FrontPages, asked: Asked) -> AsyncIterator[bytes]:
        summary = Summary(read.unknown)
        try:
            async for reply in self._replies(read, asked):
                summary.add(reply)
                yield orjson.dumps(reply) + b"\n"
        except RequestError as error:
            # The reply has begun: what ends it is its last line, and no sum follows.
            yield orjson.dumps(write_refusal(error)) + b"\n"
            return
        yield orjson.dumps({"summary": summary.written()}) + b"\n"

    async def _replies(self, read: FrontPages, asked: Asked) -> AsyncIterator[dict[str, Any]]:
        facts = facts_of("hqms")
        for at, checked in enumerate(read.pages, 1):
            yield await self._check(checked, asked, facts, Kind.FRONT_PAGE)
            if at % _PER_TURN == 0:
                await asyncio.sleep(0)

    async def _check(
        self, checked: CheckQuestion, asked: Asked, facts: DoorFacts, kind: Kind
    ) -> dict[str, Any]:
        is_sealed = self._seal is not None and asked.caller.role == _CODER and _is_submission(asked)
        try:
            if checked.faults:
                raise invalid(checked.faults)
            if is_sealed:
                # What cannot be bound is told before anything is answered, and recorded as shown.
                bound_content(kind, checked.content)
            answered = await self._desk.answer(checked.question, asked.caller, facts, asked.as_of)
        except RequestError as error:
            if error.error.reason not in OF_ONE_PAGE:
                raise
            return write_refusal(error, checked)
        reply = write_check(checked, answered.response, answered.question)
        reply["fill"] = str(answered.fill)
        if asked.whole:
            reply["verdict"] = orjson.Fragment(to_json(answered.response.verdict))
        if self._seal is not None and is_sealed and reply["status"] == PASSED:
            verdict = answered.response.verdict
            stay = answered.question.request.encounter
            number = checked.question.request.encounter.encounter_id
            reply["seal"] = await self._seal(kind, checked.content, verdict, asked.caller, number, stay)
        return reply


def _phase(asked: Asked) -> finding_pb2.CarePhase:
    submitted = _is_submission(asked)
    return finding_pb2.CARE_PHASE_SUBMISSION if submitted else finding_pb2.CARE_PHASE_FRONT_PAGE


def _is_submission(asked: Asked) -> bool:
    return asked.request.query_params.get("submit", "").lower() in ("1", "true", "yes")


def _require_table(asked: Asked) -> None:
    """Refuse what says of itself that it is no table; in which of the forms one is, its bytes say."""
    query: Mapping[str, str] = asked.request.query_params
    sent = asked.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = query.get("format", "").lower()
    if wanted not in ("", *_FORMATS) or (not wanted and sent not in ("", *_TABLES)):
        details = {"type": (wanted or sent)[:64], "expected": "CSV, xlsx or JSON"}
        raise RequestError("WRONG_CONTENT_TYPE", details)
