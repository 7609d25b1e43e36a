"""The cases of ../shared, as cases of the grouper and as encounters of the contract."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from casemeter.v1.encounter_pb2 import DischargeWay, Encounter
from casemeter_grouper.case import Case
from casemeter_grouper.codes import normalise

SCHEMES = (
    *("beijing_2022", "changzhou_2022", "chongqing_2022", "chs_drg_10", "chs_drg_11", "chs_drg_12_draft"),
    *("foshan_2022", "guangxi_2022", "haerbin_2022", "hefei_2023", "suzhou_2023", "yinchuan_2023"),
    "zhejiang_2022",
)
ADMISSION = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
AS_OF = ADMISSION + timedelta(days=200)


class Expected(NamedTuple):
    """One case and the group it must end in; empty: none."""

    id: str
    case: Case
    group: str


def read(shared: Path, scheme: str) -> Iterator[Expected]:
    """Yield the cases of a scheme."""
    with gzip.open(shared / "cases" / f"{scheme}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            case = Case(
                diagnoses=_codes(row["diagnoses"]),
                procedures=_codes(row["procedures"]),
                sex=row["sex"] or None,
                discharge_way=row["discharge_way"] or None,
                department=row["department"] or None,
                age_years=_number(row["age_years"]),
                age_days=_number(row["age_days"]),
                birth_weight_g=_number(row["birth_weight_g"]),
                los_days=_number(row["los_days"]),
                icu_hours=_number(row["icu_hours"]),
            )
            yield Expected(row["case_id"], case, row["expected_drg"])


def _codes(text: str) -> tuple[str, ...]:
    return tuple(map(normalise, text.split("|"))) if text else ()


def _number(text: str) -> float | None:
    return float(text) if text else None


def encounter_of(case: Case) -> Encounter:
    """Return an encounter from which the server derives the facts of a case, the stay being over."""
    encounter = Encounter(
        sex={"M": "SEX_MALE", "F": "SEX_FEMALE"}.get(case.sex or "", "SEX_UNSPECIFIED"),
        discharge_way=DischargeWay.Name(int(case.discharge_way or 0)),
        diagnoses=[{"code": code} for code in case.diagnoses],
        procedures=[{"code": code} for code in case.procedures],
    )
    if case.age_years is not None:
        encounter.age.years = int(case.age_years)
    if case.age_days is not None:
        encounter.age.days = int(case.age_days)
    if case.los_days is not None:
        encounter.admission_time.FromDatetime(ADMISSION)
        encounter.discharge_time.FromDatetime(ADMISSION + timedelta(days=case.los_days))
    if case.department is not None:
        segment = encounter.segments.add(department=case.department)
        segment.start_time.FromDatetime(ADMISSION)
    if case.icu_hours is not None:
        encounter.icu_hours = case.icu_hours
    if case.birth_weight_g is not None:
        encounter.newborn.birth_weight_g = int(case.birth_weight_g)
    return encounter
