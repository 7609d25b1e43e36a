"""Checking what only rules read of a request: names, front page fields, earlier stays, the alert context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from casemeter.v1 import charges_pb2, finding_pb2, service_pb2, verdict_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.charges import checked_orders, is_day, is_number
from casemeter_server.errors import fault
from casemeter_server.facilities import MAX_LEVEL
from casemeter_server.prepare import MAX_CODE, MAX_ENTRIES, MAX_ID
from casemeter_server.stay_facts import Faults, seconds_of

MAX_TEXT: Final = 200
MAX_VALUE: Final = 500
MAX_WORDS: Final = 100
MAX_FIELDS: Final = 1_000
MAX_EARLIER: Final = 100
MAX_ALERTS: Final = 1_000
MAX_INTERRUPTIONS: Final = 10_000
MAX_FILLED: Final = 1_000

_PHASES: Final = frozenset(finding_pb2.CarePhase.values())
_ANSWERS: Final = frozenset(finding_pb2.AlertAnswer.values())
_PRESENTATIONS: Final = frozenset(finding_pb2.Presentation.values())
_WAYS: Final = frozenset(pb.DischargeWay.values())
_SOURCES: Final = frozenset(verdict_pb2.FactSource.values())


def check_care_facts(request: service_pb2.EvaluateRequest, faults: Faults) -> None:
    """Note everything wrong with what only rules read of a request."""
    encounter = request.encounter
    if request.phase not in _PHASES:
        faults.append(fault("phase", "UNKNOWN_VALUE", value=request.phase))
    _check_text(encounter.person_key, "encounter.person_key", faults, MAX_ID)
    for owner in ("diagnoses", "procedures", "planned_procedures"):
        recorded = getattr(encounter, owner)
        _check_names(recorded, f"encounter.{owner}", faults)
    _check_names(encounter.charges.lines, "encounter.charges.lines", faults)
    _check_orders(encounter, faults)
    if encounter.HasField("front_page"):
        _check_front_page(encounter.front_page, faults)
    if encounter.HasField("facility"):
        _check_facility(encounter.facility, faults)
    for name in ("prior_treatments", "screenings"):
        words = getattr(encounter, name).words
        for at, word in enumerate(_bounded(words, f"encounter.{name}.words", MAX_WORDS, faults)):
            _check_text(word, f"encounter.{name}.words[{at}]", faults)
    stays = encounter.earlier_stays.stays
    for at, stay in enumerate(_bounded(stays, "encounter.earlier_stays.stays", MAX_EARLIER, faults)):
        _check_earlier(stay, f"encounter.earlier_stays.stays[{at}]", faults)
    if request.HasField("alert_context"):
        _check_alerts(request.alert_context, faults)
    for at, fact in enumerate(_bounded(request.filled, "filled", MAX_FILLED, faults)):
        _check_text(fact.field, f"filled[{at}].field", faults)
        _check_text(fact.state_hash, f"filled[{at}].state_hash", faults, MAX_ID)
        if fact.source not in _SOURCES:
            faults.append(fault(f"filled[{at}].source", "UNKNOWN_VALUE", value=fact.source))


def _check_text(text: str, field: str, faults: Faults, limit: int = MAX_TEXT) -> None:
    if len(text) > limit:
        faults.append(fault(field, "TOO_LONG", count=len(text), limit=limit))


def _check_names(recorded: Iterable[Any], owner: str, faults: Faults) -> None:
    for at, one in enumerate(recorded):
        if one.name:
            _check_text(one.name, f"{owner}[{at}].name", faults)


def _bounded(entries: Sequence[Any], field: str, limit: int, faults: Faults) -> Sequence[Any]:
    if len(entries) <= limit:
        return entries
    faults.append(fault(field, "TOO_MANY", count=len(entries), limit=limit))
    return ()


def _check_orders(encounter: pb.Encounter, faults: Faults) -> None:
    orders: Sequence[charges_pb2.Order] = encounter.orders
    if not encounter.HasField("charges"):
        # Beside charges they are checked with these.
        orders = checked_orders(orders, faults)
    for at, order in enumerate(orders):
        place = f"encounter.orders[{at}]"
        _check_text(order.name, f"{place}.name", faults)
        if order.quantity and not is_number(order.quantity):
            faults.append(fault(f"{place}.quantity", "NOT_A_NUMBER", value=order.quantity[:20]))
        if order.HasField("time"):
            seconds_of(order.time, f"{place}.time", faults)


def _check_front_page(page: pb.FrontPage, faults: Faults) -> None:
    owner = "encounter.front_page.fields"
    first: dict[str, int] = {}
    for at, item in enumerate(_bounded(page.fields, owner, MAX_FIELDS, faults)):
        if not item.name:
            faults.append(fault(f"{owner}[{at}].name", "REQUIRED"))
        _check_text(item.name, f"{owner}[{at}].name", faults, MAX_ID)
        _check_text(item.value, f"{owner}[{at}].value", faults, MAX_VALUE)
        if first.setdefault(item.name, at) != at:
            other = f"{owner}[{first[item.name]}]"
            faults.append(fault(f"{owner}[{at}].name", "TWICE", value=item.name[:MAX_ID], other=other))


def _check_facility(facility: pb.Facility, faults: Faults) -> None:
    if facility.HasField("level") and not 1 <= facility.level <= MAX_LEVEL:
        details = {"value": facility.level, "low": 1, "high": MAX_LEVEL}
        faults.append(fault("encounter.facility.level", "OUT_OF_RANGE", **details))
    _check_text(facility.kind, "encounter.facility.kind", faults, MAX_ID)
    _check_text(facility.campus, "encounter.facility.campus", faults, MAX_ID)


def _check_earlier(stay: pb.EarlierStay, place: str, faults: Faults) -> None:
    for name in ("id", "campus", "group"):
        _check_text(getattr(stay, name), f"{place}.{name}", faults, MAX_ID)
    dated = True
    for name in ("admission_date", "discharge_date"):
        if not is_day(getattr(stay, name)):
            dated = False
            faults.append(fault(f"{place}.{name}", "NOT_A_DATE", value=getattr(stay, name)[:20]))
    # Days written as YYYY-MM-DD are in the order of time.
    if dated and stay.discharge_date < stay.admission_date:
        other = f"{place}.admission_date"
        faults.append(fault(f"{place}.discharge_date", "TIMES_OUT_OF_ORDER", other=other))
    for name in ("diagnoses", "procedures"):
        for at, code in enumerate(_bounded(getattr(stay, name), f"{place}.{name}", MAX_ENTRIES, faults)):
            _check_text(code, f"{place}.{name}[{at}]", faults, MAX_CODE)
    if stay.discharge_way not in _WAYS:
        faults.append(fault(f"{place}.discharge_way", "UNKNOWN_VALUE", value=stay.discharge_way))


def _check_alerts(context: finding_pb2.AlertContext, faults: Faults) -> None:
    count = context.interruptions_this_hour
    if not 0 <= count <= MAX_INTERRUPTIONS:
        details = {"value": count, "low": 0, "high": MAX_INTERRUPTIONS}
        faults.append(fault("alert_context.interruptions_this_hour", "OUT_OF_RANGE", **details))
    owner = "alert_context.history.alerts"
    for at, alert in enumerate(_bounded(context.history.alerts, owner, MAX_ALERTS, faults)):
        place = f"{owner}[{at}]"
        if not alert.alert_key:
            faults.append(fault(f"{place}.alert_key", "REQUIRED"))
        for name, known in (("presentation", _PRESENTATIONS), ("answer", _ANSWERS)):
            value = getattr(alert, name)
            if value not in known:
                faults.append(fault(f"{place}.{name}", "UNKNOWN_VALUE", value=value))
        for name, limit in (("alert_key", MAX_ID), ("override_reason", MAX_ID), ("rule", MAX_ID)):
            _check_text(getattr(alert, name), f"{place}.{name}", faults, limit)
        _check_text(alert.override_text, f"{place}.override_text", faults, MAX_VALUE)
        if alert.HasField("shown_at"):
            seconds_of(alert.shown_at, f"{place}.shown_at", faults)
