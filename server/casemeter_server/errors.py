"""Errors of requests: every fault at once, each with its place, reason and mend."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

import grpc

from casemeter.v1 import error_pb2

MAX_FAULTS: Final = 16
"""The most faults that are listed. A failed call carries them twice in its trailing metadata, and callers
accept no more than 8 KiB of these."""


@cache
def catalogue() -> dict[str, dict[str, dict[str, str]]]:
    """Every reason: ``request`` and ``field``, each by reason with its text and mend."""
    text = resources.files("casemeter_server").joinpath("errors.toml").read_text("utf-8")
    return tomllib.loads(text)


def fault(field: str, reason: str, **details: object) -> error_pb2.FieldFault:
    """Return one fault of a field; ``details`` fill the text of the reason."""
    entry = catalogue()["field"][reason]
    message = f"{field} {entry['text'].format(**details)}. {entry['mend']}"
    return error_pb2.FieldFault(field=field, reason=reason, message=message)


class RequestError(Exception):
    """A request that cannot be answered.

    Attributes:
        status: canonical status.
        error: what the caller is told. It quotes the request's own values only, never another's.
    """

    def __init__(
        self, reason: str, details: Mapping[str, object], faults: Sequence[error_pb2.FieldFault] = ()
    ) -> None:
        entry = catalogue()["request"][reason]
        self.status: grpc.StatusCode = grpc.StatusCode[entry["status"]]
        message = f"{entry['text'].format(**details)}. {entry['mend']}"
        self.error = error_pb2.Error(code=self.status.value[0], reason=reason, message=message, faults=faults)
        super().__init__(message)


def invalid(faults: Sequence[error_pb2.FieldFault]) -> RequestError:
    """Return the error for a request with faulty fields."""
    return RequestError("INVALID_REQUEST", {"count": len(faults)}, faults[:MAX_FAULTS])
