"""One request of HTTP: who asks, its bytes within limits, and errors in the form of its door."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from os import urandom
from pathlib import Path
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from casemeter_server.caller import Caller
from casemeter_server.doors.proto_reader import moment_of
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.store.errors import StoreUnavailable

AS_OF: Final = "casemeter-as-of"
"""Header with the moment an answer is to hold for, as RFC 3339 writes it; for replays and tests."""

VERDICT: Final = "casemeter-verdict"
"""Header that asks, with the value ``full``, for the whole verdict as proto JSON beside the door's own."""

MAX_BODY_BYTES: Final = 4 << 20
"""The largest body, unless a door says otherwise."""

CALLER: Final = "casemeter.caller"
"""Where the scope of a request has its caller, or the error of one who is not known."""

DOOR: Final = "casemeter.door"
"""Where the scope of a request has the name of its door, once that is known."""

_log = logging.getLogger("casemeter")

_STATUS_OF_REASON: Final[Mapping[str, int]] = {
    "TOO_LARGE": 413,
    "WRONG_CONTENT_TYPE": 415,
    "WRONG_METHOD": 405,
}

_STATUS: Final[Mapping[str, int]] = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNKNOWN": 500,
}


@dataclass(frozen=True)
class Asked:
    """One request of HTTP, read.

    Attributes:
        request: as it came; its body is read already.
        body: bytes of the body.
        caller: who asks.
        as_of: the moment the answer is to hold for; ``None``: not told.
        whole: whether the whole verdict is wanted beside the door's own reply.
    """

    request: Request
    body: bytes
    caller: Caller
    as_of: Timestamp | None
    whole: bool


Handler = Callable[[Asked], Awaitable[Response]]
Refusal = Callable[[RequestError], Response]


def asking(
    door: str,
    handler: Handler,
    refuse: Refusal,
    *,
    limit: int = MAX_BODY_BYTES,
    identify: Callable[[Request], Caller] | None = None,
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint: it reads the request, calls the handler, and refuses in the form of the door.

    Args:
        door: name of the door, for metrics and the log.
        handler: answers.
        refuse: writes an error as the door does; :func:`http_status` tells the status.
        limit: the largest body in bytes.
        identify: tells who asks, at doors whose callers prove that in a way of their own; raises
            :class:`~casemeter_server.errors.RequestError`; ``None``: as the application found.
    """

    async def endpoint(request: Request) -> Response:
        request.scope[DOOR] = door
        try:
            caller = identify(request) if identify else request.scope[CALLER]
            if isinstance(caller, RequestError):
                raise caller
            as_of = asked_as_of(request)
            body = await read_body(request, limit)
            return await handler(Asked(request, body, caller, as_of, wanted(request)))
        except RequestError as error:
            return refuse(error)
        except StoreUnavailable:
            return refuse(RequestError("STORE_UNAVAILABLE", {}))
        except ClientDisconnect:
            raise
        except Exception as failure:
            # A bug: the caller is told that it is one.
            return refuse(failed(failure))

    return endpoint


def failed(failure: Exception) -> RequestError:
    """Log a bug and return what the caller is told of it.

    The log names the call and the place in the code; values of the request stay out of it.
    """
    call = urandom(8).hex()
    _log.error("call %r failed: %s at %s", call, type(failure).__name__, _place(failure))
    return RequestError("INTERNAL", {"call_id": call})


def http_status(error: RequestError) -> int:
    """Return the HTTP status of an error."""
    return _STATUS_OF_REASON.get(error.error.reason) or _STATUS[error.status.name]


def wanted(request: Request) -> bool:
    """Return whether a request asks for the whole verdict beside the door's own reply."""
    return request.headers.get(VERDICT, "").strip().lower() == "full"


def asked_as_of(request: Request) -> Timestamp | None:
    """Return the moment that a request is to be answered for; ``None``: not told.

    Raises:
        RequestError: it is no moment.
    """
    text = request.headers.get(AS_OF)
    if text is None:
        return None
    moment = moment_of(text.strip())
    if moment is None:
        raise invalid([fault(AS_OF, "NOT_A_MOMENT", value=repr(text[:40]))])
    return Timestamp(seconds=moment[0], nanos=moment[1])


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: it is larger than the limit.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise RequestError("TOO_LARGE", {"limit": limit})
        parts.append(part)
    return b"".join(parts)


def _place(failure: BaseException) -> str:
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
