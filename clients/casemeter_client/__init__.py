"""Python client of CaseMeter.

Four lines are enough::

    from casemeter_client import Client, Encounter

    with Client("127.0.0.1:50051") as client:
        print(client.evaluate(Encounter(diagnoses=[{"code": "I63.900"}])).verdict.group.code)

An EMR that would rather tell what happens as it happens keeps an encounter open: ``client.record`` and
``client.watch``.
"""

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.keeping_pb2 import SealFrontPageResponse
from casemeter.v1.living_pb2 import EncounterChange, EncounterEvent, EncounterState, RecordEventsResponse
from casemeter.v1.service_pb2 import EvaluateRequest, EvaluateResponse
from casemeter.v1.verdict_pb2 import Verdict
from casemeter_client._aio import AsyncClient
from casemeter_client._errors import (
    CaseMeterError,
    ConnectionFailed,
    DeadlineExceeded,
    RequestRefused,
    ServerFailed,
)
from casemeter_client._sync import Client
from casemeter_client._watch import AsyncWatch, Watch

__all__ = [
    "AsyncClient",
    "AsyncWatch",
    "CaseMeterError",
    "Client",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Encounter",
    "EncounterChange",
    "EncounterEvent",
    "EncounterState",
    "EvaluateRequest",
    "EvaluateResponse",
    "RecordEventsResponse",
    "RequestRefused",
    "SealFrontPageResponse",
    "ServerFailed",
    "Verdict",
    "Watch",
]
