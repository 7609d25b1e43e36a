"""Data types of FHIR R4: codings, references, times, quantities, money, extensions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, Final, NamedTuple

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from casemeter_server.charges import FEN_PER_YUAN, MAX_AMOUNT_FEN
from casemeter_server.doors.cds.systems import Extension
from casemeter_server.doors.cds.tree import Node

_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?\Z", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)
_PARTIAL: Final = re.compile(r"\d{4}(-\d\d)?\Z", re.ASCII)
_LAST_SECOND: Final = time(23, 59, 59)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 24 * 3600
_MAX_DIGITS: Final = 20
_CURRENCY: Final = "CNY"
_MAX_INT32: Final = 2**31 - 1
MAX_INT64: Final = 2**63 - 1
"""The greatest amount that the contract holds."""


class Coding(NamedTuple):
    """One coding.

    Attributes:
        system: that the code is of; empty: not told.
        code: the code.
        display: its name.
        place: of the code in the message.
    """

    system: str
    code: str
    display: str
    place: str


def codings(concept: Node) -> list[Coding]:
    """Return the codings of a CodeableConcept that have a code."""
    found = (
        Coding(
            one.get("system").text(), one.get("code").text(), one.get("display").text(), f"{one.place}.code"
        )
        for one in concept.get("coding").each()
    )
    return [coding for coding in found if coding.code]


def preferred(concept: Node, systems: Sequence[str]) -> Coding | None:
    """Return the coding of a concept that is of the first of some systems, else its first; ``None``: none."""
    found = codings(concept)
    for system in systems:
        for coding in found:
            if coding.system == system:
                return coding
    return found[0] if found else None


def name_of(concept: Node, coding: Coding | None) -> str:
    """Return what a concept was called: its text, or the name of its code."""
    return concept.get("text").text() or (coding.display if coding else "")


def tail(reference: str) -> str:
    """Return the id of what is referred to: of ``Patient/1``, of a URL, or of one version."""
    return reference.partition("/_history/")[0].rpartition("/")[2]


def is_partial(text: str) -> bool:
    """Whether a date names a year or a month only."""
    return _PARTIAL.match(text) is not None


def moment(node: Node, zone: tzinfo, *, end: bool = False) -> Timestamp | None:
    """Return a time; ``None``: there is none, or only its year or month is told.

    A day stands for its first second, or for its last where it ends a period, as FHIR has it. A time without
    an offset is one of the hospital.

    Args:
        node: a dateTime.
        zone: of the hospital.
        end: whether it ends a period.
    """
    text = node.text()
    if not text or is_partial(text):
        return None
    told = _MOMENT.match(text)
    try:
        if told:
            found = datetime.fromisoformat(told[1] + (told[3] or ""))
        elif _DAY.match(text):
            day = datetime.fromisoformat(text).date()
            found = datetime.combine(day, _LAST_SECOND if end else time())
        else:
            raise ValueError
        seconds = (found if found.tzinfo else found.replace(tzinfo=zone)) - _EPOCH
    except (ValueError, OverflowError):
        node.note("NOT_A_MOMENT", value=text[:40])
        return None
    nanos = int(told[2][1:].ljust(9, "0")) if told and told[2] else 0
    return Timestamp(seconds=seconds.days * _DAY_SECONDS + seconds.seconds, nanos=nanos)


def has_hours(node: Node) -> bool:
    """Whether a time is told to the hour, and not to the day only."""
    return _MOMENT.match(node.text()) is not None


def plain(number: Decimal) -> str:
    """Return a number without an exponent; one that is too long stays as it is."""
    if len(number.as_tuple().digits) > _MAX_DIGITS or abs(number.adjusted()) > _MAX_DIGITS:
        return str(number)
    return format(number, "f")


def fen(money: Node) -> int | None:
    """Return the fen of a Money; ``None``: it has no value, or it is noted what is wrong with it."""
    exact = fen_exact(money)
    if exact is None:
        return None
    if exact % 1:
        money.get("value").note("NOT_FEN", value=plain(exact / FEN_PER_YUAN))
        return None
    return int(exact)


def fen_exact(money: Node) -> Decimal | None:
    """Return the fen of a Money with their decimals; ``None``: as :func:`fen`."""
    node = money.get("value")
    value = node.number()
    if value is None:
        return None
    currency = money.get("currency")
    if not currency.given:
        currency.note("REQUIRED")
        return None
    if currency.text() != _CURRENCY:
        currency.note("OTHER_CURRENCY", value=currency.text()[:20])
        return None
    if abs(value.adjusted()) > _MAX_DIGITS or len(value.as_tuple().digits) > _MAX_DIGITS:
        node.note("ABSURD_AMOUNT", value=str(value)[:40], limit=MAX_AMOUNT_FEN)
        return None
    return value * FEN_PER_YUAN


def extension(resource: Node, url: str) -> Node:
    """Return the value of an extension, with its place; absent when there is none."""
    return extensions(resource).get(url) or Node(None, f"{resource.place}.extension", resource.faults)


def extensions(resource: Node) -> dict[str, Node]:
    """Return the values of the extensions that have one, by URL; of several of one URL, the first."""
    found: dict[str, Node] = {}
    for one in resource.get("extension").each():
        url = one.get("url").text()
        for name in one.value if url and url not in found else ():
            if name.startswith("value"):
                found[url] = one.get(name)
                break
    return found


def read_extensions(
    found: Mapping[str, Node], wanted: Iterable[Extension], message: Message
) -> Iterator[tuple[str, str]]:
    """Fill a message of the contract with what stands in extensions.

    Args:
        found: values of the extensions, by URL.
        wanted: those to read.
        message: to be filled.

    Yields:
        The fact, and its place in the message of the door.
    """
    for one in wanted if found else ():
        node = found.get(one.url)
        if node is None or not node.given:
            continue
        owner, _, name = one.fact.rpartition(".")
        inner = getattr(message, owner) if owner else message
        value = _value(node, one.type, inner, name)
        if value is not None:
            setattr(inner, name, value)
            yield one.fact, node.place


def _value(node: Node, kind: str, message: Any, name: str) -> Any:
    if kind == "boolean":
        return node.flag()
    if kind == "string":
        return node.text() or None
    if kind == "code":
        return _enum_value(node, message.DESCRIPTOR.fields_by_name[name].enum_type)
    number = node.number()
    if number is None or kind == "decimal":
        # Its exponent may be beyond what a float holds: that is infinite then, and refused as such.
        return None if number is None else float(number)
    if abs(number.adjusted()) > _MAX_DIGITS or number % 1 or abs(number) > _MAX_INT32:
        node.note("OUT_OF_RANGE", value=str(number)[:20], low=0, high=_MAX_INT32)
        return None
    return int(number)


def _enum_value(node: Node, enumeration: Any) -> int | None:
    """Return the number of a value written in lower case with hyphens."""
    text = node.text()
    names = enumeration.values_by_number
    prefix = names[0].name.removesuffix("UNSPECIFIED")
    found = enumeration.values_by_name.get(prefix + text.upper().replace("-", "_"))
    if text and (found is None or not found.number):
        node.note("UNKNOWN_VALUE", value=repr(text[:40]))
        return None
    return found.number if found else None
