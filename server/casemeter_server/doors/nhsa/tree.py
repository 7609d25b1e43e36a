"""A message as a tree: names and values in all the forms that callers send them in.

Names are known with or without underscores, in any case, and lists of a message with or without ``fsi``. A
list may be one object; what is not there may be ``null``, empty, ``-`` or absent. Numbers may be texts, and
texts numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from casemeter.v1 import error_pb2
from casemeter_server.doors.nhsa.values import Moment, fen_of, number_text, read_moment, read_number
from casemeter_server.errors import RequestError, fault

Faults = list[error_pb2.FieldFault]

_ABSENT: Final = ("", "-")
_SHOWN: Final = 40
_LONGEST_NAME: Final = 64
_MOST_LETTERS: Final = 4096
_ENCODINGS: Final = ("utf-8-sig", "gb18030")
_TYPES: Final = {dict: "an object", list: "a list", str: "text", bool: "a truth value"}


def parse(data: bytes) -> Mapping[str, Any]:
    """Return a message as JSON has it, its numbers exact.

    Raises:
        RequestError: it is no JSON object in UTF-8 or GBK.
    """
    for encoding in _ENCODINGS:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _not_json("neither UTF-8 nor GBK")
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise _not_json(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise _not_json("nested too deeply") from None
    except (ValueError, ArithmeticError):
        # NaN and its like, or an exponent beyond every Decimal.
        raise _not_json("a number that is none") from None
    if not isinstance(value, dict):
        raise _not_json("not an object")
    return value


def root_of(sent: bytes | Mapping[str, Any], faults: Faults) -> Node:
    """Return the root of a message, of its bytes or as :func:`parse` read them.

    Args:
        sent: the message.
        faults: where everything that cannot be used is noted.

    Raises:
        RequestError: it is no JSON object in UTF-8 or GBK.
    """
    return Node(parse(sent) if isinstance(sent, bytes) else sent, "", faults)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _not_json(why: str, line: int = 1, column: int = 1) -> RequestError:
    return RequestError("NOT_JSON", {"why": why, "line": line, "column": column})


@lru_cache(maxsize=4096)
def _canonical(name: str) -> str:
    plain = name.replace("_", "").lower()
    if plain.startswith("fsi") and plain.endswith(("dto", "dtos")):
        return plain.removeprefix("fsi")
    return plain


_Written = Mapping[str, tuple[str, ...]]
"""Names of an object by the field that they are of."""


def _written(names: tuple[str, ...]) -> _Written:
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        if len(name) <= _LONGEST_NAME:
            plain = _canonical(name)
            found[plain] = (*found.get(plain, ()), name)
    return found


_written_alike = lru_cache(maxsize=256)(_written)
"""The same for objects that many have the names of, as all orders of a message do."""


class Node:
    """An object of a message.

    Attributes:
        place: where it stands in the message, as it is written there.
        faults: where everything that cannot be used is noted, of all nodes of the message.
    """

    __slots__ = ("_content", "_names", "faults", "place")

    def __init__(self, value: Mapping[str, Any], place: str, faults: Faults) -> None:
        self.place = place
        self.faults = faults
        self._content = value
        names = tuple(value)
        # What is kept beyond this message must be small, whatever comes.
        is_small = sum(map(len, names)) <= _MOST_LETTERS
        self._names = _written_alike(names) if is_small else _written(names)

    def place_of(self, name: str) -> str:
        """Return the place of a field."""
        written = self._found(name)[0]
        return f"{self.place}.{written}" if self.place else written

    def note(self, name: str, reason: str, **details: object) -> None:
        """Note what is wrong with a field."""
        self.faults.append(fault(self.place_of(name), reason, **details))

    def has(self, name: str) -> bool:
        """Whether anything was sent in a field."""
        return self._value(name) is not None

    def node(self, name: str) -> Node | None:
        """Return the object in a field, which may be written out as text; ``None``: there is none."""
        found = self._value(name)
        if isinstance(found, str) and found.lstrip().startswith("{"):
            try:
                found = parse(found.encode("utf-8", "surrogatepass"))
            except RequestError:
                self.note(name, "WRONG_TYPE", found="text", expected="an object")
                return None
        if found is None:
            return None
        if not isinstance(found, dict):
            self._note_type(name, found, "an object")
            return None
        return Node(found, self.place_of(name), self.faults)

    def nodes(self, name: str) -> list[Node]:
        """Return the objects of a list, or the only one in its place."""
        found = self._value(name)
        place = self.place_of(name)
        if isinstance(found, dict):
            return [Node(found, place, self.faults)]
        if not isinstance(found, list):
            if found is not None:
                self._note_type(name, found, "a list")
            return []
        objects = []
        for at, one in enumerate(found):
            if isinstance(one, dict):
                objects.append(Node(one, f"{place}[{at}]", self.faults))
            elif not _is_absent(one):
                details = {"found": _type_of(one), "expected": "an object"}
                self.faults.append(fault(f"{place}[{at}]", "WRONG_TYPE", **details))
        return objects

    def text(self, name: str, longest: int = 0) -> str:
        """Return a text; empty: there is none.

        Args:
            name: of the field.
            longest: characters that it may have; 0: that is for others to say.
        """
        found = self._value(name)
        if found is None:
            return ""
        if isinstance(found, dict | list):
            self._note_type(name, found, "text")
            return ""
        text = _as_text(found)
        if longest and len(text) > longest:
            self.note(name, "TOO_LONG", count=len(text), limit=longest)
        if not text.isascii() and not _is_unicode(text):
            self.note(name, "WRONG_TYPE", found="half a character", expected="text")
            return ""
        return text

    def code(self, name: str, known: Mapping[str, Any], default: Any) -> Any:
        """Return what a code stands for; one that is not known is noted.

        Args:
            name: of the field.
            known: what codes stand for.
            default: for a field in which nothing was sent.
        """
        text = self.text(name)
        if not text:
            return default
        if text.lower() not in known:
            self.note(name, "UNKNOWN_VALUE", value=f"'{text[:_SHOWN]}'")
            return default
        return known[text.lower()]

    def moment(self, name: str, zone: tzinfo) -> Moment | None:
        """Return a moment; ``None``: nothing was sent, or no moment, which is noted."""
        text = self.text(name)
        if not text:
            return None
        found = read_moment(text, zone)
        if found is None:
            self.note(name, "NOT_A_TIME", value=text[:_SHOWN])
        return found

    def number(self, name: str, reason: str = "NOT_A_NUMBER") -> Decimal | None:
        """Return a number; ``None``: nothing was sent, or no number, which is noted with a reason."""
        text = self.text(name)
        if not text:
            return None
        found = read_number(text)
        if found is None:
            self.note(name, reason, value=text[:_SHOWN])
        return found

    def fen(self, name: str) -> int | None:
        """Return an amount that is written in yuan; ``None``: nothing was sent, or none, which is noted."""
        yuan = self.number(name, "NOT_YUAN")
        if yuan is None:
            return None
        fen = fen_of(yuan)
        if fen is None:
            self.note(name, "NOT_YUAN", value=str(yuan)[:_SHOWN])
        return fen

    def _value(self, name: str) -> Any:
        return self._found(name)[1]

    def _found(self, name: str) -> tuple[str, Any]:
        """Return the name in which a field is written here, and what stands in it; ``None``: nothing."""
        for written in self._names.get(_canonical(name), ()):
            value = self._content[written]
            if not _is_absent(value):
                return written, value
        return name, None

    def _note_type(self, name: str, found: object, expected: str) -> None:
        self.note(name, "WRONG_TYPE", found=_type_of(found), expected=expected)


def _is_absent(value: object) -> bool:
    return value is None or value == [] or (isinstance(value, str) and value.strip() in _ABSENT)


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return number_text(value) or str(value)
    return str(value).strip()


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _type_of(value: object) -> str:
    return _TYPES.get(type(value), "a number")
