"""Alerts that were shown: what is recorded of a verdict, and what the next request is told of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from casemeter.v1 import finding_pb2, verdict_pb2
from casemeter_server.caller import Caller
from casemeter_server.store.rows import ShownAlert

_PRESENTATIONS: Final[Mapping[str, int]] = {
    name.removeprefix("PRESENTATION_").lower(): number for name, number in finding_pb2.Presentation.items()
}
_PRESENTATION_NAMES: Final = {number: name for name, number in _PRESENTATIONS.items()}
_ANSWERS: Final[Mapping[str, int]] = {
    name.removeprefix("ALERT_ANSWER_").lower(): number for name, number in finding_pb2.AlertAnswer.items()
}
ANSWER_NAMES: Final = {number: name for name, number in _ANSWERS.items() if number}
"""Names of answers as they are kept, by their numbers in the contract."""


def history_of(alerts: Iterable[ShownAlert]) -> finding_pb2.AlertContext:
    """Return what the alerting policy is told of earlier alerts of a stay."""
    context = finding_pb2.AlertContext()
    context.history.SetInParent()
    for alert in alerts:
        earlier = context.history.alerts.add(
            alert_key=alert.alert_key,
            presentation=_PRESENTATIONS[alert.presentation],
            answer=_ANSWERS.get(alert.answer, 0),
            override_reason=alert.reason,
            override_text=alert.text,
            rule=alert.rule,
        )
        earlier.shown_at.FromDatetime(alert.at)
    return context


def shown_alerts(
    verdict: verdict_pb2.Verdict,
    hospital: str,
    encounter: str,
    caller: Caller,
    *,
    door: str,
    state_hash: str = "",
    at: datetime | None = None,
) -> list[ShownAlert]:
    """Return what is recorded of the findings of a verdict that are shown, each under a new number.

    Args:
        verdict: as it is told to the caller.
        hospital: of the stay.
        encounter: number of the stay.
        caller: who is shown it.
        door: by which way.
        state_hash: of the state it was computed from; empty: of no open encounter.
        at: when; ``None``: now.
    """
    moment = at or datetime.now(UTC)
    return [
        ShownAlert(
            id=str(uuid.uuid4()),
            hospital=hospital,
            encounter=encounter,
            at=moment,
            rule=finding.rule,
            alert_key=finding.alert_key,
            tier=finding.tier,
            band=finding.band,
            presentation=_PRESENTATION_NAMES[finding.presentation],
            state_hash=state_hash,
            role=caller.role,
            user=caller.user,
            door=door,
        )
        for finding in verdict.findings
        if finding.presentation != finding_pb2.PRESENTATION_SILENT
    ]
