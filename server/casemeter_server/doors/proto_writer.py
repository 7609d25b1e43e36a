"""Writing messages of the contract as proto JSON."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from google.protobuf.message import Message

_Plan = dict[int, tuple[str, Callable[[Any], Any], bool]]


def to_json(message: Message) -> bytes:
    """Return a message as proto JSON, in the order of the contract; equal messages give equal bytes."""
    return orjson.dumps(to_dict(message))


def to_dict(message: Message) -> dict[str, Any]:
    """Return a message as proto JSON has it, as values of Python."""
    plan = _plan(message.DESCRIPTOR)
    written: dict[str, Any] = {}
    for found, value in message.ListFields():
        name, write, repeated = plan[found.number]
        written[name] = [write(item) for item in value] if repeated else write(value)
    return written


@cache
def _plan(kind: Any) -> _Plan:
    return {found.number: (found.json_name, _writer(found), found.is_repeated) for found in kind.fields}


def _writer(found: Any) -> Callable[[Any], Any]:
    if found.message_type is not None:
        if found.message_type.full_name == "google.protobuf.Timestamp":
            return lambda moment: moment.ToJsonString()
        return to_dict
    if found.enum_type is not None:
        names = {value.number: value.name for value in found.enum_type.values}
        return lambda number: names.get(number, number)
    if found.cpp_type in (found.CPPTYPE_INT64, found.CPPTYPE_UINT64):
        return str
    if found.cpp_type == found.CPPTYPE_DOUBLE:
        return _number
    return _same


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _same(value: Any) -> Any:
    return value
