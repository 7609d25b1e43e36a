"""From a request to the stay that rules see."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, tzinfo
from decimal import Decimal
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2, finding_pb2, service_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_grouper.codes import normalise
from casemeter_rules.codes import normalise_item
from casemeter_rules.facts import Diagnosis, EarlierStay, Item, Phase, Procedure, Segment, Stay
from casemeter_server.facilities import Facility, insurance_kind
from casemeter_server.plain.calendar import offsets_of
from casemeter_server.prepare import UNUSABLE, KnownCodes, Prepared, look_up

_TEN_THOUSANDTHS: Final = 10_000
_EPOCH: Final = date(1970, 1, 1)
_PHASES: Final = {
    finding_pb2.CARE_PHASE_ADMISSION: Phase.ADMISSION,
    finding_pb2.CARE_PHASE_ORDER: Phase.ORDER,
    finding_pb2.CARE_PHASE_IN_STAY: Phase.IN_STAY,
    finding_pb2.CARE_PHASE_DISCHARGE: Phase.DISCHARGE,
    finding_pb2.CARE_PHASE_FRONT_PAGE: Phase.FRONT_PAGE,
    finding_pb2.CARE_PHASE_SUBMISSION: Phase.SUBMISSION,
}
PHASE_NUMBERS: Final = {phase: number for number, phase in _PHASES.items()}


def _names(enum: Mapping[str, int], prefix: str, plain: str) -> dict[int, str]:
    """Return the names of an enumeration's values in lower case; what is not told reads as ``plain``."""
    return {
        number: plain if not number else name.removeprefix(prefix).lower() for name, number in enum.items()
    }


_KINDS: Final = _names(dict(pb.DiagnosisKind.items()), "DIAGNOSIS_KIND_", "western")
_STAGES: Final = _names(dict(pb.DiagnosisPhase.items()), "DIAGNOSIS_PHASE_", "working")
_STATES: Final = _names(dict(pb.DiagnosisState.items()), "DIAGNOSIS_STATE_", "confirmed")
_VISITS: Final = _names(dict(pb.VisitKind.items()), "VISIT_KIND_", "inpatient")
_EDITIONS: Final = _names(dict(pb.CodeEdition.items()), "CODE_EDITION_", "")

Minutes = Callable[[Timestamp], int]


def phase_of(request: service_pb2.EvaluateRequest) -> Phase:
    """Return the moment of care of a request: as it says, else as its encounter shows."""
    told = _PHASES.get(request.phase)
    if told is not None:
        return told
    if any(order.placing for order in request.encounter.orders):
        return Phase.ORDER
    return Phase.DISCHARGE if request.encounter.HasField("discharge_time") else Phase.IN_STAY


def minutes_in(zone: tzinfo) -> Minutes:
    """Return a function that gives local minutes since 1970 of a time."""
    rows = offsets_of(zone).tolist()
    starts = [start for start, _ in rows]

    def minutes(time: Timestamp) -> int:
        return int(time.seconds + rows[max(0, bisect_right(starts, time.seconds) - 1)][1]) // 60

    return minutes


def stay_of(
    encounter: pb.Encounter,
    prepared: Prepared,
    codes: KnownCodes,
    as_of: float,
    zone: tzinfo,
    facility: Facility,
    group: str,
) -> Stay:
    """Return the stay of a checked encounter as rules see it.

    Args:
        encounter: as sent.
        prepared: the case made from it.
        codes: of the pack that grouped it.
        as_of: the moment the answer holds for, in seconds since 1970.
        zone: the hospital's zone.
        facility: the hospital, as the server's configuration has it; the request's word counts first.
        group: of the case; empty: none.
    """
    minutes = minutes_in(zone)
    case = prepared.case
    now = Timestamp(seconds=int(as_of))
    newborn = encounter.newborn
    sent = encounter.facility
    return Stay(
        diagnoses=tuple(_diagnoses(encounter, prepared, codes)),
        procedures=tuple(_procedures(encounter, prepared, minutes)),
        items=_items(encounter, as_of, minutes),
        sex=case.sex,
        age_years=case.age_years,
        age_days=case.age_days,
        birth_weight_g=case.birth_weight_g,
        admission_weight_g=newborn.admission_weight_g if newborn.HasField("admission_weight_g") else None,
        admission=minutes(encounter.admission_time) if encounter.HasField("admission_time") else None,
        discharge=minutes(encounter.discharge_time) if encounter.HasField("discharge_time") else None,
        now=minutes(now),
        los_days=case.los_days,
        icu_hours=case.icu_hours,
        discharge_way=case.discharge_way,
        department=case.department,
        segments=tuple(_segments(encounter, minutes)),
        visit_kind=_VISITS[encounter.visit_kind],
        insurance=insurance_kind(encounter.insurance_type, self_pay=encounter.self_pay),
        facility_level=sent.level if sent.HasField("level") else facility.level,
        facility_kind=sent.kind or facility.kind,
        tcm=encounter.tcm,
        diagnosis_edition=_EDITIONS[encounter.diagnosis_edition],
        procedure_edition=_EDITIONS[encounter.procedure_edition],
        group=group,
        fields=_fields(encounter),
        prior_treatments=_words(encounter, "prior_treatments"),
        tests=_words(encounter, "screenings"),
        earlier=_earlier(encounter),
        campus=sent.campus,
        person=bool(encounter.person_key),
    )


def _diagnoses(encounter: pb.Encounter, prepared: Prepared, codes: KnownCodes) -> Iterator[Diagnosis]:
    used = dict(zip(prepared.diagnosis_places, prepared.case.diagnoses, strict=True))
    clinical = encounter.diagnosis_edition == pb.CODE_EDITION_CLINICAL
    first = prepared.diagnosis_places[0] if prepared.diagnosis_places else -1
    for at, sent in enumerate(encounter.diagnoses):
        code = used.get(at)
        role = "principal" if at == first else "other" if code is not None else ""
        if code is None:
            written = normalise(sent.code)
            code = look_up(written, clinical, codes.diagnoses)[0] or UNUSABLE + written
        yield Diagnosis(
            code,
            f"encounter.diagnoses[{at}]",
            role,
            sent.name,
            _KINDS[sent.kind],
            _STAGES[sent.phase],
            _STATES[sent.state],
            sent.admission_condition,
            sent.code,
        )


def _procedures(encounter: pb.Encounter, prepared: Prepared, minutes: Minutes) -> Iterator[Procedure]:
    for at, (sent, code) in enumerate(zip(encounter.procedures, prepared.case.procedures, strict=True)):
        yield Procedure(
            code,
            f"encounter.procedures[{at}]",
            sent.name,
            minutes(sent.start_time) if sent.HasField("start_time") else None,
            minutes(sent.end_time) if sent.HasField("end_time") else None,
            sent=sent.code,
        )


def _items(encounter: pb.Encounter, as_of: float, minutes: Minutes) -> tuple[Item, ...] | None:
    """Return charges and orders, what was undone taken off; daily totals name no items."""
    charges = encounter.charges
    if not (encounter.HasField("charges") and not charges.daily_totals) and not encounter.orders:
        return None
    items: list[Item] = []
    lines = [(at, line) for at, line in enumerate(charges.lines) if not _is_later(line, as_of)]
    undone = _undone([line for _, line in lines])
    for at, line in lines:
        if line.reverses:
            continue
        amount, quantity = line.amount_fen, _quantity(line.quantity)
        taken = undone.get(line.id) if line.id and undone else None
        if taken is not None:
            amount += taken[0]
            if amount <= 0 < line.amount_fen:
                continue
            quantity = None if quantity is None or taken[1] is None else quantity - taken[1]
        items.append(
            Item(
                normalise_item(line.item),
                f"encounter.charges.lines[{at}]",
                line.id,
                line.name,
                minutes(line.time) if line.HasField("time") else None,
                quantity,
                amount,
                _quantity(line.unit_price_fen),
                line.category,
                self_paid=line.self_paid if line.HasField("self_paid") else None,
            )
        )
    for at, order in enumerate(encounter.orders):
        items.append(
            Item(
                normalise_item(order.item),
                f"encounter.orders[{at}]",
                order.id,
                order.name,
                _order_minute(order, as_of, minutes),
                _quantity(order.quantity),
                order.amount_fen,
                None,
                order.category,
                ordered=True,
                placing=order.placing,
            )
        )
    return tuple(items)


def _is_later(line: charges_pb2.ChargeLine, as_of: float) -> bool:
    return line.HasField("time") and line.time.seconds + line.time.nanos / 1e9 > as_of


def _order_minute(order: charges_pb2.Order, as_of: float, minutes: Minutes) -> int | None:
    if order.HasField("time"):
        return minutes(order.time)
    # What is being placed right now is meant for now.
    return minutes(Timestamp(seconds=int(as_of))) if order.placing else None


def _undone(lines: Iterable[charges_pb2.ChargeLine]) -> dict[str, tuple[int, int | None]]:
    """Return what was taken off each line: amount (negative) and quantity; the latter ``None``: unknown."""
    found: dict[str, tuple[int, int | None]] = {}
    for line in lines:
        if line.reverses:
            amount, quantity = found.get(line.reverses, (0, 0))
            own = _quantity(line.quantity)
            whole = None if quantity is None or own is None else quantity + own
            found[line.reverses] = (amount + line.amount_fen, whole)
    return found


def _quantity(text: str) -> int | None:
    return int(Decimal(text) * _TEN_THOUSANDTHS) if text else None


def _segments(encounter: pb.Encounter, minutes: Minutes) -> Iterator[Segment]:
    for at, segment in enumerate(encounter.segments):
        end = minutes(segment.end_time) if segment.HasField("end_time") else None
        place = f"encounter.segments[{at}]"
        yield Segment(segment.department, segment.intensive_care, minutes(segment.start_time), end, place)


def _fields(encounter: pb.Encounter) -> Mapping[str, str] | None:
    if not encounter.HasField("front_page"):
        return None
    return {item.name: item.value for item in encounter.front_page.fields}


def _words(encounter: pb.Encounter, name: str) -> tuple[str, ...] | None:
    return tuple(getattr(encounter, name).words) if encounter.HasField(name) else None


def _earlier(encounter: pb.Encounter) -> tuple[EarlierStay, ...] | None:
    if not encounter.HasField("earlier_stays"):
        return None
    return tuple(
        EarlierStay(
            f"encounter.earlier_stays.stays[{at}]",
            stay.id,
            stay.campus,
            (date.fromisoformat(stay.admission_date) - _EPOCH).days,
            (date.fromisoformat(stay.discharge_date) - _EPOCH).days,
            stay.group,
            tuple(map(normalise, stay.diagnoses)),
            tuple(map(normalise, stay.procedures)),
            str(stay.discharge_way) if stay.discharge_way else None,
            stay.readmission_planned if stay.HasField("readmission_planned") else None,
            stay.cost_fen if stay.HasField("cost_fen") else None,
            "outpatient" if stay.outpatient else "inpatient",
        )
        for at, stay in enumerate(encounter.earlier_stays.stays)
    )
