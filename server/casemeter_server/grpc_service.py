"""The gRPC adapter: bytes in, bytes out; it translates, calls the evaluator and maps errors."""

from __future__ import annotations

import logging
import traceback
from asyncio import get_running_loop, to_thread
from collections.abc import AsyncIterator
from os import urandom
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Final, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from casemeter.v1 import service_pb2, terms_pb2
from casemeter_server.caller import Caller
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator, Reply, parse
from casemeter_server.metrics import STAGES, Metrics
from casemeter_server.plain.wire import content_field, tags
from casemeter_server.prepare import MAX_ID
from casemeter_server.terms import Terms

SERVICE: Final = "casemeter.v1.CaseMeterService"
HOSPITAL_KEY: Final = "casemeter-hospital"
ROLE_KEY: Final = "casemeter-role"
ERROR_KEY: Final = "casemeter-error-bin"
DOMAIN: Final = "casemeter"

COUNT_EVERY_S: Final = 0.05
"""How long a reply may wait for being counted. A process that is killed loses the counts of that time."""

_log = logging.getLogger("casemeter")
_TOTAL: Final = STAGES.index("total")
_RESPONSE, _CALL_ID = tags(service_pb2.EvaluateStreamResponse, "response", "call_id")

Context = grpc.aio.ServicerContext[Any, Any]


class CaseMeterService:
    """Answers the calls of the contract from one evaluator, which a reload replaces as a whole."""

    def __init__(self, evaluator: Evaluator, metrics: Metrics, terms: Terms | None = None) -> None:
        self.evaluator = evaluator
        self.terms = terms or Terms()
        self._metrics = metrics
        self._uncounted: list[tuple[str, Reply, int]] = []

    def handler(self) -> grpc.GenericRpcHandler:
        """Return the handlers of the service. They take and give bytes, so that both ends are timed."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Evaluate": grpc.unary_unary_rpc_method_handler(self.evaluate),
                "EvaluateStream": grpc.stream_stream_rpc_method_handler(self.evaluate_stream),
                "ListPacks": grpc.unary_unary_rpc_method_handler(self.list_packs),
                "SearchTerms": grpc.unary_unary_rpc_method_handler(self.search_terms),
            },
        )

    async def evaluate(self, data: bytes, context: Context) -> bytes:
        """Answer one request."""
        started = perf_counter_ns()
        try:
            reply = self._answer("Evaluate", data, started, _caller(context), context)
        except RequestError as error:
            self._metrics.count("casemeter_requests", "Evaluate", error.status.name)
            await _abort(error, context)
        return reply.data

    async def evaluate_stream(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """Answer requests as they come; a faulty one gets an error in its response."""
        caller = _caller(context)
        async for data in requests:
            try:
                reply = self._answer("EvaluateStream", data, perf_counter_ns(), caller, context)
            except RequestError as error:
                refusal = service_pb2.EvaluateStreamResponse(error=error.error, call_id=_call_id(data))
                self._metrics.count("casemeter_requests", "EvaluateStream", error.status.name)
                yield refusal.SerializeToString(deterministic=True)
            else:
                yield content_field(_RESPONSE, reply.data) + content_field(_CALL_ID, reply.call_id.encode())

    async def list_packs(self, data: bytes, context: Context) -> bytes:
        """Describe the packs loaded."""
        try:
            parse(service_pb2.ListPacksRequest(), data)
        except RequestError as error:
            self._metrics.count("casemeter_requests", "ListPacks", error.status.name)
            await _abort(error, context)
        packs = self.evaluator.snapshot.describe(_caller(context).hospital)
        self._metrics.count("casemeter_requests", "ListPacks", "OK")
        return service_pb2.ListPacksResponse(packs=packs).SerializeToString(deterministic=True)

    async def search_terms(self, data: bytes, context: Context) -> bytes:
        """Find the codes of what a physician types, beside the loop that answers orders."""
        try:
            request = parse(terms_pb2.SearchTermsRequest(), data)
            found = await to_thread(self.terms.search, request)
        except RequestError as error:
            self._metrics.count("casemeter_requests", "SearchTerms", error.status.name)
            await _abort(error, context)
        self._metrics.count("casemeter_requests", "SearchTerms", "OK")
        return found.SerializeToString(deterministic=True)

    def _answer(self, method: str, data: bytes, started: int, caller: Caller, context: Context) -> Reply:
        try:
            reply = self.evaluator.evaluate_bytes(data, caller, in_time=lambda: _in_time(context))
        except RequestError:
            raise
        except Exception as failure:
            # A bug. The log names the call and the place in the code; values of the request stay out of it.
            call_id = _call_id(data) or urandom(8).hex()
            _log.error("call %r failed: %s at %s", call_id, type(failure).__name__, _place(failure))
            raise RequestError("INTERNAL", {"call_id": call_id}) from None
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


def _caller(context: Context) -> Caller:
    hospital = role = ""
    for key, value in context.invocation_metadata() or ():
        if key == HOSPITAL_KEY:
            hospital = value if isinstance(value, str) else value.decode()
        elif key == ROLE_KEY:
            role = value if isinstance(value, str) else value.decode()
    return Caller(hospital, role)


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
