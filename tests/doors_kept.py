"""What must be left of a stay at each door, worked out from the pages of the doors, not from their code."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1.charges_pb2 import CategorySystem
from casemeter_server.doors.facts import project
from doors_stays import Stay
from doors_ways import Way, facts_in

_SURE = (pb.DIAGNOSIS_STATE_UNSPECIFIED, pb.DIAGNOSIS_STATE_CONFIRMED)
_WESTERN = (pb.DIAGNOSIS_KIND_UNSPECIFIED, pb.DIAGNOSIS_KIND_WESTERN)
_SETTLEMENT = CategorySystem.CATEGORY_SYSTEM_SETTLEMENT_LIST
_FRONT_PAGE = CategorySystem.CATEGORY_SYSTEM_FRONT_PAGE
_OF_OPERATIONS = ("anst_way", "oper_dr_name", "oper_dr_code", "anst_dr_name", "anst_dr_code")
_OF_THE_PERSON = ("psn_name", "naty", "act_ipt_days", "chfpdr_name")


def differences(way: Way, stay: Stay, read: pb.Encounter) -> Iterator[str]:
    """Yield what a door made of a stay that its page does not say: what is gone, changed or invented."""
    found = facts_in(read)
    for path in found:
        if not way.facts.carries(path):
            yield f"{path} is not declared"
    expected, apart = _EXPECTED[way.name](stay.encounter, way)
    wanted = facts_in(expected)
    for path in sorted({*wanted, *found}):
        if not path.startswith(apart) and wanted.get(path) != found.get(path):
            yield f"{path}: {found.get(path)} and not {wanted.get(path)}"
    for name, value in _items(expected).items() if apart else ():
        if _items(read).get(name) != value:
            yield f"item {name}: {_items(read).get(name)!r} and not {value!r}"


_Expected = tuple[pb.Encounter, tuple[str, ...]]
"""What is expected, and beginnings of paths of which there may be more: a page has facts as items, too."""


def _items(encounter: pb.Encounter) -> Mapping[str, str]:
    return {field.name: field.value for field in encounter.front_page.fields}


def _as_declared(encounter: pb.Encounter, way: Way) -> _Expected:
    return project(encounter, way.facts), ()


def _audited(encounter: pb.Encounter, way: Way) -> _Expected:
    expected = project(encounter, way.facts)
    del expected.diagnoses[:], expected.orders[:]
    for one in encounter.diagnoses:
        if one.kind in _WESTERN and one.state in _SURE and one.phase != pb.DIAGNOSIS_PHASE_OUTPATIENT:
            # During the stay is what a message says without a stage.
            phase = 0 if one.phase == pb.DIAGNOSIS_PHASE_WORKING else one.phase
            expected.diagnoses.append(pb.Diagnosis(code=one.code, name=one.name, phase=_phase(phase)))
    expected.orders.extend(order for order in encounter.orders if order.placing)
    charges, system = expected.charges, encounter.charges.category_system
    for entry in (*charges.lines, *expected.orders):
        if system not in (_SETTLEMENT, 0) or (system == 0 and charges.lines):
            entry.ClearField("category")
    for line in charges.lines:
        if line.reverses:
            line.ClearField("id")
    if charges.lines:
        charges.category_system = _SETTLEMENT
    else:
        expected.ClearField("charges")
    if not expected.facility.HasField("level"):
        expected.ClearField("facility")
    return expected, ()


def _phase(number: int) -> Any:
    return number


def _last_stage(encounter: pb.Encounter) -> list[pb.Diagnosis]:
    """Return the sure diagnoses of the latest stage: those that a page is written from."""
    order = {pb.DIAGNOSIS_PHASE_UNSPECIFIED: pb.DIAGNOSIS_PHASE_WORKING}
    sure = [
        (order.get(one.phase, one.phase), one)
        for one in encounter.diagnoses
        if one.state in _SURE and one.phase != pb.DIAGNOSIS_PHASE_OUTPATIENT
    ]
    return [one for stage, one in sure if stage == max(stage for stage, _ in sure)]


def _page(encounter: pb.Encounter, way: Way, edition: int) -> pb.Encounter:
    expected = project(encounter, way.facts)
    for name in ("diagnoses", "charges", "segments", "visit_kind", "diagnosis_edition", "procedure_edition"):
        expected.ClearField(name)
    if expected.procedures:
        expected.procedure_edition = _phase(edition)
    years = encounter.age.years if encounter.HasField("age") else None
    if encounter.birth_date and encounter.HasField("admission_time"):
        years = _years(encounter)
    if way.facts.carries("sex") and years:
        # Weights on the page of an older patient are those of her children; days are told of newborns.
        expected.ClearField("newborn")
        if expected.HasField("age"):
            expected.age.ClearField("days")
    return expected


def _years(encounter: pb.Encounter) -> int:
    year, rest = encounter.birth_date[:4], encounter.birth_date[4:]
    # In China it is eight hours later than in the contract.
    admission = encounter.admission_time.ToJsonString()[:10]
    return int(admission[:4]) - int(year) - (admission[4:] < rest)


def _recorded(
    one: pb.Diagnosis, kind: int = 0, phase: int = pb.DIAGNOSIS_PHASE_DISCHARGE, condition: bool = True
) -> pb.Diagnosis:
    recorded = pb.Diagnosis(code=one.code, name=one.name, kind=_phase(kind or one.kind or 1))
    recorded.phase = _phase(phase)
    if condition:
        recorded.admission_condition = one.admission_condition
    return recorded


def _of_outpatients(encounter: pb.Encounter) -> Iterator[pb.Diagnosis]:
    for one in encounter.diagnoses:
        if one.phase == pb.DIAGNOSIS_PHASE_OUTPATIENT:
            yield _recorded(one, phase=pb.DIAGNOSIS_PHASE_OUTPATIENT, condition=False)


def _sums(encounter: pb.Encounter) -> dict[str, int]:
    sums: dict[str, int] = {}
    for line in encounter.charges.lines:
        sums[line.category] = sums.get(line.category, 0) + line.amount_fen
    return sums


def _listed(encounter: pb.Encounter, way: Way) -> _Expected:
    """A settlement list: one stage, sums of categories, departments without times."""
    expected = _page(encounter, way, pb.CODE_EDITION_INSURANCE)
    page = _last_stage(encounter)
    western = [one for one in page if one.kind in _WESTERN]
    tcm = [one for one in page if one.kind in (pb.DIAGNOSIS_KIND_TCM_DISEASE, pb.DIAGNOSIS_KIND_TCM_SYNDROME)]
    expected.diagnoses.extend(map(_recorded, (*western, *tcm)))
    expected.diagnoses.extend(_of_outpatients(encounter))
    if expected.diagnoses:
        expected.diagnosis_edition = pb.CODE_EDITION_INSURANCE
    has_person = way.facts.carries("sex")
    kinds = (pb.VISIT_KIND_INPATIENT, pb.VISIT_KIND_DAY_SURGERY)
    if has_person and encounter.visit_kind in kinds:
        expected.visit_kind = encounter.visit_kind
    if has_person and encounter.charges.category_system == _SETTLEMENT and encounter.charges.lines:
        expected.charges.category_system = _SETTLEMENT
        for category, amount in _sums(encounter).items():
            expected.charges.lines.add(category=category, amount_fen=amount)
    expected.segments.extend(_segments(encounter, has_person))
    left_out = set() if encounter.procedures else set(_OF_OPERATIONS)
    left_out |= set() if has_person else set(_OF_THE_PERSON)
    _keep_items(expected, lambda name: name not in left_out)
    return expected, ("front_page",)


def _segments(encounter: pb.Encounter, has_person: bool) -> Iterable[pb.Segment]:
    intensive = [one for one in encounter.segments if one.intensive_care]
    wards = [one for one in encounter.segments if one.department]
    departments = {one.department for one in wards}
    if has_person and len(departments) == 1:
        return encounter.segments
    found = list(intensive)
    if has_person and wards:
        first = pb.Segment(department=wards[0].department, start_time=encounter.admission_time)
        first.end_time.CopyFrom(encounter.admission_time)
        found.insert(0, first)
    if wards and encounter.HasField("discharge_time"):
        last = pb.Segment(department=wards[-1].department, start_time=encounter.discharge_time)
        last.end_time.CopyFrom(encounter.discharge_time)
        found.append(last)
    return found


def _tabled(encounter: pb.Encounter, way: Way) -> _Expected:
    """A row of HQMS columns: ten classes of fees, no department, and codes of the clinical edition."""
    expected = _page(encounter, way, pb.CODE_EDITION_CLINICAL)
    page = _last_stage(encounter)
    western = [one for one in page if one.kind in _WESTERN]
    expected.diagnoses.extend(map(_recorded, western))
    for kind in (pb.DIAGNOSIS_KIND_PATHOLOGY, pb.DIAGNOSIS_KIND_EXTERNAL_CAUSE):
        of_kind = [one for one in page if one.kind == kind]
        expected.diagnoses.extend(_recorded(one, condition=False) for one in of_kind)
    first = [one for one in encounter.diagnoses if one.phase == pb.DIAGNOSIS_PHASE_ADMISSION]
    for one in first[:1]:
        admission = _recorded(one, phase=pb.DIAGNOSIS_PHASE_ADMISSION, condition=False)
        expected.diagnoses.append(admission)
    expected.diagnoses.extend(_of_outpatients(encounter))
    if expected.diagnoses:
        expected.diagnosis_edition = pb.CODE_EDITION_CLINICAL
    charges = encounter.charges
    sums = _sums(encounter) if charges.category_system == _FRONT_PAGE else {}
    total = charges.total_fen if charges.HasField("total_fen") else None
    if total is not None and total > sum(sums.values()):
        sums[""] = total - sum(sums.values())
    if sums or total is not None:
        expected.charges.category_system = _FRONT_PAGE
        for category, amount in sorted(sums.items(), key=lambda one: (not one[0], int(one[0] or 0))):
            expected.charges.lines.add(category=category, amount_fen=amount)
        if total is not None:
            expected.charges.total_fen = total
    _keep_items(expected, lambda name: name in _column_items())
    return expected, ("front_page",)


def _keep_items(expected: pb.Encounter, keep: Callable[[str], bool]) -> None:
    kept = [field for field in expected.front_page.fields if keep(field.name)]
    del expected.front_page.fields[:]
    expected.front_page.fields.extend(kept)
    if not kept:
        expected.ClearField("front_page")


@cache
def _column_items() -> frozenset[str]:
    """Return names of items that HQMS has a column of."""
    path = resources.files("casemeter_client.emr") / "hqms_columns.csv"
    with path.open(encoding="utf-8") as lines:
        return frozenset(row["item"] for row in csv.DictReader(lines))


_EXPECTED: Mapping[str, Callable[[pb.Encounter, Way], _Expected]] = {
    "JSON": _as_declared,
    "3101": _audited,
    "3102": _audited,
    "4101": _listed,
    "4101A": _listed,
    "HQMS": _tabled,
    "CDS Hooks": _as_declared,
}
