"""FHIR R4 as an EMR writes it: the resources of a stay, each without members that are empty."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb

BASE: Final = "http://casemeter.org/fhir/"
_SYSTEM: Final = BASE + "CodeSystem/"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem/"
_EDITIONS: Final = {pb.CODE_EDITION_INSURANCE: "insurance", pb.CODE_EDITION_CLINICAL: "clinical"}
_SEX: Final = {pb.SEX_MALE: "male", pb.SEX_FEMALE: "female"}
_STATES: Final = {
    pb.DIAGNOSIS_STATE_SUSPECTED: "provisional",
    pb.DIAGNOSIS_STATE_CONFIRMED: "confirmed",
    pb.DIAGNOSIS_STATE_RULED_OUT: "refuted",
}
_ROLES: Final = {pb.DIAGNOSIS_PHASE_ADMISSION: "AD", pb.DIAGNOSIS_PHASE_DISCHARGE: "DD"}

Json = dict[str, Any]


def write_json(value: Any) -> str:
    """Return JSON; decimals stay as they are written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{write_json(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def without_empty(value: Any) -> Any:
    """Return a value without members that are null or empty; FHIR has none."""
    if isinstance(value, dict):
        kept = {name: without_empty(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in (None, "", [], {})}
    if isinstance(value, list):
        return [without_empty(one) for one in value]
    return value


def bundle(kind: str, resources: Sequence[Json]) -> Json:
    """Return resources as a bundle."""
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} for one in resources]}


def _extension(name: str, kind: str, value: Any) -> list[Json]:
    if value in (None, ""):
        return []
    return [{"url": f"{BASE}StructureDefinition/{name}", f"value{kind}": value}]


def _code(message: Any, field: str) -> str:
    """Return the name of an enumeration's value, in lower case with hyphens; empty: not told."""
    number = getattr(message, field)
    if not number:
        return ""
    names = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    prefix = names[0].name.removesuffix("UNSPECIFIED")
    return str(names[number].name.removeprefix(prefix).lower().replace("_", "-"))


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None


def _concept(system: str, code: str, name: str = "") -> Json:
    return {"coding": [{"system": system, "code": code}] if code else [], "text": name}


def _time(message: Any, field: str) -> str:
    if not message.HasField(field):
        return ""
    moment: Timestamp = getattr(message, field)
    return moment.ToJsonString()


def _yuan(amount_fen: int) -> Json:
    return {"value": Decimal(amount_fen).scaleb(-2), "currency": "CNY"}


def patient_of(encounter: pb.Encounter, patient: str) -> Json:
    """Return the Patient of a stay."""
    return {
        "resourceType": "Patient",
        "id": patient,
        "gender": _SEX.get(encounter.sex, ""),
        "birthDate": encounter.birth_date,
    }


def encounter_of(encounter: pb.Encounter, patient: str) -> Json:
    """Return the Encounter of a stay."""
    newborn = encounter.newborn
    hours = _optional(encounter, "icu_hours")
    return {
        "resourceType": "Encounter",
        "id": encounter.encounter_id,
        "extension": [
            *_extension("insurance-type", "String", encounter.insurance_type),
            *_extension("visit-kind", "Code", _code(encounter, "visit_kind")),
            *_extension("self-pay", "Boolean", encounter.self_pay or None),
            *_extension("tcm", "Boolean", encounter.tcm or None),
            *_extension("discharge-ordered", "Boolean", encounter.discharge_ordered or None),
            *_extension("icu-hours", "Decimal", None if hours is None else Decimal(repr(hours))),
            *_extension("birth-weight-g", "Integer", _optional(newborn, "birth_weight_g")),
            *_extension("admission-weight-g", "Integer", _optional(newborn, "admission_weight_g")),
            *_extension("fee-category-system", "Code", _code(encounter.charges, "category_system")),
        ],
        "status": "finished" if encounter.HasField("discharge_time") else "in-progress",
        "class": {"system": f"{_TERMINOLOGY}v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": _time(encounter, "admission_time"), "end": _time(encounter, "discharge_time")},
        "hospitalization": {
            "dischargeDisposition": _concept(
                f"{_SYSTEM}discharge-way", str(encounter.discharge_way) if encounter.discharge_way else ""
            )
        },
        "diagnosis": _ranked(encounter.diagnoses),
        "location": [_location(segment) for segment in encounter.segments],
    }


def _location(segment: pb.Segment) -> Json:
    intensive = _concept(f"{_TERMINOLOGY}v3-RoleCode", "ICU") if segment.intensive_care else {}
    return {
        "location": {"identifier": {"value": segment.department}, "display": segment.department or "unknown"},
        "physicalType": intensive,
        "period": {"start": _time(segment, "start_time"), "end": _time(segment, "end_time")},
    }


def _ranked(diagnoses: Iterable[pb.Diagnosis]) -> list[Json]:
    """Return the roles of the diagnoses, each ranked within its own."""
    ranks: dict[str, int] = {}
    listed = []
    for at, diagnosis in enumerate(diagnoses, 1):
        role = _ROLES.get(diagnosis.phase, "")
        ranks[role] = ranks.get(role, 0) + 1
        listed.append(
            {
                "condition": {"reference": f"Condition/d{at}"},
                "use": _concept(f"{_TERMINOLOGY}diagnosis-role", role),
                "rank": ranks[role],
            }
        )
    return listed


def conditions_of(encounter: pb.Encounter, patient: str) -> list[Json]:
    """Return the diagnoses of a stay, numbered d1, d2 and so on."""
    edition = _EDITIONS.get(encounter.diagnosis_edition)
    system = f"{_SYSTEM}icd-10-{edition}" if edition else ""
    return [
        {
            "resourceType": "Condition",
            "id": f"d{at}",
            "extension": [
                *_extension("diagnosis-kind", "Code", _code(one, "kind")),
                *_extension("diagnosis-phase", "Code", "" if one.phase in _ROLES else _code(one, "phase")),
                *_extension("admission-condition", "Code", _code(one, "admission_condition")),
            ],
            "verificationStatus": _concept(f"{_TERMINOLOGY}condition-ver-status", _STATES.get(one.state, "")),
            "code": _concept(system, one.code, one.name),
            "subject": {"reference": f"Patient/{patient}"},
        }
        for at, one in enumerate(encounter.diagnoses, 1)
    ]


def procedures_of(encounter: pb.Encounter, patient: str) -> list[Json]:
    """Return the procedures of a stay, numbered p1, p2 and so on: those done, then those planned."""
    edition = _EDITIONS.get(encounter.procedure_edition)
    system = f"{_SYSTEM}icd-9-cm-3-{edition}" if edition else ""
    return [
        {
            "resourceType": "Procedure",
            "id": f"p{at}",
            "extension": _extension("procedure-rank", "PositiveInt", at),
            "status": "completed" if at <= len(encounter.procedures) else "preparation",
            "code": _concept(system, one.code, one.name),
            "subject": {"reference": f"Patient/{patient}"},
            "performedPeriod": {"start": _time(one, "start_time"), "end": _time(one, "end_time")},
        }
        for at, one in enumerate((*encounter.procedures, *encounter.planned_procedures), 1)
    ]


def order_of(order: charges_pb2.Order, patient: str, status: str) -> Json:
    """Return an order, as a request of the status that is told."""
    return {
        "resourceType": "ServiceRequest",
        "id": order.id,
        "extension": [
            *_extension("fee-category", "String", order.category),
            *_extension("price", "Money", _yuan(order.amount_fen)),
        ],
        "status": status,
        "intent": "order",
        "code": _concept(f"{_SYSTEM}item", order.item, order.name),
        "quantityQuantity": {"value": Decimal(order.quantity)} if order.quantity else {},
        "subject": {"reference": f"Patient/{patient}"},
        "occurrenceDateTime": _time(order, "time"),
    }


def charge_of(line: charges_pb2.ChargeLine, patient: str) -> Json:
    """Return what was charged."""
    price = line.unit_price_fen
    each = {"value": Decimal(price).scaleb(-2), "currency": "CNY"} if price else None
    return {
        "resourceType": "ChargeItem",
        "id": line.id,
        "extension": [
            *_extension("fee-category", "String", line.category),
            *_extension("reverses", "String", line.reverses),
            *_extension("self-paid", "Boolean", _optional(line, "self_paid")),
            *_extension("unit-price", "Money", each),
        ],
        "status": "billable",
        "code": _concept(f"{_SYSTEM}item", line.item, line.name),
        "subject": {"reference": f"Patient/{patient}"},
        "occurrenceDateTime": _time(line, "time"),
        "quantity": {"value": Decimal(line.quantity)} if line.quantity else {},
        "priceOverride": _yuan(line.amount_fen),
    }
