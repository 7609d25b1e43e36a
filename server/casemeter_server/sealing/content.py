"""What a seal binds: the content of a page, whatever the order of its names and the blanks between them."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

from google.protobuf import json_format

from casemeter.v1 import encounter_pb2
from casemeter_server.sealing.canonical import ContentError, read, written

_ABSENT: Final = object()


class Kind(StrEnum):
    """What a page is."""

    ENCOUNTER = "encounter"
    """An ``Encounter`` of the contract."""
    SETTLEMENT_LIST = "settlement_list"
    """The nodes of ``input`` of a message 4101 or 4101A."""
    FRONT_PAGE = "front_page"
    """A row of the front page in HQMS columns."""


Values = Mapping[str, Any]
"""A page as JSON has it."""

Page = encounter_pb2.Encounter | Values | str | bytes
"""A page: an ``Encounter``, a row, a message that was read, or the text of one."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a page.

    Attributes:
        kind: what the page is.
        sha256: of its canonical form, in hexadecimal digits.
    """

    kind: Kind
    sha256: str


def content_of(kind: Kind, page: Page) -> Content:
    """Return the content of a page.

    Raises:
        ContentError: the page is not of its kind, or cannot be bound.
    """
    return Content(kind, hashlib.sha256(written(values_of(kind, page))).hexdigest())


def values_of(kind: Kind, page: Page) -> Values:
    """Return the values of a page that its seal binds, as JSON has them.

    Raises:
        ContentError: the page is not of its kind, or cannot be bound.
    """
    if isinstance(page, encounter_pb2.Encounter):
        return _of_encounter(page)
    if isinstance(page, str | bytes):
        page = text_of(page) if isinstance(page, bytes) else page
        if kind is Kind.ENCOUNTER:
            return _of_encounter(_encounter(page))
        page = _object(read(page))
    if kind is Kind.ENCOUNTER:
        return _of_encounter(_encounter(written(page).decode()))
    if kind is Kind.SETTLEMENT_LIST:
        return _nodes(page)
    for name, value in page.items():
        if not isinstance(value, str):
            raise ContentError(f"column '{name}' of the row is no text")
    return page


def text_of(data: bytes) -> str:
    """Return bytes as text: UTF-8, UTF-16 with a mark, or else GB 18030, of which GBK is a part.

    Raises:
        ContentError: they are none of these.
    """
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContentError("its text is neither UTF-8 nor GB 18030")


def differences(before: object, after: object, place: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield where two pages differ: the place, and what stood and stands there; empty: nothing."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in (*before, *(name for name in after if name not in before)):
            inner = f"{place}.{name}" if place else str(name)
            yield from differences(before.get(name, _ABSENT), after.get(name, _ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list):
        for at, (old, new) in enumerate(zip_longest(before, after, fillvalue=_ABSENT)):
            yield from differences(old, new, f"{place}[{at}]")
    else:
        old, new = ("" if value is _ABSENT else written(value).decode() for value in (before, after))
        if old != new:
            yield place, old, new


def _encounter(text: str) -> encounter_pb2.Encounter:
    """Read an encounter, alone or in a request."""
    values = _object(read(text))
    inner = values.get("encounter", values)
    try:
        # As it was sent: the library itself knows how numbers and times may be written.
        return json_format.Parse(
            text if inner is values else written(inner).decode(), encounter_pb2.Encounter()
        )
    except (json_format.ParseError, RecursionError) as error:
        raise ContentError(f"not an Encounter: {error}") from None


def _of_encounter(encounter: encounter_pb2.Encounter) -> Values:
    known = encounter_pb2.Encounter()
    known.CopyFrom(encounter)
    known.DiscardUnknownFields()
    if known.ByteSize() != encounter.ByteSize():
        raise ContentError("the encounter holds fields that this version does not know and cannot bind")
    try:
        found: dict[str, Any] = json_format.MessageToDict(known, preserving_proto_field_name=True)
    except (json_format.Error, ValueError) as error:
        raise ContentError(f"the encounter cannot be written: {error}") from None
    return found


def _nodes(message: Values) -> Values:
    """Return the nodes of a message, with or without its envelope."""
    inner = message.get("input", message)
    if isinstance(inner, str):  # some gateways carry the input as text
        inner = read(inner)
    return _object(inner)


def _object(value: object) -> Values:
    if isinstance(value, Mapping):
        return value
    raise ContentError("not a JSON object")
