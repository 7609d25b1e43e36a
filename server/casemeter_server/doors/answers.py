"""Answers to alerts that were shown, as users give them at the doors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from casemeter.v1 import error_pb2, finding_pb2
from casemeter_server.caller import Caller
from casemeter_server.care_facts import MAX_VALUE
from casemeter_server.encounters.checks import check_kept
from casemeter_server.errors import RequestError, fault
from casemeter_server.prepare import MAX_ID
from casemeter_server.shown_alerts import ANSWER_NAMES
from casemeter_server.store.errors import StoreError
from casemeter_server.store.rows import Answer, ShownAlert
from casemeter_server.store.store import Store, Writing

RECORDED_S: Final = 0.1
"""How long it may take until an alert that was just shown is written down, by whichever process."""


@dataclass(frozen=True)
class GivenAnswer:
    """What a user answered to an alert that was shown.

    Attributes:
        id: the number under which it was shown.
        answer: what was answered.
        reason: code of the reason for going on all the same; empty: none.
        text: what was added in words.
        place: where the answer stands in the message, for faults.
        at: when it was answered; ``None``: now.
    """

    id: str
    answer: finding_pb2.AlertAnswer
    reason: str = ""
    text: str = ""
    place: str = ""
    at: datetime | None = None


async def keep_answers(
    store: Store, answers: Sequence[GivenAnswer], caller: Caller
) -> list[error_pb2.FieldFault]:
    """Keep answers: all of them, or none.

    Args:
        store: keeps them.
        answers: each by the number of a shown alert of the caller's own hospital.
        caller: who tells it.

    Returns:
        Why nothing was kept; empty: all was.

    Raises:
        RequestError: the store does not answer.
    """
    now = datetime.now(UTC)
    faults = [found for answer in answers for found in _faults_of(answer)]

    def keep(writing: Writing) -> list[error_pb2.FieldFault]:
        found = [(answer, writing.alert(answer.id)) for answer in answers]
        known = [(answer, alert) for answer, alert in found if alert and alert.hospital == caller.hospital]
        unknown = [answer for answer, alert in found if not alert or alert.hospital != caller.hospital]
        if faults or unknown:
            return faults + [fault(one.place, "UNKNOWN_ALERT", value=one.id[:MAX_ID]) for one in unknown]
        for answer, alert in known:
            writing.add_answer(_kept(answer, alert, caller, now))
        return []

    try:
        told = await store.write(keep)
        if len(told) > len(faults):
            # An alert is written down beside its reply: one that was shown just now may not be there yet.
            await asyncio.sleep(RECORDED_S)
            told = await store.write(keep)
    except StoreError:
        raise RequestError("STORE_UNAVAILABLE", {}) from None
    return told


def _faults_of(answer: GivenAnswer) -> list[error_pb2.FieldFault]:
    faults: list[error_pb2.FieldFault] = []
    if answer.answer not in ANSWER_NAMES:
        faults.append(fault(answer.place, "UNKNOWN_VALUE", value=answer.answer))
    for text, limit in ((answer.id, MAX_VALUE), (answer.reason, MAX_ID), (answer.text, MAX_VALUE)):
        check_kept(text, answer.place, limit, faults)
    return faults


def _kept(answer: GivenAnswer, alert: ShownAlert, caller: Caller, now: datetime) -> Answer:
    return Answer(
        hospital=alert.hospital,
        encounter=alert.encounter,
        rule=alert.rule,
        alert_key=alert.alert_key,
        at=answer.at or now,
        answer=ANSWER_NAMES[answer.answer],
        reason=answer.reason,
        text=answer.text,
        state_hash=alert.state_hash,
        user=caller.user,
        role=caller.role,
        alert=alert.id,
    )
