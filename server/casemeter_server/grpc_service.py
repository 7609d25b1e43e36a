"""The gRPC adapter: bytes in, bytes out; it translates, calls the evaluator and maps errors."""

from __future__ import annotations

import logging
import traceback
from asyncio import get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from os import urandom
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from casemeter.v1 import service_pb2
from casemeter_server.caller import Caller
from casemeter_server.calls import Call, StreamCall
from casemeter_server.engine import Engine
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Reply, parse
from casemeter_server.identity.authenticator import Authenticator
from casemeter_server.identity.declared import from_metadata
from casemeter_server.identity.loopback import is_loopback_peer
from casemeter_server.metrics import STAGES, Metrics
from casemeter_server.plain.wire import content_field, number_field, tags
from casemeter_server.prepare import MAX_ID

SERVICE: Final = "casemeter.v1.CaseMeterService"
ERROR_KEY: Final = "casemeter-error-bin"
DOMAIN: Final = "casemeter"

COUNT_EVERY_S: Final = 0.05
"""How long a reply may wait for being counted. A process that is killed loses the counts of that time."""

_log = logging.getLogger("casemeter")
_TOTAL: Final = STAGES.index("total")
_RESPONSE, _CALL_ID = tags(service_pb2.EvaluateStreamResponse, "response", "call_id")
(_RECORDED,) = tags(service_pb2.EvaluateResponse, "recorded")

Context = grpc.aio.ServicerContext[Any, Any]


class CaseMeterService:
    """Answers the calls of the contract by an engine."""

    def __init__(
        self, engine: Engine, metrics: Metrics, authenticator: Authenticator, *, is_local: bool
    ) -> None:
        """Take what answers.

        Args:
            engine: answers.
            metrics: counts.
            authenticator: knows who asks.
            is_local: whether the listener can be reached from its own machine only.
        """
        self.engine = engine
        self._metrics = metrics
        self._authenticator = authenticator
        self._is_local = is_local
        self._uncounted: list[tuple[str, Reply, int]] = []

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handlers of the service. They take and give bytes, so that both ends are timed."""
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            call.name: grpc.unary_stream_rpc_method_handler(self._stream(call))
            if isinstance(call, StreamCall)
            else grpc.unary_unary_rpc_method_handler(self._unary(call))
            for call in self.engine.calls.values()
        }
        # Requests that are plain are never parsed: these two take the bytes themselves.
        handlers["Evaluate"] = grpc.unary_unary_rpc_method_handler(self.evaluate)
        handlers["EvaluateStream"] = grpc.stream_stream_rpc_method_handler(self.evaluate_stream)
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    async def evaluate(self, data: bytes, context: Context) -> bytes:
        """Answer one request."""
        started = perf_counter_ns()
        try:
            caller = self._caller(context, "Evaluate")
            reply = self._answer("Evaluate", data, started, caller, context)
        except RequestError as error:
            await self._refuse("Evaluate", error, context)
        return reply.data + self._recorded("Evaluate", reply, caller)

    async def evaluate_stream(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Answer requests as they come; a faulty one gets an error in its response."""
        await self._known(context, "EvaluateStream")
        async for data in requests:
            # No stream outlives the token that it began with.
            caller = await self._known(context, "EvaluateStream")
            try:
                reply = self._answer("EvaluateStream", data, perf_counter_ns(), caller, context)
            except RequestError as error:
                refusal = service_pb2.EvaluateStreamResponse(error=error.error, call_id=_call_id(data))
                self._metrics.count("casemeter_requests", "EvaluateStream", error.status.name)
                yield refusal.SerializeToString(deterministic=True)
            else:
                response = reply.data + self._recorded("EvaluateStream", reply, caller)
                yield content_field(_RESPONSE, response) + content_field(_CALL_ID, reply.call_id.encode())

    def _unary(self, call: Call) -> Callable[[bytes, Context], Awaitable[bytes]]:
        async def handle(data: bytes, context: Context) -> bytes:
            try:
                caller = self._caller(context)
                with _bugs_told(str):
                    reply = await call.answer(parse(call.request(), data), caller)
            except RequestError as error:
                await self._refuse(call.name, error, context)
            self._metrics.count("casemeter_requests", call.name, "OK")
            return reply.SerializeToString(deterministic=True)

        return handle

    def _stream(self, call: StreamCall) -> Callable[[bytes, Context], AsyncIterator[bytes]]:
        async def handle(data: bytes, context: Context) -> AsyncIterator[bytes]:
            try:
                caller = self._caller(context)
                with _bugs_told(str):
                    async for reply in call.answer(parse(call.request(), data), caller):
                        self._caller(context)  # no stream outlives the token that it began with
                        yield reply.SerializeToString(deterministic=True)
            except RequestError as error:
                await self._refuse(call.name, error, context)
            self._metrics.count("casemeter_requests", call.name, "OK")

        return handle

    async def _known(self, context: Context, call: str) -> Caller:
        """Return who makes a call, or end it."""
        try:
            return self._caller(context, call)
        except RequestError as error:
            await self._refuse(call, error, context)

    def _caller(self, context: Context, call: str = "") -> Caller:
        """Return who makes a call, who must be allowed to make it if it is named here."""
        declared = from_metadata(context.invocation_metadata() or ())
        local = is_loopback_peer(context.peer())
        caller = self._authenticator.authenticate(
            declared, listener_is_local=self._is_local, peer_is_local=local
        )
        if call:
            self.engine.may(caller, call)
        return caller

    def _recorded(self, method: str, reply: Reply, caller: Caller) -> bytes:
        """Record a look at a patient; returns what the response says of it."""
        recorded = self.engine.record_look(caller, method, reply.encounter_id)
        return b"" if recorded is None else number_field(_RECORDED, int(recorded))

    async def _refuse(self, method: str, error: RequestError, context: Context) -> NoReturn:
        self._metrics.count("casemeter_requests", method, error.status.name)
        await _abort(error, context)

    def _answer(self, method: str, data: bytes, started: int, caller: Caller, context: Context) -> Reply:
        with _bugs_told(lambda: _call_id(data)):
            reply = self.engine.evaluator.evaluate_bytes(data, caller, in_time=lambda: _in_time(context))
        # Counted many at a time: one by one, each would find the caches cold and hold up the call behind it.
        if not self._uncounted:
            get_running_loop().call_later(COUNT_EVERY_S, self.count_replies)
        self._uncounted.append((method, reply, perf_counter_ns() - started))
        return reply

    def count_replies(self) -> None:
        """Count the replies given since the last time; for the end of a server, too."""
        observe, count = self._metrics.observe, self._metrics.count
        for method, reply, total_ns in self._uncounted:
            for stage, nanoseconds in enumerate(reply.stages):
                if nanoseconds:
                    observe(stage, nanoseconds)
            observe(_TOTAL, total_ns)
            count("casemeter_verdicts", reply.pack, reply.status)
            count("casemeter_requests", method, "OK")
        self._uncounted.clear()


def _call_id(data: bytes) -> str:
    """The caller's number of a refused request, if it can be read at all."""
    try:
        return service_pb2.EvaluateRequest.FromString(data).call_id[:MAX_ID]
    except DecodeError:
        return ""


@contextmanager
def _bugs_told(call_id: Callable[[], str]) -> Iterator[None]:
    """Turn a bug into an error. The log names the call and the place in the code, no value of the request.

    Raises:
        RequestError: INTERNAL, in place of the bug.
    """
    try:
        yield
    except RequestError:
        raise
    except Exception as failure:
        name = call_id() or urandom(8).hex()
        _log.error("call %r failed: %s at %s", name, type(failure).__name__, _place(failure))
        raise RequestError("INTERNAL", {"call_id": name}) from None


def _in_time(context: Context) -> bool:
    remaining = context.time_remaining()
    return not context.cancelled() and (remaining is None or remaining > 0)


def _place(failure: BaseException) -> str:
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


async def _abort(error: RequestError, context: Context) -> NoReturn:
    """End a call with the error in all its forms: status, rich status, and the contract's own message."""
    details = [AnyMessage(), AnyMessage()]
    details[0].Pack(error_details_pb2.ErrorInfo(reason=error.error.reason, domain=DOMAIN))
    violations = [
        error_details_pb2.BadRequest.FieldViolation(
            field=fault.field, description=fault.message, reason=fault.reason
        )
        for fault in error.error.faults
    ]
    details[1].Pack(error_details_pb2.BadRequest(field_violations=violations))
    status = status_pb2.Status(
        code=error.error.code, message=error.error.message, details=details if violations else details[:1]
    )
    metadata = (
        ("grpc-status-details-bin", status.SerializeToString()),
        (ERROR_KEY, error.error.SerializeToString()),
    )
    await context.abort(error.status, error.error.message, trailing_metadata=metadata)
    raise AssertionError("abort raises")
