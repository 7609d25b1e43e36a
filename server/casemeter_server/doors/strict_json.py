"""Reading JSON: where it is none, and what most readers let pass."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from casemeter_server.errors import RequestError

MAX_DIGITS: Final = 25
"""A longer integer is beyond every type of the contract."""


class JsonObject(dict[str, Any]):
    """A JSON object; ``twice`` are the names that it has more than once."""

    twice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoNumber:
    """NaN or an infinity written as a number, which JSON does not know."""

    name: str


def read_json(body: bytes) -> Any:
    """Return a JSON value.

    Raises:
        RequestError: the bytes are none; it tells where.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8", "replace")
        _refuse("it is not UTF-8", before)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(_why(error), text[: error.pos])
    except RecursionError:
        _refuse("it is nested too deeply", "")


def _pairs(pairs: list[tuple[str, Any]]) -> JsonObject:
    found = JsonObject(pairs)
    if len(found) < len(pairs):
        found.twice = tuple(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return found


def whole(digits: str) -> int | float:
    """Return a whole number; of one that is too long only about how large it is."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=whole, parse_constant=NoNumber)


def _why(error: json.JSONDecodeError) -> str:
    return error.msg[0].lower() + error.msg[1:]


def _refuse(why: str, before: str) -> NoReturn:
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    raise RequestError("NOT_JSON", {"why": why, "line": line, "column": column})
