"""Errors a caller can meet.

CaseMeterError
├── RequestRefused     the request cannot be answered as it is; ``faults`` names every field
├── ConnectionFailed   no server answered, after the retries
├── DeadlineExceeded   no answer in time
└── ServerFailed       anything else
"""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from casemeter.v1.error_pb2 import Error, FieldFault

_ERROR_KEY = "casemeter-error-bin"
_REFUSED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


class CaseMeterError(Exception):
    """Base of all errors of the client.

    Attributes:
        reason: what happened, in upper snake case; empty when the server named none.
        faults: the faults of single fields.
    """

    def __init__(self, message: str, reason: str = "", faults: Sequence[FieldFault] = ()) -> None:
        super().__init__("\n".join([message, *(f"  {fault.message}" for fault in faults)]))
        self.reason = reason
        self.faults = tuple(faults)


class RequestRefused(CaseMeterError):
    """The request cannot be answered as it is: mend it and call again."""


class ConnectionFailed(CaseMeterError):
    """No server answered, after the retries."""


class DeadlineExceeded(CaseMeterError):
    """No answer within the timeout."""


class ServerFailed(CaseMeterError):
    """The server failed on this request."""


def from_rpc(failure: grpc.RpcError | grpc.aio.AioRpcError) -> CaseMeterError:
    """Turn a failed call into an error of the client."""
    status = failure.code()
    error = Error()
    metadata = dict(failure.trailing_metadata() or ())  # type: ignore[arg-type]  # pairs; the stubs say otherwise
    value = metadata.get(_ERROR_KEY)
    if isinstance(value, bytes):
        error.ParseFromString(value)
    message = error.message or failure.details() or status.name
    return _kind(status)(message, error.reason or status.name, error.faults)


def from_message(error: Error) -> CaseMeterError:
    """Turn an error inside a stream into an error of the client."""
    status = next((code for code in grpc.StatusCode if code.value[0] == error.code), grpc.StatusCode.UNKNOWN)
    return _kind(status)(error.message, error.reason, error.faults)


def _kind(status: grpc.StatusCode) -> type[CaseMeterError]:
    if status in _REFUSED:
        return RequestRefused
    if status is grpc.StatusCode.UNAVAILABLE:
        return ConnectionFailed
    if status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded
    return ServerFailed
