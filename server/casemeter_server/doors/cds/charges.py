"""ChargeItem: what was charged."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.doors.cds.bundle import Chart, State
from casemeter_server.doors.cds.fhir import (
    MAX_INT64,
    extension,
    extensions,
    fen,
    fen_exact,
    moment,
    name_of,
    plain,
    preferred,
    read_extensions,
)
from casemeter_server.doors.cds.tree import Node

PLANNED: Final = "planned"
"""Status of a charge that only tells a price."""


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
        if one.get("status").text() == PLANNED:
            continue
        price = one.get("priceOverride")
        if not price.get("value").given:
            chart.leave_out(one, "no_price")
            chart.unread.append(("prefetch.chargeItems", "unknown_cost"))
            return
        amount = fen(price) or 0
        line = charges_pb2.ChargeLine(id=one.get("id").text())
        if abs(amount) <= MAX_INT64:
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
    coding = preferred(concept, chart.systems.item)
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
    extended = extensions(node)
    for fact, read_at in read_extensions(extended, chart.systems.extensions["ChargeItem"], line):
        places[f"{place}.{fact}"] = read_at
    quantity = node.at("quantity", "value")
    number = quantity.number()
    if number is not None:
        # The sender's refund may count backwards; here the amount alone has the sign.
        line.quantity = plain(abs(number) if line.reverses else number)
    places[f"{place}.quantity"] = quantity.place
    price = extended.get(chart.systems.url("unit-price"))
    exact = fen_exact(price) if price else None
    if exact is not None:
        text = plain(exact)
        line.unit_price_fen = text.rstrip("0").rstrip(".") if "." in text else text
    if price:
        places[f"{place}.unit_price_fen"] = price.place


def _read_category_system(chart: Chart, encounter: Node, stay: pb.Encounter, places: dict[str, str]) -> None:
    node = extension(encounter, chart.systems.url("fee-category-system"))
    places["encounter.charges.category_system"] = node.place
    name = "CATEGORY_SYSTEM_" + node.text().upper().replace("-", "_")
    if node.text() and charges_pb2.CategorySystem.DESCRIPTOR.values_by_name.get(name):
        stay.charges.category_system = getattr(charges_pb2, name)
    elif node.given:
        node.note("UNKNOWN_VALUE", value=repr(node.text()[:40]))
