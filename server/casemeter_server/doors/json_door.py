"""The calls of the contract as proto JSON: ``POST /v1/{Method}``, from the same table as gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson
from google.protobuf.message import Message
from starlette.responses import Response
from starlette.routing import Route

from casemeter.v1 import service_pb2
from casemeter_server.calls import Call, StreamCall
from casemeter_server.doors.asking import Asked, Handler, asking, http_status
from casemeter_server.doors.proto_reader import from_json
from casemeter_server.doors.proto_writer import to_dict, to_json
from casemeter_server.doors.streaming import NDJSON, stream_response
from casemeter_server.doors.strict_json import read_json
from casemeter_server.errors import RequestError
from casemeter_server.identity.rights import shipped_rights
from casemeter_server.prepare import MAX_ID

NAME: Final = "json"
PREFIX: Final = "/v1/"
JSON: Final = "application/json"
EVALUATE_STREAM: Final = "EvaluateStream"


def routes(calls: Mapping[str, Call | StreamCall]) -> list[Route]:
    """Return the route of each call, and of the stream of evaluations, whose requests are lines of a body."""
    handlers: dict[str, Handler] = {}
    for name, call in calls.items():
        handlers[name] = _single(call) if isinstance(call, Call) else _watch(call)
    evaluate = calls.get("Evaluate")
    if isinstance(evaluate, Call):
        handlers[EVALUATE_STREAM] = _evaluations(evaluate)
    return [
        Route(PREFIX + name, asking(NAME, handler, refuse), methods=["POST"], name=name)
        for name, handler in handlers.items()
    ]


def refuse(error: RequestError) -> Response:
    """Return an error as this door writes it."""
    status = http_status(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return Response(orjson.dumps({"error": to_dict(error.error)}), status, headers, JSON)


def _single(call: Call) -> Handler:
    async def handle(asked: Asked) -> Response:
        request = _request(call, asked)
        return Response(to_json(await call.answer(request, asked.caller)), media_type=JSON)

    return handle


def _watch(call: StreamCall) -> Handler:
    async def handle(asked: Asked) -> Response:
        messages = call.answer(_request(call, asked), asked.caller)
        return await stream_response(messages, asked.request.headers.get("accept", ""))

    return handle


def _evaluations(call: Call) -> Handler:
    async def handle(asked: Asked) -> Response:
        shipped_rights().check(asked.caller, EVALUATE_STREAM)
        _require_type(asked, NDJSON)
        return await stream_response(_evaluate_lines(call, asked), asked.request.headers.get("accept", ""))

    return handle


async def _evaluate_lines(call: Call, asked: Asked) -> AsyncIterator[service_pb2.EvaluateStreamResponse]:
    """Yield the answer to each line; a faulty one gets an error and does not end the stream."""
    for line in asked.body.splitlines():
        if not line.strip():
            continue
        call_id = ""
        try:
            value = read_json(line)
            call_id = _call_id(value)
            request = from_json(service_pb2.EvaluateRequest, value)
            _set_moment(request, asked)
            response = await call.answer(request, asked.caller)
        except RequestError as error:
            yield service_pb2.EvaluateStreamResponse(error=error.error, call_id=call_id)
        else:
            assert isinstance(response, service_pb2.EvaluateResponse)  # as the contract says
            yield service_pb2.EvaluateStreamResponse(response=response, call_id=response.call_id)


def _request(call: Call | StreamCall, asked: Asked) -> Message:
    _require_type(asked, JSON)
    request = from_json(call.request, read_json(asked.body))
    _set_moment(request, asked)
    return request


def _set_moment(request: Any, asked: Asked) -> None:
    """Let the header say the moment, where a request has one."""
    if asked.as_of is not None and "as_of" in request.DESCRIPTOR.fields_by_name:
        request.as_of.CopyFrom(asked.as_of)


def _require_type(asked: Asked, expected: str) -> None:
    sent = asked.request.headers.get("content-type", "")
    kind, _, options = sent.partition(";")
    charset = options.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != expected or charset not in ("", "utf-8"):
        raise RequestError("WRONG_CONTENT_TYPE", {"type": sent[:MAX_ID], "expected": expected})


def _call_id(value: Any) -> str:
    """The caller's number of a request that may be refused."""
    if isinstance(value, dict):
        for name in ("callId", "call_id"):
            if isinstance(value.get(name), str):
                return str(value[name].encode("utf-8", "ignore").decode())[:MAX_ID]
    return ""
