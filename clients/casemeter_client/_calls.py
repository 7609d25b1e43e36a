"""What both clients share: methods, metadata, retries, and how a request is put together."""

from __future__ import annotations

import json
from datetime import datetime

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.finding_pb2 import CARE_PHASE_UNSPECIFIED, AlertContext, CarePhase
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.terms_pb2 import SearchTermsRequest, TermSpace

SERVICE = "casemeter.v1.CaseMeterService"
EVALUATE = f"/{SERVICE}/Evaluate"
EVALUATE_STREAM = f"/{SERVICE}/EvaluateStream"
LIST_PACKS = f"/{SERVICE}/ListPacks"
SEARCH_TERMS = f"/{SERVICE}/SearchTerms"

DEFAULT_TIMEOUT_S = 2.0
"""How long a call may take, retries included."""

SEARCH_TIMEOUT_S = 10.0
"""How long a search for terms may take: the first one of a server waits for its index."""

# A call changes nothing on the server, so that it may be repeated whenever the server could not be reached.
_RETRY = {
    "methodConfig": [
        {
            "name": [{"service": SERVICE}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                # A server that ends cancels calls that have reached it, but that it had not begun.
                "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
            },
        }
    ]
}
OPTIONS = (
    ("grpc.service_config", json.dumps(_RETRY)),
    ("grpc.enable_retries", 1),
    # Otherwise all clients of a process share one connection, and with it one of the server's processes.
    ("grpc.use_local_subchannel_pool", 1),
    # By default a channel waits a second before it connects anew, and the retries would all come before that.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)


def metadata(hospital: str, role: str) -> tuple[tuple[str, str | bytes], ...]:
    """Return what travels beside every request."""
    values = (("casemeter-hospital", hospital), ("casemeter-role", role))
    return tuple((key, value) for key, value in values if value)


def request(
    encounter: Encounter,
    *,
    pack: str = "",
    as_of: datetime | None = None,
    explain: bool = False,
    near_misses: bool = False,
    call_id: str = "",
    phase: CarePhase = CARE_PHASE_UNSPECIFIED,
    alerts: AlertContext | None = None,
) -> EvaluateRequest:
    """Put a request together.

    Raises:
        ValueError: ``as_of`` has no offset.
    """
    made = EvaluateRequest(
        encounter=encounter,
        pack=pack,
        explain=explain,
        near_misses=near_misses,
        call_id=call_id,
        phase=phase,
        alert_context=alerts,
    )
    if as_of is not None:
        if as_of.tzinfo is None:
            raise ValueError("as_of has no offset; give it a time zone")
        made.as_of.FromDatetime(as_of)
    return made


def search(text: str, *, procedures: bool, limit: int) -> SearchTermsRequest:
    """Put a search for codes together."""
    space = TermSpace.TERM_SPACE_PROCEDURE if procedures else TermSpace.TERM_SPACE_DIAGNOSIS
    return SearchTermsRequest(text=text, space=space, limit=limit)
