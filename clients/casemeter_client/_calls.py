"""What both clients share: methods, metadata, retries, and how a request is put together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from casemeter.v1.encounter_pb2 import Encounter
from casemeter.v1.finding_pb2 import CARE_PHASE_UNSPECIFIED, AlertContext, CarePhase
from casemeter.v1.keeping_pb2 import SealFrontPageRequest
from casemeter.v1.service_pb2 import EvaluateRequest
from casemeter.v1.terms_pb2 import SearchTermsRequest, TermSpace

SERVICE = "casemeter.v1.CaseMeterService"
EVALUATE = f"/{SERVICE}/Evaluate"
EVALUATE_STREAM = f"/{SERVICE}/EvaluateStream"
LIST_PACKS = f"/{SERVICE}/ListPacks"
SEARCH_TERMS = f"/{SERVICE}/SearchTerms"
RECORD_EVENTS = f"/{SERVICE}/RecordEvents"
READ_ENCOUNTER = f"/{SERVICE}/ReadEncounter"
WATCH_ENCOUNTER = f"/{SERVICE}/WatchEncounter"
ANSWER_FINDING = f"/{SERVICE}/AnswerFinding"
SEAL_FRONT_PAGE = f"/{SERVICE}/SealFrontPage"

DEFAULT_TIMEOUT_S = 2.0
"""How long a call may take, retries included."""

SEARCH_TIMEOUT_S = 10.0
"""How long a search for terms may take: the first one of a server waits for its index."""

WATCH_PATIENCE_S = 60.0
"""How long a watch looks for a server again after its connection broke."""

# What would be kept a second time is left to the caller to repeat; a watch begins anew by itself.
_NOT_REPEATED: Final = ("AnswerFinding", "SealFrontPage", "PutSettings", "WatchEncounter")

# All other calls may be repeated whenever the server could not be reached: they change nothing on the server,
# or come to the same once and twice, as events do by their numbers.
_RETRY = {
    "methodConfig": [
        {"name": [{"service": SERVICE, "method": method} for method in _NOT_REPEATED]},
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
        },
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


@dataclass(frozen=True)
class Identity:
    """Who calls.

    Attributes:
        hospital: of the caller.
        role: of the caller.
        user: of the caller.
        department: of the caller.
        token: a JSON Web Token that proves them, or what returns the one to use now.
    """

    hospital: str = ""
    role: str = ""
    user: str = ""
    department: str = ""
    token: str | Callable[[], str] = field(default="", repr=False)

    def metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return what travels beside a request."""
        token = self.token if isinstance(self.token, str) else self.token()
        values = (
            ("casemeter-hospital", self.hospital),
            ("casemeter-role", self.role),
            ("casemeter-user", self.user),
            ("casemeter-department", self.department),
            ("authorization", f"Bearer {token}" if token else ""),
        )
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
    _set_as_of(made, as_of)
    return made


def seal(
    page: Encounter | str, *, state_hash: str, hospital: str, pack: str, as_of: datetime | None
) -> SealFrontPageRequest:
    """Put a request for a seal together.

    Args:
        page: the page, or the number of the open encounter that it is.
        state_hash: of the open encounter, as the coder saw it.
        hospital: of the page.
        pack: id of the pack to check with.
        as_of: the moment that the check holds for.

    Raises:
        ValueError: ``as_of`` has no offset.
    """
    named = {"encounter_id": page} if isinstance(page, str) else {"encounter": page}
    made = SealFrontPageRequest(state_hash=state_hash, hospital=hospital, pack=pack, **named)
    _set_as_of(made, as_of)
    return made


def _set_as_of(made: Any, as_of: datetime | None) -> None:
    if as_of is None:
        return
    if as_of.tzinfo is None:
        raise ValueError("as_of has no offset; give it a time zone")
    made.as_of.FromDatetime(as_of)


def search(text: str, *, procedures: bool, limit: int) -> SearchTermsRequest:
    """Put a search for codes together."""
    space = TermSpace.TERM_SPACE_PROCEDURE if procedures else TermSpace.TERM_SPACE_DIAGNOSIS
    return SearchTermsRequest(text=text, space=space, limit=limit)
