"""JSON as it came: every value with its place, everything of the wrong type noted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import orjson

from casemeter_server.errors import RequestError, fault
from casemeter_server.stay_facts import Faults

_NOTHING: Final[dict[str, Any]] = {}
_TYPES: Final = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    Decimal: "a number",
    type(None): "null",
}


def parse_json(data: bytes) -> Any:
    """Return a JSON value, its decimals exact.

    Raises:
        RequestError: it is none.
    """
    try:
        # The first reading is strict: no NaN, no half characters, no depth without end.
        orjson.loads(data)
        return json.loads(data, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise RequestError(
            "NOT_JSON", {"why": error.msg, "line": error.lineno, "column": error.colno}
        ) from None
    except RecursionError:
        raise RequestError("NOT_JSON", {"why": "nested too deeply", "line": 1, "column": 1}) from None
    except (ValueError, ArithmeticError):
        # Beyond the digits that Python reads, or with an exponent beyond every Decimal.
        raise RequestError("NOT_JSON", {"why": "a number is too long", "line": 1, "column": 1}) from None


class Node:
    """One value of a message. What is null counts as absent.

    Attributes:
        value: as JSON has it; ``None``: it is absent.
        place: in the message.
        faults: of the message, where it is noted what is wrong.
    """

    # Very many are made for one message: plain classes are made the fastest.
    __slots__ = ("faults", "place", "value")

    def __init__(self, value: Any, place: str, faults: Faults) -> None:
        self.value = value
        self.place = place
        self.faults = faults

    @property
    def given(self) -> bool:
        """Whether it is there."""
        return self.value is not None

    def get(self, name: str) -> Node:
        """Return a member of an object; absent when this is none."""
        place = f"{self.place}.{name}" if self.place else name
        value = self.value
        if type(value) is not dict:
            value = self._as(dict, _NOTHING)
        return Node(value.get(name), place, self.faults)

    def at(self, *names: str) -> Node:
        """Return a member of a member, and so on."""
        node = self
        for name in names:
            node = node.get(name)
        return node

    def each(self) -> Iterator[Node]:
        """Yield the entries of a list that are there; none when this is no list."""
        for at, value in enumerate(self._as(list, [])):
            if value is not None:
                yield Node(value, f"{self.place}[{at}]", self.faults)

    def first(self) -> Node:
        """Return the first entry of a list; absent when there is none."""
        return next(self.each(), Node(None, f"{self.place}[0]", self.faults))

    def text(self) -> str:
        """Return a text without blanks around it; empty when there is none."""
        found: str = self._as(str, "")
        return found.strip()

    def flag(self) -> bool | None:
        """Return a truth value; ``None`` when there is none."""
        found: bool | None = self._as(bool, None)
        return found

    def number(self) -> Decimal | None:
        """Return a number, exact; ``None`` when there is none."""
        if isinstance(self.value, bool):
            self.note("WRONG_TYPE", found=_TYPES[bool], expected=_TYPES[int])
            return None
        if isinstance(self.value, int):
            return Decimal(self.value)
        found: Decimal | None = self._as(Decimal, None)
        return found

    def note(self, reason: str, **details: object) -> None:
        """Note a fault of this value, once."""
        found = fault(self.place, reason, **details)
        if found not in self.faults:
            self.faults.append(found)

    def _as(self, wanted: type, default: Any) -> Any:
        if self.value is None:
            return default
        if type(self.value) is wanted:
            return self.value
        self.note("WRONG_TYPE", found=_TYPES[type(self.value)], expected=_TYPES[wanted])
        return default


def write_json(value: Any) -> bytes:
    """Return a value as JSON."""
    return orjson.dumps(value)
