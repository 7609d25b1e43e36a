"""The desk that every door calls: a question is filled, answered and recorded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import error_pb2, service_pb2
from casemeter.v1.living_pb2 import EncounterState
from casemeter_server.caller import Caller
from casemeter_server.care_facts import MAX_ALERTS
from casemeter_server.doors.answers import GivenAnswer, keep_answers
from casemeter_server.doors.door import Question
from casemeter_server.doors.facts import DoorFacts
from casemeter_server.doors.fill import fill
from casemeter_server.doors.settings import DoorSettings
from casemeter_server.engine import EVALUATE, Engine
from casemeter_server.errors import RequestError
from casemeter_server.identity.rights import PHYSICIAN
from casemeter_server.shown_alerts import history_of, shown_alerts

__all__ = ["Answered", "Desk", "Fill", "GivenAnswer"]

_log = logging.getLogger("casemeter")

MAX_WAITING: Final = 64
"""Questions to the store that may be open at once. With more, it is taken to be slow and not asked."""


FILL: Final = "casemeter-fill"
"""Header of a reply that says what became of filling the message."""


class Fill(StrEnum):
    """What became of filling a message."""

    NOT_OPEN = "not open"
    """No encounter is open under its number, or nothing is kept, or the message has no number."""

    COMPLETE = "complete"
    """The message lacked nothing that the open encounter knows."""

    FILLED = "filled"
    """The verdict names what was filled."""

    LATE = "late"
    """The open encounter was not there in time: answered as the message stands."""

    CONTRADICTED = "contradicted"
    """The open encounter contradicts the message: answered as the message stands."""


@dataclass(frozen=True)
class Answered:
    """What a door translates back.

    Attributes:
        response: the verdict and its envelope.
        question: as it was evaluated: filled, with the history of its alerts.
        ids: alert_keys of the findings that are shown, and the number under which each was recorded. A
            finding that is shown again gets a new one. Present, too, when there is no store.
        fill: what became of filling the message.
    """

    response: service_pb2.EvaluateResponse
    question: Question
    ids: Mapping[str, str]
    fill: Fill = Fill.NOT_OPEN

    @property
    def headers(self) -> dict[str, str]:
        """Headers for the reply of any door."""
        return {FILL: str(self.fill)}


@dataclass
class Desk:
    """Answers the questions of every door.

    Attributes:
        engine: evaluates and keeps.
        settings: of the doors.
    """

    engine: Engine
    settings: DoorSettings = field(default_factory=DoorSettings)
    _waiting: set[asyncio.Task[Any]] = field(default_factory=set, init=False, repr=False)

    async def answer(
        self, question: Question, caller: Caller, door: DoorFacts, as_of: Timestamp | None = None
    ) -> Answered:
        """Answer one question: rights, fill, history of alerts, verdict, record.

        Args:
            question: what the message says; it is not changed.
            caller: who asks; without a role it is a physician.
            door: what the door can carry; what it cannot is filled from the open encounter.
            as_of: the moment the answer holds for; ``None``: as the request says.

        Raises:
            RequestError: there is no answer; places of its faults are those of the message.
        """
        caller = caller if caller.role else replace(caller, role=PHYSICIAN)
        self.engine.may(caller, EVALUATE)
        request = service_pb2.EvaluateRequest()
        request.CopyFrom(question.request)
        if as_of is not None:
            request.as_of.CopyFrom(as_of)
        number = request.encounter.encounter_id
        state, late = await self._look(caller.hospital, number, request)
        try:
            request, response, became = self._evaluate(request, state, door, caller)
        except RequestError as error:
            raise _of_message(error, question) from None
        if state is not None and self.engine.keeper is not None:
            self.engine.keeper.stir(caller.hospital, number)
        if late and became is Fill.NOT_OPEN:
            became = Fill.LATE
        state_hash = state.state_hash if state and became in (Fill.FILLED, Fill.COMPLETE) else ""
        ids = self._record(response, number, caller, door.name, state_hash)
        return Answered(response, replace(question, request=request), ids, became)

    async def take_answers(
        self, answers: Sequence[GivenAnswer], caller: Caller
    ) -> list[error_pb2.FieldFault]:
        """Keep what users answered to alerts: all of it, or nothing. It is kept when this returns.

        Args:
            answers: each by the number of a shown alert of the caller's own hospital.
            caller: who tells it.

        Returns:
            Why nothing was kept: faults with the places of the answers; empty: all was.

        Raises:
            RequestError: the caller may not, or there is no store, or it does not answer.
        """
        caller = caller if caller.role else replace(caller, role=PHYSICIAN)
        self.engine.may(caller, "AnswerFinding")
        if self.engine.store is None:
            raise RequestError("STORE_OFF", {})
        return await keep_answers(self.engine.store, answers, caller)

    async def _look(
        self, hospital: str, number: str, request: service_pb2.EvaluateRequest
    ) -> tuple[EncounterState | None, bool]:
        """Look for the open encounter and for the alerts that were shown of it, which go into the request.

        Returns:
            The state of the encounter, and whether it did not come in time.
        """
        store, encounters = self.engine.store, self.engine.encounters
        if not number or "\0" in number or store is None or encounters is None:
            return None, False
        asked: list[asyncio.Task[Any] | None] = [self._ask(encounters.state(hospital, number))]
        if not request.HasField("alert_context"):
            asked.append(self._ask(store.read(lambda reading: reading.alerts(hospital, number))))
        known = [task for task in asked if task is not None]
        if known:
            # A question that takes longer goes on: what it brings is at hand for the next message.
            await asyncio.wait(known, timeout=self.settings.wait_ms / 1000)
        state, *alerts = [_brought(task) for task in asked]
        if alerts and alerts[0] is not None:
            request.alert_context.CopyFrom(history_of(alerts[0].value[-MAX_ALERTS:]))
        return (state.value, False) if state else (None, True)

    def _ask(self, question: Coroutine[Any, Any, Any]) -> asyncio.Task[Any] | None:
        """Begin a question to the store, unless too many are open."""
        if len(self._waiting) >= MAX_WAITING:
            question.close()
            return None
        task = asyncio.create_task(question)
        self._waiting.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._waiting.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: nobody may be left who does

    def _evaluate(
        self,
        request: service_pb2.EvaluateRequest,
        state: EncounterState | None,
        door: DoorFacts,
        caller: Caller,
    ) -> tuple[service_pb2.EvaluateRequest, service_pb2.EvaluateResponse, Fill]:
        evaluate = self.engine.evaluator.evaluate
        if state is None:
            return request, evaluate(request, caller), Fill.NOT_OPEN
        filled = fill(request, state, door)
        if not filled.facts:
            return request, evaluate(request, caller), Fill.COMPLETE
        try:
            return filled.request, evaluate(filled.request, caller), Fill.FILLED
        except RequestError:
            return request, evaluate(request, caller), Fill.CONTRADICTED

    def _record(
        self, response: service_pb2.EvaluateResponse, number: str, caller: Caller, door: str, state_hash: str
    ) -> dict[str, str]:
        """Hand what was shown to the store, without waiting; return the numbers of the alerts."""
        alerts = shown_alerts(
            response.verdict, caller.hospital, number, caller, door=door, state_hash=state_hash
        )
        if self.engine.store is not None:
            kept = self.engine.store.record(*alerts) if alerts else True
            looked = self.engine.record_look(caller, EVALUATE, number)
            response.recorded = kept and looked is not False
        return {alert.alert_key: alert.id for alert in alerts}


@dataclass(frozen=True, slots=True)
class _Brought:
    value: Any


def _brought(task: asyncio.Task[Any] | None) -> _Brought | None:
    """Return what a question brought; ``None``: nothing in time, or it failed, which holds up no reply."""
    if task is None or not task.done() or task.cancelled():
        return None
    if failure := task.exception():
        _log.warning("the store was asked in vain: %s", type(failure).__name__)
        return None
    return _Brought(task.result())


def _of_message(error: RequestError, question: Question) -> RequestError:
    """Return an error whose faults name places of the message."""
    faults = [question.of_message(fault) for fault in error.error.faults]
    del error.error.faults[:]
    error.error.faults.extend(faults)
    return error
