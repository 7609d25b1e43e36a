"""The desk that every door calls: a question is filled, answered and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import error_pb2, finding_pb2, service_pb2
from casemeter_server.caller import Caller
from casemeter_server.doors.door import Question
from casemeter_server.doors.facts import DoorFacts
from casemeter_server.errors import RequestError
from casemeter_server.evaluation import Evaluator

PHYSICIAN: Final = "physician"


@dataclass(frozen=True)
class Answered:
    """What a door translates back.

    Attributes:
        response: the verdict and its envelope.
        question: as it was evaluated: filled, with the history of its alerts.
        ids: alert_keys of the findings that are shown, and the number under which each was recorded. A
            finding that is shown again gets a new one. Present, too, when there is no store.
    """

    response: service_pb2.EvaluateResponse
    question: Question
    ids: Mapping[str, str]


@dataclass(frozen=True)
class GivenAnswer:
    """What a user answered to an alert that was shown.

    Attributes:
        id: the number under which it was shown.
        answer: what was answered.
        reason: code of the reason for going on all the same; empty: none.
        text: what was added in words.
        place: where the answer stands in the message, for faults.
    """

    id: str
    answer: finding_pb2.AlertAnswer
    reason: str = ""
    text: str = ""
    place: str = ""


class Desk:
    """Answers the questions of every door."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator

    async def answer(
        self, question: Question, caller: Caller, door: DoorFacts, as_of: Timestamp | None = None
    ) -> Answered:
        """Answer one question: rights, fill, history of alerts, verdict, record.

        Args:
            question: what the message says.
            caller: who asks; without a role it is a physician.
            door: what the door can carry; what it cannot is filled from the open encounter.
            as_of: the moment the answer holds for; ``None``: as the request says.

        Raises:
            RequestError: there is no answer; places of its faults are those of the message.
        """
        caller = caller if caller.role else replace(caller, role=PHYSICIAN)
        request = service_pb2.EvaluateRequest()
        request.CopyFrom(question.request)
        if as_of is not None:
            request.as_of.CopyFrom(as_of)
        try:
            response = self.evaluator.evaluate(request, caller)
        except RequestError as error:
            raise _of_message(error, question) from None
        return Answered(response, replace(question, request=request), {})

    async def take_answers(
        self, answers: Sequence[GivenAnswer], caller: Caller
    ) -> list[error_pb2.FieldFault]:
        """Keep what users answered to alerts: all of it, or nothing.

        Args:
            answers: each by the number of a shown alert.
            caller: who tells it.

        Returns:
            Why nothing was kept: faults with the places of the answers; empty: all was.

        Raises:
            RequestError: the caller may not, or there is no store, or it does not answer.
        """
        raise NotImplementedError


def _of_message(error: RequestError, question: Question) -> RequestError:
    """Return an error whose faults name places of the message."""
    faults = [question.of_message(fault) for fault in error.error.faults]
    del error.error.faults[:]
    error.error.faults.extend(faults)
    return error
