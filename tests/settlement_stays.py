"""Stays as settlement lists and front pages can carry them, for Hypothesis, and one that has every fact."""

from __future__ import annotations

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from casemeter.v1 import encounter_pb2 as pb
from casemeter.v1.encounter_pb2 import Encounter

ADMISSION = 1_780_272_000
"""2026-06-01 08:00 in China."""

HOUR = 3600


def at(hours: float) -> dict[str, int]:
    """A moment by the hours since the admission."""
    return {"seconds": ADMISSION + int(hours * HOUR)}


def moment(hours: float) -> Timestamp:
    """The same as a message."""
    return Timestamp(**at(hours))


FULL = Encounter(
    encounter_id="M1-2",
    sex="SEX_MALE",
    birth_date="2026-05-20",
    admission_time=at(0),
    discharge_time=at(200),
    discharge_way="DISCHARGE_WAY_HOME",
    insurance_type="310",
    visit_kind="VISIT_KIND_INPATIENT",
    tcm=True,
    diagnoses=[
        {"code": "I63.900", "kind": 1, "phase": 4, "admission_condition": 1, "name": "脑梗死"},
        {"code": "I10.x00", "kind": 1, "phase": 4},
        {"code": "M80000/3", "kind": 4, "phase": 4},
        {"code": "W01.x00", "kind": 5, "phase": 4},
        {"code": "A07.01", "kind": 2, "phase": 4},
        {"code": "R42.x00", "kind": 1, "phase": 1, "name": "头晕"},
    ],
    procedures=[
        {"code": "01.2400", "start_time": at(30), "end_time": at(32), "name": "开颅探查术"},
        {"code": "99.0400"},
    ],
    segments=[
        {"department": "A03", "start_time": at(0), "end_time": at(32)},
        {"intensive_care": True, "start_time": at(32), "end_time": at(60.5)},
        {"department": "A03", "start_time": at(60.5), "end_time": at(200)},
    ],
    newborn={"birth_weight_g": 3200, "admission_weight_g": 3150},
    charges={
        "category_system": 2,
        "lines": [{"category": "01", "amount_fen": 120_000}, {"category": "09", "amount_fen": 3}],
    },
    front_page={
        "fields": [
            {"name": "medcasno", "value": "M1"},
            {"name": "psn_name", "value": "某某"},
            {"name": "oper_dr_code", "value": "D1"},
            {"name": "bld_cat", "value": "1"},
            {"name": "vent_used_dura", "value": "1/0/0"},
            {"name": "pwcry_bfadm_coma_dura", "value": "0/2/30"},
            {"name": "nwb_adm_type", "value": ""},
        ]
    },
)

letters = st.text("ABCx.0123456789", min_size=1, max_size=8).filter(lambda text: text.strip("/-"))
names = st.text("脑梗死术后 ab", max_size=8).map(str.strip)
hours = st.integers(0, 200 * HOUR).map(lambda seconds: seconds / HOUR)
items = st.dictionaries(
    st.sampled_from(["psn_name", "ntly", "bill_code", "vent_used_dura", "nwb_adm_type", "C34C", "B36C"]),
    st.sampled_from(["", "-", "1", "1/13/24", " 某某 ", "a,b;c"]),
    max_size=4,
)


@st.composite
def stays(draw: st.DrawFn, system: int = 2) -> Encounter:
    """Stays that have nothing a message cannot carry; charges in a system of categories."""
    discharge = draw(hours)
    inside = st.integers(0, int(discharge * HOUR)).map(lambda seconds: seconds / HOUR)
    encounter = Encounter(
        encounter_id=f"{draw(st.text('ABC0123', min_size=1, max_size=8))}-{draw(st.integers(1, 99))}",
        sex=draw(st.sampled_from(["SEX_UNSPECIFIED", "SEX_MALE", "SEX_FEMALE"])),
        birth_date=draw(st.sampled_from(["", "1958-03-02", "2026-05-20", "2008-02-29"])),
        admission_time=at(0),
        discharge_time=at(discharge),
        discharge_way=draw(st.sampled_from(pb.DischargeWay.keys())),
        visit_kind=draw(st.sampled_from(pb.VisitKind.keys()[:3])) if system == 2 else None,
        insurance_type=draw(st.sampled_from(["", "310", "390"])) if system == 2 else "",
    )
    for code in draw(st.lists(letters, max_size=6)):
        diagnosis = encounter.diagnoses.add(code=code, kind=1, phase=4, name=draw(names))
        diagnosis.admission_condition = draw(st.sampled_from([0, 1, 2, 3, 4]))  # type: ignore[assignment]  # a number
    for code in draw(st.lists(letters, max_size=4)):
        procedure = encounter.procedures.add(code=code, name=draw(names))
        if draw(st.booleans()):
            procedure.start_time.CopyFrom(moment(draw(inside)))
    bounds = sorted({draw(inside), draw(inside)}) if system == 2 and draw(st.booleans()) else []
    if len(bounds) == 2:
        encounter.segments.append(
            pb.Segment(intensive_care=True, start_time=at(bounds[0]), end_time=at(bounds[1]))
        )
    categories = ["01", "09", "14"] if system == 2 else ["1", "6", "10"]
    chosen: list[Any] = draw(st.lists(st.sampled_from(categories), unique=True).map(sorted))
    for category in sorted(chosen, key=int):
        encounter.charges.category_system = system  # type: ignore[assignment]  # a number
        encounter.charges.lines.add(category=category, amount_fen=draw(st.integers(0, 10_000_000)))
    for name, value in draw(items).items():
        encounter.front_page.fields.add(name=name, value=value)
    return encounter
