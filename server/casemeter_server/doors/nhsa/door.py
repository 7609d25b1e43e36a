"""The routes of this door: the national detail-audit messages over HTTP."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from casemeter.v1 import service_pb2
from casemeter_server.doors.asking import Asked, Handler, asking, http_status
from casemeter_server.doors.desk import FILL, Desk, GivenAnswer
from casemeter_server.doors.door import Question
from casemeter_server.doors.nhsa.audit import BEFOREHAND, IN_PROCESS, read_audit
from casemeter_server.doors.nhsa.envelope import Envelope, Stamp, envelope_of
from casemeter_server.doors.nhsa.facts import FACTS
from casemeter_server.doors.nhsa.feedback import FEEDBACK, read_feedback, write_feedback
from casemeter_server.doors.nhsa.reply import LINE, Told, write_audit, write_error
from casemeter_server.doors.nhsa.settings import NhsaSettings
from casemeter_server.doors.nhsa.tree import parse, root_of
from casemeter_server.doors.proto_writer import to_json
from casemeter_server.errors import RequestError, invalid

_PER_TURN: Final = 8
"""Visits of a message that are answered before other calls get their turn."""


def routes(desk: Desk, settings: NhsaSettings, zone: tzinfo) -> list[Route]:
    """Return the routes of the door: one for each message, and one that reads ``infno`` from the body.

    Args:
        desk: answers.
        settings: of this door.
        zone: the hospital's zone, in whose time messages are written.
    """
    door = _Door(desk, settings, zone)
    return [
        Route(
            path,
            asking(f"{FACTS.name}.{infno}".rstrip("."), door.handler(infno), door.refuse),
            methods=["POST"],
        )
        for path, infno in (
            ("/nhsa", ""),
            *((f"/nhsa/{infno}", infno) for infno in (BEFOREHAND, IN_PROCESS, FEEDBACK)),
        )
    ]


class _Door:
    def __init__(self, desk: Desk, settings: NhsaSettings, zone: tzinfo) -> None:
        self._desk = desk
        self._settings = settings
        self._zone = zone

    def handler(self, infno: str) -> Handler:
        async def handle(asked: Asked) -> Response:
            received = self._now()
            message = parse(asked.body)
            envelope = envelope_of(root_of(message, []), infno)
            answer = self._keep if envelope.infno == FEEDBACK else self._audit
            try:
                data, headers = await answer(message, asked, envelope.infno, received)
                return _response(data, headers=headers)
            except RequestError as error:
                # What has an envelope is answered in one: callers let pass what failed otherwise.
                may_not = error.error.reason == "PERMISSION_DENIED"
                status = http_status(error) if may_not else 200
                return _response(write_error(envelope, error, self._stamp(received)), status)

        return handle

    def refuse(self, error: RequestError) -> Response:
        """Return an error of which no message is known."""
        status = http_status(error)
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        return _response(write_error(Envelope(), error, self._stamp(self._now())), status, headers)

    async def _audit(
        self, sent: Mapping[str, Any], asked: Asked, infno: str, received: datetime
    ) -> tuple[bytes, Mapping[str, str]]:
        message = read_audit(sent, self._zone, infno, self._settings.levels)
        asked_about = [(visit, visit.question) for visit in message.visits if visit.question is not None]
        if len(asked_about) > 1:
            # What was answered of one is recorded: first all of them must be such that they can be.
            for at, (_, question) in enumerate(asked_about, 1):
                self._check(question, asked)
                await _give_way(at)
        told = []
        fills = []
        for at, (visit, question) in enumerate(asked_about, 1):
            answered = await self._desk.answer(question, asked.caller, FACTS, asked.as_of)
            told.append(Told(visit, answered.response.verdict, answered.ids, answered.question))
            fills.append(answered.fill)
            await _give_way(at)
        beside = {"verdicts": [orjson.Fragment(to_json(one.verdict)) for one in told]} if asked.whole else {}
        data = write_audit(message, told, self._settings, self._stamp(received), **beside)
        return data, {FILL: ", ".join(fills)} if fills else {}

    def _check(self, question: Question, asked: Asked) -> None:
        """Refuse what cannot be evaluated."""
        request = service_pb2.EvaluateRequest()
        request.CopyFrom(question.request)
        if asked.as_of is not None:
            request.as_of.CopyFrom(asked.as_of)
        try:
            self._desk.engine.evaluator.evaluate(request, asked.caller)
        except RequestError as error:
            faults = [question.of_message(fault) for fault in error.error.faults]
            raise invalid(faults) if faults else error from None

    async def _keep(
        self, sent: Mapping[str, Any], asked: Asked, infno: str, received: datetime
    ) -> tuple[bytes, Mapping[str, str]]:
        feedback = read_feedback(sent, infno)
        given = [
            GivenAnswer(one.number, one.answer, one.reason, one.text, one.place)
            for one in feedback.answers
            if not one.number.startswith(LINE)
        ]
        if given and (faults := await self._desk.take_answers(given, asked.caller)):
            raise invalid(faults)
        return write_feedback(feedback, self._stamp(received)), {}

    def _now(self) -> datetime:
        return datetime.now(self._zone)

    def _stamp(self, received: datetime) -> Stamp:
        return Stamp(received, self._now(), secrets.randbits(33), self._settings.admdvs)


async def _give_way(at: int) -> None:
    if at % _PER_TURN == 0:
        await asyncio.sleep(0)


def _response(data: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(data, status, headers, "application/json")
