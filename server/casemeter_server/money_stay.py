"""What money needs to know of a stay, however the request was read."""

from __future__ import annotations

from typing import Final, NamedTuple

from casemeter.v1 import encounter_pb2 as pb
from casemeter_server.prepare import Prepared

_VISIT_KINDS: Final = {
    number: name.removeprefix("VISIT_KIND_").lower() for name, number in pb.VisitKind.items() if number
}


class MoneyStay(NamedTuple):
    """What money needs to know of a stay; an empty text or ``None`` is unknown.

    Attributes:
        insurance: as sent.
        department: current or discharging.
        visit_kind: in the words of payment packs.
        los_days: to discharge, or so far; the same day counts 1.
        day_of_stay: the day of discharge, or today; the day of admission is 1.
        icu_hours: likewise.
        is_discharged: the patient has left.
        is_ending: the patient has left, or the discharge is ordered.
    """

    insurance: str = ""
    department: str = ""
    visit_kind: str = ""
    self_pay: bool = False
    tcm: bool = False
    los_days: int | None = None
    day_of_stay: int | None = None
    icu_hours: float | None = None
    is_discharged: bool = False
    is_ending: bool = False

    @classmethod
    def of(cls, encounter: pb.Encounter, prepared: Prepared) -> MoneyStay:
        """Read it off an encounter and the case that was made of it."""
        case = prepared.case
        is_discharged = encounter.HasField("discharge_time")
        return cls(
            insurance=encounter.insurance_type,
            department=case.department or "",
            visit_kind=_VISIT_KINDS.get(encounter.visit_kind, ""),
            self_pay=encounter.self_pay,
            tcm=encounter.tcm,
            los_days=None if case.los_days is None else int(case.los_days),
            day_of_stay=prepared.day_of_stay,
            icu_hours=case.icu_hours,
            is_discharged=is_discharged,
            is_ending=is_discharged or encounter.discharge_ordered,
        )
