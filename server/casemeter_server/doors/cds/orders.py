"""ServiceRequest, MedicationRequest, ChargeItem: what was ordered, is being ordered, and was charged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.cds.bundle import Chart, State
from casemeter_server.doors.cds.fhir import (
    Coding,
    codings,
    extension,
    fen,
    fen_exact,
    moment,
    name_of,
    plain,
    read_extensions,
)
from casemeter_server.doors.cds.tree import Node

DRAFT_TYPES: Final = ("MedicationRequest", "ServiceRequest")
_PLANNED: Final = "planned"
_INT64: Final = 2**63 - 1


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
        for fact, read_at in read_extensions(one, chart.systems.extensions["Order"], order):
            places[f"{place}.{fact}"] = read_at
        price = extension(one, chart.systems.url("price"))
        amount = fen(price) if price.given else prices.get(key)
        places[f"{place}.amount_fen"] = price.place
        if amount is None:
            unpriced.add(place)
        elif abs(amount) <= _INT64:
            order.amount_fen = amount
    return Orders(frozenset(unpriced), placing)


def read_charges(
    chart: Chart,
    encounter: Node | None,
    zone: tzinfo,
    stay: pb.Encounter,
    places: dict[str, str],
    ids: dict[str, str],
) -> None:
    """Read what was charged.

    Where a price or a page is missing the cost is not known: the stay then has no charges, as if none came.
    """
    prefetched = chart.keys["chargeItems"]
    if prefetched.state is not State.WHOLE:
        return
    lines: list[charges_pb2.ChargeLine] = []
    nodes: list[Node] = []
    for one in chart.of_stay("chargeItems"):
        if one.get("status").text() == _PLANNED:
            continue
        price = one.get("priceOverride")
        if not price.get("value").given:
            chart.leave_out(one, "no_price")
            chart.unread.append(("prefetch.chargeItems", "unknown_cost"))
            return
        amount = fen(price) or 0
        line = charges_pb2.ChargeLine(id=one.get("id").text())
        if abs(amount) <= _INT64:
            line.amount_fen = amount
        lines.append(line)
        nodes.append(one)
    stay.charges.SetInParent()
    places["encounter.charges"] = places["encounter.charges.lines"] = "prefetch.chargeItems"
    for at, (line, node) in enumerate(zip(lines, nodes, strict=True)):
        place = f"encounter.charges.lines[{at}]"
        places[place] = node.place
        places[f"{place}.amount_fen"] = f"{node.place}.priceOverride.value"
        if line.id:
            ids[place] = f"ChargeItem/{line.id}"
        _read_line(chart, node, zone, line, place, places)
        stay.charges.lines.append(line)
    if encounter:
        _read_category_system(chart, encounter, stay, places)


def _read_line(
    chart: Chart, node: Node, zone: tzinfo, line: charges_pb2.ChargeLine, place: str, places: dict[str, str]
) -> None:
    concept = node.get("code")
    coding = _item(chart, concept)
    line.item = coding.code if coding else ""
    line.name = name_of(concept, coding)
    places[f"{place}.item"] = coding.place if coding else concept.place
    places[f"{place}.name"] = concept.place
    day = node.get("occurrenceDateTime")
    when = day if day.given else node.at("occurrencePeriod", "start")
    time = moment(when, zone)
    if time is not None:
        line.time.CopyFrom(time)
    places[f"{place}.time"] = when.place
    for fact, read_at in read_extensions(node, chart.systems.extensions["ChargeItem"], line):
        places[f"{place}.{fact}"] = read_at
    quantity = node.at("quantity", "value")
    number = quantity.number()
    if number is not None:
        # The sender's refund may count backwards; here the amount alone has the sign.
        line.quantity = plain(abs(number) if line.reverses else number)
    places[f"{place}.quantity"] = quantity.place
    price = extension(node, chart.systems.url("unit-price"))
    exact = fen_exact(price) if price.given else None
    if exact is not None:
        text = plain(exact)
        line.unit_price_fen = text.rstrip("0").rstrip(".") if "." in text else text
    places[f"{place}.unit_price_fen"] = price.place


def _read_category_system(chart: Chart, encounter: Node, stay: pb.Encounter, places: dict[str, str]) -> None:
    node = extension(encounter, chart.systems.url("fee-category-system"))
    places["encounter.charges.category_system"] = node.place
    name = "CATEGORY_SYSTEM_" + node.text().upper().replace("-", "_")
    if node.text() and charges_pb2.CategorySystem.DESCRIPTOR.values_by_name.get(name):
        stay.charges.category_system = getattr(charges_pb2, name)
    elif node.given:
        node.note("UNKNOWN_VALUE", value=repr(node.text()[:40]))


def _planned_prices(chart: Chart) -> dict[str, int]:
    """Return the prices that planned charges tell of orders, by ``Type/id``."""
    found: dict[str, int] = {}
    for one in chart.of_stay("chargeItems"):
        if one.get("status").text() != _PLANNED:
            continue
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
    coding = _item(chart, concept)
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


def _item(chart: Chart, concept: Node) -> Coding | None:
    """Return the coding that names an item: of a preferred system, else the first."""
    found = codings(concept)
    for system in chart.systems.item:
        for coding in found:
            if coding.system == system:
                return coding
    return found[0] if found else None


def _key(resource: Node) -> str:
    number = resource.get("id").text()
    return f"{resource.get('resourceType').text()}/{number}" if number else ""
