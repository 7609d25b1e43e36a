"""Messages as they come: lines of JSON, or the events that browsers know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final

import orjson
from google.protobuf.message import Message
from starlette.responses import Response, StreamingResponse

from casemeter_server.doors.asking import failed
from casemeter_server.doors.proto_writer import to_dict
from casemeter_server.errors import RequestError

NDJSON: Final = "application/x-ndjson"
EVENTS: Final = "text/event-stream"

FIRST_S: Final = 1.0
"""How long the status of a reply waits for the first message: an error by then is told as any other."""

ALIVE_S: Final = 15.0
"""How often a stream of events says that it is alive when it says nothing else: proxies end silent ones."""


async def stream_response(messages: AsyncIterator[Message], accept: str) -> Response:
    """Return a reply that goes on as long as there are messages.

    Args:
        messages: what is told.
        accept: header of the request; it chooses between lines and events.

    Raises:
        RequestError: the first message is an error.
    """
    kind, write = (EVENTS, _event) if EVENTS in accept else (NDJSON, _line)
    first = asyncio.ensure_future(_next(messages))
    done, _ = await asyncio.wait({first}, timeout=FIRST_S)
    if done:
        first.result()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_written(messages, first, write), media_type=kind, headers=headers)


async def _next(messages: AsyncIterator[Message]) -> Message | None:
    return await anext(messages, None)


async def _written(
    messages: AsyncIterator[Message],
    following: asyncio.Future[Message | None],
    write: Callable[[dict[str, Any], bool], bytes],
) -> AsyncIterator[bytes]:
    """Yield each message as it is written; an error is the last."""
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=ALIVE_S if write is _event else None)
            if not done:
                yield b":\n\n"
                continue
            message = following.result()
            if message is None:
                return
            yield write(to_dict(message), False)
            following = asyncio.ensure_future(_next(messages))
    except RequestError as error:
        yield write({"error": to_dict(error.error)}, True)
    except Exception as failure:
        # A bug; the stream has begun, so that it can only be told in it.
        yield write({"error": to_dict(failed(failure).error)}, True)
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError, RequestError, Exception):
            # What it would have told, nobody hears.
            await following
        if hasattr(messages, "aclose"):
            await messages.aclose()


def _line(value: dict[str, Any], is_error: bool) -> bytes:  # noqa: ARG001  # lines say it themselves
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _event(value: dict[str, Any], is_error: bool) -> bytes:
    # One line of data: JSON has no line feed of its own.
    return (b"event: error\n" if is_error else b"") + b"data: " + orjson.dumps(value) + b"\n\n"
