"""The calls of the contract as an OpenAPI document, made from their descriptors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata, resources
from itertools import combinations
from typing import Any, Final

import orjson
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from casemeter_server.calls import METHODS
from casemeter_server.doors.asking import AS_OF, Asked, asking
from casemeter_server.doors.contract_page import REFERENCE, page_of
from casemeter_server.doors.json_door import EVALUATE_STREAM, JSON, NAME, PREFIX, refuse
from casemeter_server.doors.streaming import EVENTS, NDJSON

COMMENTS: Final = "contract_comments.json"
"""What the schema says of its elements, by their full names; a test writes it from the schema."""

_TIMESTAMP: Final = "google.protobuf.Timestamp"
_ERROR: Final = "casemeter.v1.Error"

Schema = dict[str, Any]


def routes(calls: Iterable[str]) -> list[Route]:
    """Return the routes of the document and of the page.

    Args:
        calls: names of the calls that are answered.
    """
    written = document(calls)
    data, page = orjson.dumps(written), page_of(written)

    async def tell_document(_asked: Asked) -> Response:
        return Response(data, media_type=JSON)

    async def tell_page(_asked: Asked) -> Response:
        return HTMLResponse(page)

    return [
        Route("/openapi.json", asking(NAME, tell_document, refuse)),
        Route("/docs", asking(NAME, tell_page, refuse)),
    ]


@cache
def comments() -> Mapping[str, str]:
    """Return what the schema says of each message, field, enumeration, value and call."""
    text = resources.files("casemeter_server.doors").joinpath(COMMENTS).read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def document(calls: Iterable[str]) -> dict[str, Any]:
    """Return the OpenAPI document.

    Args:
        calls: names of the calls that are answered.
    """
    methods = {name: METHODS[name] for name in sorted({*calls, EVALUATE_STREAM})}
    schemas: dict[str, Schema] = {}
    for method in methods.values():
        _collect(method.input_type, schemas)
        _collect(method.output_type, schemas)
    error = METHODS["EvaluateStream"].output_type.fields_by_name["error"].message_type
    _collect(error, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CaseMeter",
            "version": metadata.version("casemeter"),
            "description": comments()["casemeter.v1.CaseMeterService"],
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {PREFIX + name: {"post": _operation(name, method)} for name, method in methods.items()},
        "components": {
            "schemas": {name: schemas[name] for name in sorted(schemas)},
            "responses": {"Error": _error_response()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(name: str, method: Any) -> dict[str, Any]:
    said = comments()[method.full_name]
    takes = NDJSON if method.client_streaming else JSON
    gives = (NDJSON, EVENTS) if method.server_streaming else (JSON,)
    answer = {"schema": _reference(method.output_type)}
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": said.partition(". ")[0].rstrip("."),
        "description": said,
        "requestBody": {"required": True, "content": {takes: {"schema": _reference(method.input_type)}}},
        "responses": {
            "200": {"description": "The answer.", "content": dict.fromkeys(gives, answer)},
            "default": {"$ref": "#/components/responses/Error"},
        },
    }
    if "as_of" in method.input_type.fields_by_name:
        operation["parameters"] = [
            {
                "name": AS_OF,
                "in": "header",
                "description": "The moment the answer is to hold for; it comes before that of the body.",
                "schema": {"type": "string", "format": "date-time"},
            }
        ]
    return operation


def _error_response() -> dict[str, Any]:
    inner = {"error": {"$ref": REFERENCE + "Error"}}
    schema = {"type": "object", "properties": inner, "required": ["error"]}
    return {"description": "Why there is none.", "content": {JSON: {"schema": schema}}}


def _collect(message: Any, schemas: dict[str, Schema]) -> None:
    """Add the schema of a message and of all below it."""
    if message.name in schemas or message.full_name == _TIMESTAMP:
        return
    schemas[message.name] = {}  # a message may hold itself
    schemas[message.name] = _message(message)
    for found in message.fields:
        if found.message_type is not None:
            _collect(found.message_type, schemas)
        elif found.enum_type is not None:
            schemas[found.enum_type.name] = _enum(found.enum_type)


def _message(message: Any) -> Schema:
    schema: Schema = {
        "type": "object",
        "description": comments()[message.full_name],
        "properties": {found.json_name: _field(found) for found in message.fields},
        "additionalProperties": False,
    }
    pairs = [
        {"not": {"required": [one.json_name, other.json_name]}}
        for choice in message.oneofs
        for one, other in combinations(choice.fields, 2)
    ]
    if pairs:
        schema["allOf"] = pairs
    return schema


def _enum(enum: Any) -> Schema:
    # Values are named beside their enumeration, not in it.
    package = enum.full_name.removesuffix(enum.name)
    values = [f"{value.name}: {comments()[package + value.name]}" for value in enum.values]
    return {
        "type": "string",
        "description": "\n".join([comments()[enum.full_name], *values]),
        "enum": [value.name for value in enum.values],
    }


def _field(found: Any) -> Schema:
    said = comments()[found.full_name]
    if found.is_repeated:
        return {"type": "array", "description": said, "items": _type(found)}
    return {**_type(found), "description": said}


def _type(found: Any) -> Schema:
    if found.message_type is not None:
        if found.message_type.full_name == _TIMESTAMP:
            return {"type": "string", "format": "date-time"}
        return _reference(found.message_type)
    if found.enum_type is not None:
        return _reference(found.enum_type)
    return dict(_SCALARS[found.cpp_type])


def _reference(kind: Any) -> Schema:
    return {"$ref": REFERENCE + kind.name}


_FIELD: Final = METHODS["Evaluate"].input_type.fields[0]
_SCALARS: Final[Mapping[int, Schema]] = {
    _FIELD.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    # Read as either, written as text: numbers of JSON are not exact so far.
    _FIELD.CPPTYPE_INT64: {"type": ["string", "integer"], "format": "int64"},
    _FIELD.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    _FIELD.CPPTYPE_BOOL: {"type": "boolean"},
    _FIELD.CPPTYPE_STRING: {"type": "string"},
}
