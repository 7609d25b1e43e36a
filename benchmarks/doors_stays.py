"""Stays of ../shared with all that a hospital knows of one: times, departments, charges, orders, items.

Drawn from a seed and the number of the case: each stay is always the same, whichever others are drawn.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

import casemeter_rules
from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb
from casemeter_grouper.case import Case
from casemeter_grouper.pack.dictionaries import shipped_dictionary
from shared_cases import encounter_of, read

SCHEME: Final = "chs_drg_11"
CHINA: Final = timezone(timedelta(hours=8))
HOUR: Final = timedelta(hours=1)

_ORDERS: Final = Path(casemeter_rules.__file__).parent / "packs" / "orders"
_SETTLEMENT: Final = tuple(f"{number:02}" for number in range(1, 15))
_FRONT_PAGE: Final = tuple(map(str, range(1, 11)))
_SYSTEMS: Final = (
    *(charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST,) * 3,
    charges_pb2.CATEGORY_SYSTEM_FRONT_PAGE,
)
_STAGES: Final = (
    *(pb.DIAGNOSIS_PHASE_UNSPECIFIED,) * 2,
    pb.DIAGNOSIS_PHASE_DISCHARGE,
    pb.DIAGNOSIS_PHASE_WORKING,
)
_CONDITIONS: Final = (
    pb.ADMISSION_CONDITION_PRESENT,
    pb.ADMISSION_CONDITION_UNDETERMINED,
    pb.ADMISSION_CONDITION_UNKNOWN,
    pb.ADMISSION_CONDITION_ABSENT,
)
_VISITS: Final = (pb.VISIT_KIND_INPATIENT, pb.VISIT_KIND_DAY_SURGERY, pb.VISIT_KIND_DAY_CARE)
_TCM: Final = ((pb.DIAGNOSIS_KIND_TCM_DISEASE, "A07.01"), (pb.DIAGNOSIS_KIND_TCM_SYNDROME, "B02.03.01"))
_OTHERS: Final = ((pb.DIAGNOSIS_KIND_PATHOLOGY, "M80000/3"), (pb.DIAGNOSIS_KIND_EXTERNAL_CAUSE, "W01.x00"))
_ITEMS: Final = (
    *(
        ("adm_way", "2"),
        ("psn_name", "某某"),
        ("ntly", "CHN"),
        ("bill_code", "110101"),
        ("oper_dr_code", "D1"),
    ),
    *(("chfpdr_code", "D110000000001"), ("vent_used_dura", "0/5/0"), ("act_ipt_days", "3"), ("naty", "01")),
    *(("nwb_adm_type", ""), ("days_rinp_flag_31", "1"), ("bld_cat", "1"), ("anst_way", "01"), ("C34C", "-")),
)


class Stay(NamedTuple):
    """A stay, and the moment at which it is asked about."""

    id: str
    encounter: pb.Encounter
    as_of: datetime


def draw(shared: Path, count: int, seed: int = 1) -> Iterator[Stay]:
    """Yield stays.

    Args:
        shared: the folder with the cases.
        count: of stays.
        seed: the stays of a seed are always the same.
    """
    cases = list(read(shared, SCHEME))
    for expected in random.Random(seed).sample(cases, count):
        yield stay_of(expected.id, expected.case, seed)


def stay_of(number: str, case: Case, seed: int = 1) -> Stay:
    """Return the stay of a case."""
    return _Drawing(number, case, random.Random(f"{seed} {number}")).stay()


@cache
def items() -> tuple[tuple[str, str], ...]:
    """Return codes and names of items that rules of orders name, of each row one."""
    found = {}
    for table in sorted(_ORDERS.glob("*.csv")):
        with table.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("codes"):
                    found[row["codes"].partition("|")[0]] = row["name"]
    return tuple(found.items())


def _stamp(moment: datetime) -> Timestamp:
    return Timestamp(seconds=int(moment.timestamp()))


class _Drawing:
    def __init__(self, number: str, case: Case, chance: random.Random) -> None:
        self._case = case
        self._chance = chance
        self._encounter = encounter_of(case)
        self._number = number
        days = int(case.los_days or 0)
        day = datetime(2026, 1, 5, tzinfo=CHINA) + timedelta(days=chance.randrange(60))
        self._admission = day + timedelta(seconds=chance.randrange(8 * 3600, 15 * 3600))
        self._length = timedelta(days=days, seconds=chance.randrange(3600, 8 * 3600))
        self._has_left = chance.random() < 0.8
        self._end = self._admission + self._length

    def _is(self, probability: float) -> bool:
        return self._chance.random() < probability

    def stay(self) -> Stay:
        encounter = self._encounter
        encounter.encounter_id = f"{self._number}-1"
        self._times()
        self._person()
        self._departments()
        self._codes()
        self._charges()
        self._orders()
        self._rest()
        return Stay(self._number, encounter, self._end + timedelta(hours=12))

    def _inside(self, begin: float = 0.0, end: float = 1.0) -> datetime:
        """Return a moment of the stay, to the second."""
        share = self._chance.uniform(begin, end)
        return self._admission + timedelta(seconds=int(share * self._length.total_seconds()))

    def _times(self) -> None:
        encounter = self._encounter
        encounter.admission_time.CopyFrom(_stamp(self._admission))
        encounter.ClearField("discharge_time")
        if self._has_left:
            encounter.discharge_time.CopyFrom(_stamp(self._end))
        else:
            encounter.ClearField("discharge_way")
            encounter.discharge_ordered = self._is(0.2)

    def _person(self) -> None:
        encounter, case = self._encounter, self._case
        if self._is(0.75) and (case.age_days is not None or case.age_years is not None):
            day = self._admission.date()
            if case.age_days is not None:
                born = day - timedelta(days=int(case.age_days))
            else:
                born = day.replace(year=day.year - int(case.age_years or 0), day=1, month=1)
            encounter.birth_date = born.isoformat()
        if case.birth_weight_g is not None and self._is(0.5):
            encounter.newborn.admission_weight_g = int(case.birth_weight_g)
        encounter.insurance_type = self._chance.choice(("", "310", "390"))
        if self._is(0.5):
            encounter.person_key = f"P-{self._number}"

    def _departments(self) -> None:
        """Say where the patient was: in one department or two, in intensive care by times or their sum."""
        encounter, hours = self._encounter, self._case.icu_hours or 0
        department = self._case.department or "0301"
        del encounter.segments[:]
        if self._is(0.15):
            return
        encounter.ClearField("icu_hours")
        whole_hours = int(self._length / HOUR)
        bounds = [self._admission]
        if hours and hours + 2 <= whole_hours and self._is(0.6):
            begin = self._admission + HOUR
            bounds += [begin, begin + hours * HOUR]
        elif self._is(0.2):
            bounds.append(self._inside(0.3, 0.7))
        elif hours:
            encounter.icu_hours = hours
        for at, begin in enumerate(bounds):
            segment = encounter.segments.add(start_time=_stamp(begin))
            if len(bounds) == 3 and at == 1:
                segment.intensive_care = True
            else:
                segment.department = "0201" if len(bounds) == 2 and at == 1 else department
            if at + 1 < len(bounds):
                segment.end_time.CopyFrom(_stamp(bounds[at + 1]))
            elif self._has_left:
                segment.end_time.CopyFrom(_stamp(self._end))

    def _codes(self) -> None:
        encounter, chance = self._encounter, self._chance
        names = shipped_dictionary()
        phase = chance.choice(_STAGES)
        for diagnosis in encounter.diagnoses:
            diagnosis.phase = phase
            if self._is(0.6):
                diagnosis.name = names.diagnoses.get(diagnosis.code, "")
            if self._is(0.5):
                diagnosis.admission_condition = chance.choice(_CONDITIONS)
        if encounter.diagnoses and self._is(0.3):
            self._further_diagnoses()
        for procedure in encounter.procedures:
            if self._is(0.6):
                procedure.name = names.procedures.get(procedure.code, "")
            if self._is(0.7):
                begin = self._inside(0, 0.8)
                procedure.start_time.CopyFrom(_stamp(begin))
                if self._is(0.5):
                    ends = min(begin + self._chance.randint(10, 300) * timedelta(minutes=1), self._end)
                    procedure.end_time.CopyFrom(_stamp(ends))
        edition = chance.choice((pb.CODE_EDITION_UNSPECIFIED, pb.CODE_EDITION_INSURANCE))
        if self._is(0.05):
            edition = pb.CODE_EDITION_CLINICAL
        if encounter.diagnoses:
            encounter.diagnosis_edition = edition
        if encounter.procedures:
            encounter.procedure_edition = edition

    def _further_diagnoses(self) -> None:
        """Add what an EMR has beside the diagnoses of the page: stages, doubts, other kinds."""
        diagnoses, chance = self._encounter.diagnoses, self._chance
        first = diagnoses[0].code
        choice = chance.randrange(5)
        if choice == 0:
            diagnoses.insert(0, pb.Diagnosis(code="R42.x00", name="头晕", phase=pb.DIAGNOSIS_PHASE_ADMISSION))
        elif choice == 1:
            diagnoses.add(code=first, phase=pb.DIAGNOSIS_PHASE_OUTPATIENT)
        elif choice == 2:
            states = (pb.DIAGNOSIS_STATE_SUSPECTED, pb.DIAGNOSIS_STATE_RULED_OUT)
            diagnoses.add(code="I26.900", state=chance.choice(states), phase=diagnoses[0].phase)
        elif choice == 3:
            for kind, code in _TCM:
                diagnoses.add(code=code, kind=kind, phase=diagnoses[0].phase)
            self._encounter.tcm = True
        else:
            for kind, code in _OTHERS:
                diagnoses.add(code=code, kind=kind, phase=diagnoses[0].phase)

    def _charges(self) -> None:
        if self._is(0.15):
            return
        encounter, chance = self._encounter, self._chance
        charges = encounter.charges
        charges.category_system = chance.choice(_SYSTEMS)
        if self._is(0.05):
            for day in range(min(3, self._length.days + 1)):
                date = (self._admission + timedelta(days=day)).date().isoformat()
                charges.daily_totals.add(date=date, category=self._category(), amount_fen=90_000)
            return
        for at in range(chance.randint(1, 12)):
            charges.lines.append(self._line(f"L{at}"))
        first = charges.lines[0]
        if self._is(0.2):
            back = charges.lines.add(id="back", reverses=first.id, item=first.item, category=first.category)
            back.amount_fen = -first.amount_fen
            back.time.CopyFrom(_stamp(self._end))
        if self._is(0.15):
            charges.total_fen = sum(line.amount_fen for line in charges.lines)

    def _category(self) -> str:
        system = self._encounter.charges.category_system
        return self._chance.choice(_FRONT_PAGE if system == 1 else _SETTLEMENT)

    def _line(self, number: str) -> charges_pb2.ChargeLine:
        chance = self._chance
        line = charges_pb2.ChargeLine(id=number, category=self._category())
        line.item, line.name = chance.choice(items())
        line.time.CopyFrom(_stamp(self._inside()))
        quantity, price = chance.randint(1, 5), chance.randrange(100, 400_000)
        line.amount_fen = quantity * price
        if self._is(0.8):
            line.quantity = str(quantity)
            line.unit_price_fen = str(price)
        if self._is(0.3):
            line.self_paid = self._is(0.5)
        return line

    def _orders(self) -> None:
        if self._is(0.5):
            return
        placed, placing = self._chance.randint(0, 2), self._chance.randint(0, 2)
        for at in range(placed + placing):
            line = self._line(f"O{at}")
            order = self._encounter.orders.add(id=line.id, item=line.item, name=line.name)
            order.category, order.amount_fen, order.quantity = line.category, line.amount_fen, line.quantity
            order.time.CopyFrom(line.time)
            order.placing = at >= placed

    def _rest(self) -> None:
        encounter, chance = self._encounter, self._chance
        if self._is(0.15):
            encounter.visit_kind = chance.choice(_VISITS)
        encounter.self_pay = self._is(0.05)
        if self._is(0.3):
            encounter.facility.level = chance.randint(1, 3)
            if self._is(0.2):
                encounter.facility.kind = "眼科专科医院"
        if self._is(0.15):
            encounter.earlier_stays.SetInParent()
            if self._is(0.7):
                self._earlier_stay()
        if self._is(0.05):
            encounter.prior_treatments.words.append("一线化疗")
        if self._is(0.1):
            encounter.screenings.words.append("营养风险筛查")
        if self._is(0.5):
            for name, value in chance.sample(_ITEMS, chance.randint(1, 6)):
                encounter.front_page.fields.add(name=name, value=value)

    def _earlier_stay(self) -> None:
        left = self._admission.date() - timedelta(days=self._chance.randint(1, 60))
        codes: Sequence[str] = [diagnosis.code for diagnosis in self._encounter.diagnoses[:2]]
        known: dict[str, Any] = {"id": "earlier", "diagnoses": codes, "cost_fen": 500_000, "discharge_way": 1}
        came = left - timedelta(days=5)
        self._encounter.earlier_stays.stays.add(
            admission_date=came.isoformat(), discharge_date=left.isoformat(), **known
        )


def asked_at(stay: Stay) -> str:
    """Return the moment at which a stay is asked about, as RFC 3339 writes it."""
    return stay.as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
