"""CDS Hooks as an EMR speaks them: calls with FHIR R4 prefetch, cards, feedback."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_client.emr.fhir import (
    Json,
    bundle,
    charge_of,
    conditions_of,
    encounter_of,
    order_of,
    patient_of,
    procedures_of,
    without_empty,
    write_json,
)

SERVICE: Final = "casemeter"
_ORDER_HOOKS: Final = ("order-select", "order-sign")


def hook_call(
    hook: str,
    encounter: pb.Encounter,
    *,
    instance: str = "",
    user: str = "Practitioner/1",
    patient: str = "1",
) -> tuple[str, bytes]:
    """Return a call of the service: its id, and the body.

    Drafts are the orders that are being placed; on order-select all orders are, and those are selected.

    Args:
        hook: that is triggered.
        encounter: what the EMR knows; facts that FHIR has no place for travel in extensions.
        instance: UUID of the call; empty: a new one.
        user: who works with the EMR.
        patient: id of the patient.

    Raises:
        ValueError: an order is being placed at a hook that places none, or has no number to be selected by.
    """
    placing = [order for order in encounter.orders if order.placing]
    if placing and hook not in _ORDER_HOOKS:
        raise ValueError(f"{hook} places no orders")
    context: Json = {"userId": user, "patientId": patient, "encounterId": encounter.encounter_id}
    before: Sequence[charges_pb2.Order] = encounter.orders
    if hook in _ORDER_HOOKS:
        drafts = placing
        if hook == "order-select":
            if not all(order.id for order in placing):
                raise ValueError("an order is selected by its number")
            context["selections"] = [f"ServiceRequest/{order.id}" for order in placing]
            drafts = list(encounter.orders)
        before = [order for order in encounter.orders if not order.placing] if drafts == placing else []
        context["draftOrders"] = bundle("collection", [order_of(one, patient, "draft") for one in drafts])
    prefetch: Json = {
        "patient": patient_of(encounter, patient),
        "encounter": encounter_of(encounter, patient),
        "conditions": bundle("searchset", conditions_of(encounter, patient)),
        "procedures": bundle("searchset", procedures_of(encounter, patient)),
        "serviceRequests": bundle("searchset", [order_of(one, patient, "active") for one in before]),
        "medicationRequests": None,
    }
    lines = encounter.charges.lines
    if lines or (encounter.HasField("charges") and not encounter.charges.daily_totals):
        # Sums of days are no ChargeItems: an empty bundle would say that nothing was charged.
        prefetch["chargeItems"] = bundle("searchset", [charge_of(line, patient) for line in lines])
    body = {
        "hook": hook,
        "hookInstance": instance or str(uuid4()),
        "context": without_empty(context),
        "prefetch": {key: value and without_empty(value) for key, value in prefetch.items()},
    }
    return SERVICE, write_json(body).encode()


def cards(reply: bytes) -> list[Json]:
    """Return the cards of a reply, as they came.

    Raises:
        ValueError: it is no reply of the service.
    """
    body = json.loads(reply)
    if not isinstance(body, dict) or not isinstance(body.get("cards"), list):
        raise ValueError("a reply has cards")
    return list(body["cards"])


def feedback(
    card: str,
    *,
    accepted: Iterable[str] = (),
    reason: Mapping[str, str] | None = None,
    comment: str = "",
    at: datetime | None = None,
) -> bytes:
    """Return the feedback to one card: accepted with suggestions, or overridden.

    Args:
        card: its uuid.
        accepted: uuids of the suggestions that were taken; none: the card was overridden.
        reason: one of the card's overrideReasons.
        comment: in words.
        at: when; ``None``: now.
    """
    taken = [{"id": one} for one in accepted]
    time = (at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
    entry: Json = {"card": card, "outcome": "accepted" if taken else "overridden", "outcomeTimestamp": time}
    if taken:
        entry["acceptedSuggestions"] = taken
    else:
        entry["overrideReason"] = {"reason": dict(reason) if reason else None, "userComment": comment}
    return write_json({"feedback": [without_empty(entry)]}).encode()
