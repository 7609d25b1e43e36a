"""ServiceRequest and MedicationRequest: what was ordered, and what is being ordered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.cds.bundle import Chart
from casemeter_server.doors.cds.charges import PLANNED
from casemeter_server.doors.cds.fhir import (
    MAX_INT64,
    extensions,
    fen,
    moment,
    name_of,
    plain,
    preferred,
    read_extensions,
)
from casemeter_server.doors.cds.tree import Node

DRAFT_TYPES: Final = ("MedicationRequest", "ServiceRequest")


class Orders(NamedTuple):
    """What was read of orders beside the contract's own.

    Attributes:
        unpriced: places of orders whose price is not known; their amount is 0, which says nothing.
        drafts: ``Type/id`` of the drafts that are being placed, by place.
    """

    unpriced: frozenset[str]
    drafts: Mapping[str, str]


def read_orders(
    chart: Chart,
    selections: frozenset[str] | None,
    zone: tzinfo,
    stay: pb.Encounter,
    places: dict[str, str],
    ids: dict[str, str],
) -> Orders:
    """Read the orders: those placed before, then the drafts.

    Args:
        chart: of the call.
        selections: ``Type/id`` of the drafts that are being placed; ``None``: all of them are.
        zone: of the hospital.
        stay: to be filled.
        places: to be filled.
        ids: to be filled.
    """
    places["encounter.orders"] = "context.draftOrders" if chart.drafts else "prefetch.serviceRequests"
    prices = _planned_prices(chart)
    drafts = [one for one in chart.drafts if _is_order(chart, one, draft=True)]
    drafted = {_key(one) for one in drafts} - {""}
    before = [
        one
        for key in ("serviceRequests", "medicationRequests")
        for one in chart.of_stay(key)
        # A draft of an order that was placed before changes it.
        if _is_order(chart, one, draft=False) and _key(one) not in drafted
    ]
    unpriced: set[str] = set()
    placing: dict[str, str] = {}
    for at, one in enumerate((*before, *drafts)):
        place, key = f"encounter.orders[{at}]", _key(one)
        is_placed_now = at >= len(before) and (selections is None or key in selections)
        order = stay.orders.add(id=one.get("id").text(), placing=is_placed_now)
        if key:
            ids[place] = key
            if is_placed_now:
                placing[place] = key
        places[place] = one.place
        _read_item(chart, one, order, place, places)
        _read_time(one, zone, order, place, places)
        extended = extensions(one)
        for fact, read_at in read_extensions(extended, chart.systems.extensions["Order"], order):
            places[f"{place}.{fact}"] = read_at
        price = extended.get(chart.systems.url("price"))
        amount = fen(price) if price else prices.get(key)
        if price:
            places[f"{place}.amount_fen"] = price.place
        if amount is None:
            unpriced.add(place)
        elif abs(amount) <= MAX_INT64:
            order.amount_fen = amount
    return Orders(frozenset(unpriced), placing)


def _planned_prices(chart: Chart) -> dict[str, int]:
    """Return the prices that planned charges tell of orders, by ``Type/id``."""
    found: dict[str, int] = {}
    planned = (one for one in chart.keys["chargeItems"].resources if one.value.get("status") == PLANNED)
    for one in filter(chart.counts, planned):
        amount = fen(one.get("priceOverride"))
        for support in one.get("supportingInformation").each():
            if amount is not None:
                parts = support.get("reference").text().split("/")
                found["/".join(parts[-2:])] = amount
    return found


def _is_order(chart: Chart, resource: Node, *, draft: bool) -> bool:
    if draft and not chart.counts(resource, draft=True):
        return False
    if resource.get("doNotPerform").flag():
        chart.leave_out(resource, "not_to_be_done")
        return False
    if not draft and resource.get("intent").text() in ("proposal", "plan"):
        chart.leave_out(resource, "intent")
        return False
    return True


def _read_item(
    chart: Chart, resource: Node, order: charges_pb2.Order, place: str, places: dict[str, str]
) -> None:
    if resource.get("resourceType").text() == "MedicationRequest":
        concept = resource.get("medicationCodeableConcept")
        if not concept.given:
            concept = chart.resolve(resource, resource.get("medicationReference")).get("code")
        quantity = resource.at("dispenseRequest", "quantity", "value")
    else:
        concept = resource.get("code")
        quantity = resource.at("quantityQuantity", "value")
    coding = preferred(concept, chart.systems.item)
    order.item = coding.code if coding else ""
    order.name = name_of(concept, coding)
    number = quantity.number()
    order.quantity = plain(number) if number is not None else ""
    places[f"{place}.item"] = coding.place if coding else concept.place
    places[f"{place}.name"] = concept.place
    places[f"{place}.quantity"] = quantity.place


def _read_time(
    resource: Node, zone: tzinfo, order: charges_pb2.Order, place: str, places: dict[str, str]
) -> None:
    """Read when an order is to be carried out, where that is one moment, or begins with one."""
    day = resource.get("occurrenceDateTime")
    nodes = (
        day,
        resource.at("occurrencePeriod", "start"),
        resource.at("occurrenceTiming", "event").first(),
        resource.get("dosageInstruction").first().at("timing", "event").first(),
    )
    when = next((node for node in nodes if node.given), day)
    time: Timestamp | None = moment(when, zone)
    if time is not None:
        order.time.CopyFrom(time)
    places[f"{place}.time"] = when.place


def _key(resource: Node) -> str:
    number = resource.get("id").text()
    return f"{resource.get('resourceType').text()}/{number}" if number else ""
