"""Evaluating one request: a visible pipeline of stages, each timed, nothing remembered between calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from os import urandom
from time import perf_counter_ns, time_ns
from typing import Final, NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message

from casemeter.v1 import error_pb2, service_pb2, verdict_pb2
from casemeter_grouper.explain import explain
from casemeter_server.errors import RequestError, fault, invalid
from casemeter_server.plain.calendar import iso_day, offsets_of
from casemeter_server.plain.reader import PlainAnswer
from casemeter_server.plain.wire import content_field, number_field, tags
from casemeter_server.prepare import MAX_ID, prepare
from casemeter_server.snapshot import LoadedScheme, Snapshot
from casemeter_server.stay_facts import EARLIEST_AS_OF, LATEST, seconds_of, seconds_since
from casemeter_server.verdicts import fill_explanation, fill_near_misses

_EARLIEST_AS_OF: Final = seconds_since(EARLIEST_AS_OF)

_VERDICT, _CALL_ID, _TIMINGS = tags(service_pb2.EvaluateResponse, "verdict", "call_id", "timings")
_GROUP_NS, _VERDICT_NS = tags(service_pb2.Timings, "group_ns", "verdict_ns")
_STATUS_NAMES: Final = {
    number: name.removeprefix("GROUP_STATUS_").lower() for name, number in verdict_pb2.GroupStatus.items()
}
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, passed beside every request.

    Attributes:
        hospital: decides the default pack.
    """

    hospital: str = ""


class Reply(NamedTuple):
    """One answer as it goes over the wire, and what is counted of it.

    Attributes:
        data: an ``EvaluateResponse``, serialised.
        call_id: of the response.
        pack: id of the pack that answered.
        status: how the case ends, in lower case.
        stages: nanoseconds by stage, in the order of :data:`~casemeter_server.metrics.STAGES` without the
            total; 0: there was no such stage.
    """

    data: bytes
    call_id: str
    pack: str
    status: str
    stages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Answers requests from one snapshot.

    Attributes:
        snapshot: the packs.
        zone: the hospital's zone, by whose local days stays are counted.
    """

    snapshot: Snapshot
    zone: tzinfo

    def evaluate_bytes(
        self, data: bytes, caller: Caller, *, in_time: Callable[[], bool] = lambda: True
    ) -> Reply:
        """Answer one request as it comes over the wire.

        A plain one goes the short way; any other is parsed and evaluated. Both ways say the same.

        Args:
            data: the request.
            caller: who asks.
            in_time: asked before the costly stages; false ends the call.

        Raises:
            RequestError: the request cannot be answered.
        """
        started = perf_counter_ns()
        found = self._answer_plain(data, caller)
        if found:
            return _plain_reply(*found, perf_counter_ns() - started)
        request = parse(service_pb2.EvaluateRequest(), data)
        decode_ns = perf_counter_ns() - started
        response = self.evaluate(request, caller, decode_ns=decode_ns, in_time=in_time)
        evaluated_at = perf_counter_ns()
        written = response.SerializeToString(deterministic=True)
        encode_ns = perf_counter_ns() - evaluated_at
        verdict, timings = response.verdict, response.timings
        stages = (
            *(timings.decode_ns, timings.case_ns, timings.group_ns, timings.verdict_ns),
            *(timings.explain_ns, timings.near_misses_ns, encode_ns),
        )
        return Reply(written, response.call_id, verdict.pack.id, _STATUS_NAMES[verdict.status], stages)

    def _answer_plain(self, data: bytes, caller: Caller) -> tuple[LoadedScheme, PlainAnswer] | None:
        """Answer a request the short way; ``None`` if it is not plain."""
        clock, offsets = time_ns() / 1e9, offsets_of(self.zone)
        pack = ""
        try:
            # The default pack reads first; it may turn out that the request names another.
            for named in (False, True):
                # Only reading tells the day whose version answers; today's most likely does.
                loaded = self.snapshot.pick(pack, caller.hospital, lambda: self._local_day(clock))
                answer = loaded.plain.answer(data, clock, named, offsets)
                if not isinstance(answer, str):
                    break
                pack = answer
        except RequestError:
            return None
        if not isinstance(answer, PlainAnswer):
            return None
        return (loaded, answer) if loaded.holds_always or loaded.holds_on(iso_day(answer.day)) else None

    def evaluate(
        self,
        request: service_pb2.EvaluateRequest,
        caller: Caller,
        *,
        decode_ns: int = 0,
        in_time: Callable[[], bool] = lambda: True,
    ) -> service_pb2.EvaluateResponse:
        """Answer one request.

        Args:
            request: the request.
            caller: who asks.
            decode_ns: time already spent on reading the request, for the timings.
            in_time: asked before the costly stages; false ends the call.

        Raises:
            RequestError: the request cannot be answered.
        """
        started = perf_counter_ns()
        as_of = self._moment(request)
        loaded = self.snapshot.pick(request.pack, caller.hospital, lambda: self._day(request, as_of))
        scheme = loaded.scheme
        prepared = prepare(request.encounter, scheme, as_of, self.zone)
        prepared_at = perf_counter_ns()
        outcome = loaded.grouper.group(prepared.case)
        grouped_at = perf_counter_ns()

        response = service_pb2.EvaluateResponse(call_id=request.call_id or urandom(16).hex())
        verdict = response.verdict
        loaded.known_parts.fill(verdict, outcome, prepared)
        if request.HasField("as_of"):
            verdict.as_of.CopyFrom(request.as_of)
        else:
            verdict.as_of.seconds = int(as_of)
            verdict.as_of.nanos = round(as_of % 1 * 1e9)
        filled_at = explained_at = perf_counter_ns()
        if request.explain and prepared.case.diagnoses:
            _check_time(in_time)
            fill_explanation(verdict.explanation, explain(scheme.tree, scheme, prepared.case), scheme)
            explained_at = perf_counter_ns()
        missed_at = explained_at
        if request.near_misses and prepared.case.diagnoses:
            _check_time(in_time)
            found = loaded.near_misses.find(prepared.case)
            fill_near_misses(verdict.near_misses, found, prepared, scheme)
            missed_at = perf_counter_ns()
        timings = response.timings
        timings.decode_ns = decode_ns
        timings.case_ns = prepared_at - started
        timings.group_ns = grouped_at - prepared_at
        timings.verdict_ns = filled_at - grouped_at
        timings.explain_ns = explained_at - filled_at
        timings.near_misses_ns = missed_at - explained_at
        return response

    def _moment(self, request: service_pb2.EvaluateRequest) -> float:
        """Return as_of in seconds: the request's, or the server's clock."""
        faults: list[error_pb2.FieldFault] = []
        if len(request.call_id) > MAX_ID:
            faults.append(fault("call_id", "TOO_LONG", count=len(request.call_id), limit=MAX_ID))
        as_of: float | None = time_ns() / 1e9
        if request.HasField("as_of"):
            as_of = seconds_of(request.as_of, "as_of", faults)
            if as_of is not None and as_of < _EARLIEST_AS_OF:
                value = f"{request.as_of.seconds} s"
                faults.append(fault("as_of", "OUT_OF_RANGE", value=value, low=EARLIEST_AS_OF, high=LATEST))
        if faults or as_of is None:
            raise invalid(faults)
        return as_of

    def _day(self, request: service_pb2.EvaluateRequest, as_of: float) -> str:
        """Return the local day whose pack holds: that of discharge, or of as_of."""
        if request.encounter.HasField("discharge_time"):
            # A discharge out of range is noted where the stay is read.
            as_of = seconds_of(request.encounter.discharge_time, "", []) or as_of
        return self._local_day(as_of)

    def _local_day(self, moment: float) -> str:
        return datetime.fromtimestamp(moment, self.zone).date().isoformat()


def parse(message: _M, data: bytes) -> _M:
    """Parse a message.

    Raises:
        RequestError: the bytes are no such message.
    """
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise RequestError("MALFORMED_REQUEST", {}) from None
    return message


def _plain_reply(loaded: LoadedScheme, answer: PlainAnswer, group_ns: int) -> Reply:
    """Return the reply to a plain request: the envelope of its verdict, written as the messages are."""
    started = perf_counter_ns()
    call_id = answer.call_id or urandom(16).hex().encode()
    envelope = content_field(_VERDICT, answer.verdict) + content_field(_CALL_ID, call_id)
    verdict_ns = perf_counter_ns() - started
    timings = number_field(_GROUP_NS, group_ns) + number_field(_VERDICT_NS, verdict_ns)
    data = envelope + content_field(_TIMINGS, timings)
    return Reply(
        data, call_id.decode(), loaded.header.id, answer.status, (0, 0, group_ns, verdict_ns, 0, 0, 0)
    )


def _check_time(in_time: Callable[[], bool]) -> None:
    if not in_time():
        raise RequestError("DEADLINE_EXCEEDED", {})
