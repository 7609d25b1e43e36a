"""Python client of CaseMeter.

Four lines are enough::

    from casemeter_client import Client, Encounter

    with Client("127.0.0.1:50051") as client:
        print(client.evaluate(Encounter(diagnoses=[{"code": "I63.900"}])).verdict.group.code)
"""

from casemeter.v1.encounter_pb2 import Encounter
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

__all__ = [
    "AsyncClient",
    "CaseMeterError",
    "Client",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Encounter",
    "EvaluateRequest",
    "EvaluateResponse",
    "RequestRefused",
    "ServerFailed",
    "Verdict",
]
