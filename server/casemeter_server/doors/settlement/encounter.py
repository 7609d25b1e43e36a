"""From what is written on a page to the encounter, with the place of every fact."""

from __future__ import annotations

from datetime import time, tzinfo
from decimal import Decimal
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1 import error_pb2, finding_pb2, service_pb2
from casemeter_grouper.stay import age_on
from casemeter_server.care_facts import MAX_TEXT
from casemeter_server.doors.door import Question
from casemeter_server.doors.settlement.page import CheckQuestion, Page, WrittenDiagnosis, WrittenProcedure
from casemeter_server.doors.settlement.segments import Intensive, Stay, segments_of
from casemeter_server.doors.settlement.values import Cell, When, codes, fen, minutes, number, when
from casemeter_server.errors import fault
from casemeter_server.stay_facts import MAX_AGE_YEARS, MAX_WEIGHT_G, MIN_WEIGHT_G

_MIDNIGHT: Final = time(0, 0)
_LAST_SECOND: Final = time(23, 59, 59)
_MAX_INT32: Final = 2**31 - 1
_MANY: Final = (",", "，", ";", "；", "/", "、")


def question_of(page: Page, zone: tzinfo, phase: finding_pb2.CarePhase) -> CheckQuestion:
    """Return a page as a question.

    Args:
        page: as it is written.
        zone: the hospital's zone, in which its moments are.
        phase: the moment of care that rules decide for.
    """
    return _Reader(page, zone).read(phase)


class _Reader:
    def __init__(self, page: Page, zone: tzinfo) -> None:
        self.page = page
        self.zone = zone
        self.encounter = pb.Encounter()
        self.places = dict(page.nodes)
        self.faults = list(page.faults)
        self.unknown: list[error_pb2.FieldFault] = []

    def read(self, phase: finding_pb2.CarePhase) -> CheckQuestion:
        self._items()
        self._person()
        self._times()
        self._stay()
        self._newborn()
        for diagnosis in self.page.diagnoses:
            self._diagnosis(diagnosis)
        for procedure in self.page.procedures:
            self._procedure(procedure)
        if self.encounter.diagnoses:
            self.encounter.diagnosis_edition = self.page.edition
        if self.encounter.procedures:
            self.encounter.procedure_edition = self.page.edition
        if self.page.departments_in_time:
            self._segments()
        self._charges()
        request = service_pb2.EvaluateRequest(encounter=self.encounter, phase=phase)
        question = Question(request, self.places)
        return CheckQuestion(question, tuple(self.faults), tuple(self.unknown))

    def _items(self) -> None:
        page = self.encounter.front_page
        for at, (name, cell) in enumerate(self.page.items.items()):
            page.fields.add(name=name, value=cell.text)
            self.places[f"encounter.front_page.fields[{at}]"] = cell.place
            self.places[f"encounter.front_page.{name}"] = cell.place

    def _person(self) -> None:
        encounter = self.encounter
        number_of_stay = self.page.encounter_id
        encounter.encounter_id = number_of_stay.value
        self._at("encounter_id", number_of_stay)
        encounter.MergeFrom(pb.Encounter(sex=self._code("gend", "sex", "SEX_UNSPECIFIED")))
        self._at("sex", self.page.cell("gend"))
        birth = self.page.cell("brdy")
        if birth.value:
            day = self._when(birth)
            if day is not None:
                encounter.birth_date = day.day.isoformat()
            self._at("birth_date", birth)
        else:
            self._age()

    def _age(self) -> None:
        years = self._whole("age", MAX_AGE_YEARS)
        days = self._whole("nwb_age", 999)
        if days == 0 and years:
            # Systems that fill in numbers write 0 days for whoever is older.
            days = None
        if years is not None:
            self.encounter.age.years = years
        if days is not None:
            self.encounter.age.days = days
        self._at("age", self.page.cell("age"))
        self._at("age.years", self.page.cell("age"))
        self._at("age.days", self.page.cell("nwb_age"))

    def _whole(self, name: str, most: int) -> int | None:
        """Return a number of an item without its decimals; ``None``: it is not known."""
        cell = self.page.cell(name)
        if not cell.value:
            return None
        found = number(cell.value)
        if found is None:
            self.unknown.append(fault(cell.place, "NOT_A_NUMBER", value=cell.value[:20]))
            return None
        if found > most:
            self.faults.append(fault(cell.place, "OUT_OF_RANGE", value=cell.value, low=0, high=most))
            return None
        return int(found)

    def _times(self) -> None:
        for name, field, clock in (
            ("adm_time", "admission_time", _MIDNIGHT),
            ("dscg_time", "discharge_time", _LAST_SECOND),
        ):
            cell = self.page.cell(name)
            self._at(field, cell)
            found = self._when(cell) if cell.value else None
            if found is not None:
                moment: Timestamp = getattr(self.encounter, field)
                moment.CopyFrom(found.at(clock, self.zone))

    def _stay(self) -> None:
        encounter, page = self.encounter, self.page
        way = self._code("dscg_way", "discharge_way", "DISCHARGE_WAY_UNSPECIFIED")
        self._at("discharge_way", page.cell("dscg_way"))
        self._at("department", page.cell("dscg_caty"))
        encounter.insurance_type = page.value("hi_type")
        self._at("insurance_type", page.cell("hi_type"))
        visit = self._code("ipt_med_type", "visit_kind", "VISIT_KIND_UNSPECIFIED")
        encounter.MergeFrom(pb.Encounter(discharge_way=way, visit_kind=visit))
        encounter.tcm = self._code("trt_type", "tcm", "no") == "yes"

    def _newborn(self) -> None:
        if self._is_older():
            # The weights on a mother's page are those of her children.
            return
        for name, field in (("nwb_bir_wt", "birth_weight_g"), ("nwb_adm_wt", "admission_weight_g")):
            cell = self.page.cell(name)
            self._at(f"newborn.{field}", cell)
            if not cell.value or any(sign in cell.value for sign in _MANY):
                continue
            grams = number(cell.value)
            if grams is None:
                self.unknown.append(fault(cell.place, "NOT_A_NUMBER", value=cell.value[:20]))
            elif grams > _MAX_INT32:
                details = {"value": cell.value, "low": MIN_WEIGHT_G, "high": MAX_WEIGHT_G}
                self.faults.append(fault(cell.place, "OUT_OF_RANGE", **details))
            elif grams:
                setattr(self.encounter.newborn, field, int(grams + Decimal("0.5")))

    def _is_older(self) -> bool:
        """Whether the patient is known to be a year old or more."""
        birth, came = when(self.page.value("brdy")), when(self.page.value("adm_time"))
        if birth is not None and came is not None and birth.day <= came.day:
            return age_on(birth.day, came.day)[0] >= 1
        years = number(self.page.value("age"))
        return years is not None and years >= 1

    def _diagnosis(self, written: WrittenDiagnosis) -> None:
        if not written.code.value:
            return
        place = f"diagnoses[{len(self.encounter.diagnoses)}]"
        name = self._name(written.name)
        found = pb.Diagnosis(code=written.code.value, kind=written.kind, phase=written.phase, name=name)
        self.places[f"encounter.{place}"] = written.place
        self._at(f"{place}.code", written.code)
        self._at(f"{place}.name", written.name)
        self._at(f"{place}.admission_condition", written.condition)
        # 无 is a condition here, and not that nothing is written.
        condition = codes("admission_condition").get(written.condition.text.strip())
        if condition is not None:
            found.MergeFrom(pb.Diagnosis(admission_condition=condition))
        elif written.condition.value:
            self._not_listed(written.condition, "admission_condition")
        self.encounter.diagnoses.append(found)

    def _procedure(self, written: WrittenProcedure) -> None:
        if not written.code.value:
            return
        place = f"procedures[{len(self.encounter.procedures)}]"
        found = self.encounter.procedures.add(code=written.code.value, name=self._name(written.name))
        self.places[f"encounter.{place}"] = written.place
        self._at(f"{place}.code", written.code)
        self._at(f"{place}.name", written.name)
        for cell, field in ((written.begin, "start_time"), (written.end, "end_time")):
            self._at(f"{place}.{field}", cell)
            day = self._when(cell) if cell.value else None
            if day is None:
                continue
            moment: Timestamp = getattr(found, field)
            moment.CopyFrom(self._within_stay(day, _MIDNIGHT if field == "start_time" else _LAST_SECOND))

    def _within_stay(self, found: When, clock: time) -> Timestamp:
        """Return a moment; of a day alone on which the stay begins or ends, one within the stay."""
        moment = found.at(clock, self.zone)
        if found.clock is not None:
            return moment
        for name, field in (("adm_time", "admission_time"), ("dscg_time", "discharge_time")):
            bound = when(self.page.value(name))
            if bound is None or bound.day != found.day:
                continue
            at: Timestamp = getattr(self.encounter, field)
            before = moment.seconds < at.seconds
            if before == (field == "admission_time"):
                moment = at
        return moment

    def _segments(self) -> None:
        rows = self.page.intensive_care
        intensive: list[Intensive] = []
        hours: list[int] = []
        for at, row in enumerate(rows):
            begin = self._when(row.begin) if row.begin.value else None
            if begin is not None:
                end = self._when(row.end) if row.end.value else None
                until = None if end is None else self._within_stay(end, _LAST_SECOND)
                intensive.append(Intensive(self._within_stay(begin, _MIDNIGHT), until, at))
                continue
            duration = minutes(row.duration.value)
            if row.begin.value:
                continue
            if duration is None:
                self.faults.append(fault(row.begin.place, "REQUIRED"))
            else:
                hours.append(duration)
        if intensive and hours:
            # A sum and times contradict each other in the contract: which of them is whole is not known.
            missing = next(row for row in rows if not row.begin.value)
            self.faults.append(fault(missing.begin.place, "REQUIRED"))
        elif hours:
            self.encounter.icu_hours = sum(hours) / 60
            self._at("icu_hours", rows[0].duration)
        for segment, row_at in segments_of(self._departments(), intensive):
            place = f"encounter.segments[{len(self.encounter.segments)}]"
            self.encounter.segments.append(segment)
            if row_at >= 0:
                self.places[place] = rows[row_at].place
                self.places[f"{place}.start_time"] = rows[row_at].begin.place
                self.places[f"{place}.end_time"] = rows[row_at].end.place
            else:
                name = "adm_caty" if segment.department == self.page.value("adm_caty") else "dscg_caty"
                self.places[place] = self.page.cell(name).place
                self.places[f"{place}.start_time"] = self.page.cell("adm_time").place
                self.places[f"{place}.end_time"] = self.page.cell("dscg_time").place

    def _departments(self) -> Stay:
        page, encounter = self.page, self.encounter
        first, last = page.value("adm_caty"), page.value("dscg_caty")
        return Stay(
            encounter.admission_time if encounter.HasField("admission_time") else None,
            encounter.discharge_time if encounter.HasField("discharge_time") else None,
            first,
            last,
            bool(page.value("refldept_dept")),
        )

    def _charges(self) -> None:
        amounts: list[tuple[str, int, Cell, str]] = []
        for fee in self.page.fees:
            amount = self._fen(fee.amount)
            if amount is not None:
                amounts.append((fee.category, amount, fee.amount, fee.place))
        total = self._fen(self.page.total)
        if not amounts and total is None:
            return
        added = sum(amount for _, amount, *_ in amounts)
        if total is not None and total > added:
            # The total may hold what stands in no class: it is charged all the same.
            amounts.append(("", total - added, self.page.total, self.page.total.place))
        charges = self.encounter.charges
        charges.category_system = self.page.fee_system
        for at, (category, amount, cell, place) in enumerate(amounts):
            charges.lines.add(category=category, amount_fen=amount)
            self.places[f"encounter.charges.lines[{at}]"] = place
            self._at(f"charges.lines[{at}].amount_fen", cell)
        if total is None:
            return
        if total < added:
            details = {"value": total, "expected": added}
            self.unknown.append(fault(self.page.total.place, "TOTAL_DIFFERS", **details))
            return
        charges.total_fen = total
        self._at("charges.total_fen", self.page.total)

    def _name(self, cell: Cell) -> str:
        """Return a name; one that is too long for the contract is left unknown: it decides nothing."""
        if len(cell.value) <= MAX_TEXT:
            return cell.value
        self.unknown.append(fault(cell.place, "TOO_LONG", count=len(cell.value), limit=MAX_TEXT))
        return ""

    def _fen(self, cell: Cell) -> int | None:
        if not cell.value:
            return None
        amount = fen(cell.value)
        if amount is None:
            self.faults.append(fault(cell.place, "NOT_YUAN", value=cell.value[:20]))
        return amount

    def _when(self, cell: Cell) -> When | None:
        found = when(cell.value)
        if found is None:
            self.faults.append(fault(cell.place, "NOT_A_TIME", value=cell.value[:20]))
        return found

    def _code(self, item: str, table: str, default: str) -> str:
        """Return what the code of an item means; a code of no list is left unknown."""
        cell = self.page.cell(item)
        if not cell.value:
            return default
        name = codes(table).get(cell.value)
        if name is None:
            self._not_listed(cell, table)
        return name or default

    def _not_listed(self, cell: Cell, table: str) -> None:
        known = ", ".join(codes(table))
        self.unknown.append(fault(cell.place, "NOT_IN_LIST", value=cell.value[:20], known=known))

    def _at(self, field: str, cell: Cell) -> None:
        if cell.place:
            self.places[f"encounter.{field}"] = cell.place
