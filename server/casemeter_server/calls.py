"""The calls of the contract, whatever brings them in: each a request, who asks, and an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from casemeter.v1 import service_pb2
from casemeter_server.caller import Caller

METHODS: Final = {
    method.name: method for method in service_pb2.DESCRIPTOR.services_by_name["CaseMeterService"].methods
}
"""Descriptors of the methods of the contract, by name."""


@dataclass(frozen=True, slots=True)
class Call:
    """One method that answers one request with one message.

    Attributes:
        name: of the method in the contract.
        request: type of its request.
        answer: answers; raises :class:`~casemeter_server.errors.RequestError` where there is no answer.
    """

    name: str
    request: type[Message]
    answer: Callable[[Any, Caller], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class StreamCall:
    """One method that answers one request with messages for as long as the caller listens.

    Attributes:
        name: of the method in the contract.
        request: type of its request.
        answer: yields messages; raises :class:`~casemeter_server.errors.RequestError` where there are none.
    """

    name: str
    request: type[Message]
    answer: Callable[[Any, Caller], AsyncIterator[Message]]


def by_name(calls: Iterable[Call | StreamCall]) -> Mapping[str, Call | StreamCall]:
    """Return calls by their names, each of which must be in the contract.

    Raises:
        ValueError: the contract has no such method, or with another request.
    """
    found: dict[str, Call | StreamCall] = {}
    for call in calls:
        method = METHODS.get(call.name)
        if method is None or method.input_type is not call.request.DESCRIPTOR:
            raise ValueError(f"the contract has no method {call.name} of {call.request.DESCRIPTOR.name}")
        found[call.name] = call
    return found
