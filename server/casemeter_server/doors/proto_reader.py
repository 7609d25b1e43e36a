"""Reading proto JSON: every fault at once, each with its place, and nothing dropped in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from casemeter.v1 import error_pb2
from casemeter_server.doors.strict_json import JsonObject, NoNumber, whole
from casemeter_server.errors import MAX_FAULTS, RequestError, fault

MAX_ENTRIES: Final = 10_000
"""A longer list is not read: no list of the contract may have so many entries."""

MAX_COUNTED: Final = 1_000
"""With so many faults reading ends: whoever sends them need not wait for more."""

_SHOWN: Final = 40
_NUMBER: Final = re.compile(r"-?\d{1,400}(\.\d{1,400})?([eE][-+]?\d{1,4})?|NaN|-?Infinity", re.ASCII)
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -62_135_596_800  # the year 1
_LAST: Final = 253_402_300_799  # the end of the year 9999
_M = TypeVar("_M", bound=Message)


class Notes:
    """Faults of one message; past those that are listed they are only counted."""

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[error_pb2.FieldFault] = []

    def add(self, place: str, reason: str, **details: object) -> None:
        """Note a fault."""
        self.count += 1
        if len(self.listed) < MAX_FAULTS:
            self.listed.append(fault(place, reason, **details))
        if self.count == MAX_COUNTED:
            self.check()

    def check(self) -> None:
        """Refuse what has faults.

        Raises:
            RequestError: with those that are listed.
        """
        if self.count:
            raise RequestError("INVALID_REQUEST", {"count": self.count}, self.listed)


_Read = Callable[[Any, str, Notes], Any]
_Plan = dict[str, tuple[str, _Read, bool, str]]


def from_json(kind: type[_M], value: Any) -> _M:
    """Return the message that a JSON value says.

    Args:
        kind: type of the message.
        value: as :func:`~casemeter_server.doors.strict_json.read_json` returns it.

    Raises:
        RequestError: with every fault, each with its place.
    """
    notes = Notes()
    if not isinstance(value, dict):
        notes.add("(body)", "WRONG_TYPE", found=_said(value), expected="an object")
    read = _read_message(kind.DESCRIPTOR)(value, "", notes) if isinstance(value, dict) else {}
    notes.check()
    return kind(**read)


@cache
def _read_message(message: Any) -> _Read:
    """Return the reader of a kind of message."""
    plan: _Plan = {}

    def read(value: Any, place: str, notes: Notes) -> Any:
        if not isinstance(value, JsonObject):
            notes.add(place, "WRONG_TYPE", found=_said(value), expected="an object")
            return None
        if not plan:
            plan.update(_plan(message))
        return _read_fields(value, place, notes, message, plan)

    return read


def _read_fields(value: JsonObject, place: str, notes: Notes, message: Any, plan: _Plan) -> dict[str, Any]:
    before = place + "." if place else ""
    for name in value.twice:
        notes.add(before + _shown(name), "SENT_TWICE")
    found: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    for name, item in value.items():
        planned = plan.get(name)
        if planned is None:
            # Looking for a name like it takes a while.
            known = _near(name, plan) if notes.count < MAX_FAULTS else ""
            notes.add(before + _shown(name), "UNKNOWN_FIELD", message=message.name, known=known)
            continue
        own, read, repeated, choice = planned
        if item is None:  # proto JSON takes it as not sent
            continue
        if own in found:
            notes.add(before + own, "SENT_TWICE")
        if choice and chosen.setdefault(choice, own) != own:
            notes.add(before + own, "CONTRADICTION", other=before + chosen[choice])
        if not repeated:
            found[own] = read(item, before + own, notes)
        elif isinstance(item, list) and len(item) > MAX_ENTRIES:
            notes.add(before + own, "TOO_MANY", count=len(item), limit=MAX_ENTRIES)
        elif isinstance(item, list):
            owner = before + own
            found[own] = [read(entry, f"{owner}[{at}]", notes) for at, entry in enumerate(item)]
        else:
            notes.add(before + own, "WRONG_TYPE", found=_said(item), expected="an array")
    return found


def _plan(message: Any) -> _Plan:
    plan: _Plan = {}
    for found in message.fields:
        choice = found.containing_oneof
        # `optional` is made of a choice with one field, which cannot contradict itself.
        planned = (found.name, _reader(found), found.is_repeated, choice.name if choice else "")
        plan[found.name] = plan[found.json_name] = planned
    return plan


def _reader(found: Any) -> _Read:
    if found.message_type is not None:
        if found.message_type.full_name == "google.protobuf.Timestamp":
            return _read_moment
        return _read_message(found.message_type)
    if found.enum_type is not None:
        return _enum_reader({value.name: value.number for value in found.enum_type.values})
    return {
        found.CPPTYPE_INT32: _int_reader(32),
        found.CPPTYPE_INT64: _int_reader(64),
        found.CPPTYPE_DOUBLE: _read_double,
        found.CPPTYPE_BOOL: _read_bool,
        found.CPPTYPE_STRING: _read_text,
    }[found.cpp_type]


def moment_of(text: str) -> tuple[int, int] | None:
    """Return a moment of RFC 3339 as seconds since 1970 and nanoseconds; ``None``: the text is none."""
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    try:
        since = datetime.fromisoformat(found[1] + found[3]) - _EPOCH
    except ValueError:  # no such day
        return None
    seconds = since.days * 86_400 + since.seconds
    if not _FIRST <= seconds <= _LAST:
        return None
    return seconds, int((found[2] or "").ljust(9, "0"))


def _read_moment(value: Any, place: str, notes: Notes) -> Any:
    moment = moment_of(value) if isinstance(value, str) else None
    if moment is None:
        notes.add(place, "NOT_A_MOMENT", value=_said(value))
        return None
    return {"seconds": moment[0], "nanos": moment[1]}


def _enum_reader(numbers: dict[str, int]) -> _Read:
    def read(value: Any, place: str, notes: Notes) -> Any:
        if isinstance(value, str):
            if value in numbers:
                return numbers[value]
            notes.add(place, "UNKNOWN_VALUE", value=_shown(value))
            return 0
        return read_number(value, place, notes)

    read_number = _int_reader(32)
    return read


@cache
def _int_reader(bits: int) -> _Read:
    high = 2 ** (bits - 1) - 1

    def read(value: Any, place: str, notes: Notes) -> Any:
        number = value
        if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdecimal():
            number = whole(value)
        if isinstance(number, float) and (number.is_integer() or abs(number) > high):
            # A whole number may be written as 1.0; one beyond all bounds may have become infinite.
            number = int(number) if abs(number) <= high else high + 1
        if type(number) is not int:
            notes.add(place, "WRONG_TYPE", found=_said(value), expected="a whole number")
            return 0
        if not -high - 1 <= number <= high:
            notes.add(place, "OUT_OF_RANGE", value=_said(value), low=-high - 1, high=high)
            return 0
        return number

    return read


def _read_double(value: Any, place: str, notes: Notes) -> Any:
    if type(value) in (int, float):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    notes.add(place, "WRONG_TYPE", found=_said(value), expected="a number")
    return 0.0


def _read_bool(value: Any, place: str, notes: Notes) -> Any:
    if isinstance(value, bool):
        return value
    notes.add(place, "WRONG_TYPE", found=_said(value), expected="true or false")
    return False


def _read_text(value: Any, place: str, notes: Notes) -> Any:
    if not isinstance(value, str):
        notes.add(place, "WRONG_TYPE", found=_said(value), expected="text")
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        notes.add(place, "WRONG_TYPE", found="text with half a character", expected="text")
        return ""
    return value


def _said(value: Any) -> str:
    """Return a value in a few words."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, NoNumber):
        return value.name
    if isinstance(value, str):
        return f"'{_shown(value)}'"
    return json.dumps(value)[:_SHOWN]


def _shown(text: str) -> str:
    """Return the beginning of a text, whatever it is made of."""
    return text[:_SHOWN].encode("utf-8", "replace").decode()


def _near(name: str, plan: Iterable[str]) -> str:
    near = get_close_matches(name[:_SHOWN], plan, n=1)
    return f"perhaps it is '{near[0]}'" if near else "/openapi.json has all names"
