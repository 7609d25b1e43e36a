"""What an EMR sends before submission: the settlement list 4101 or 4101A, and front pages in HQMS columns.

An item of the front page that the encounter has by name is written as it is; what only a typed fact tells is
written from that.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib import resources
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from casemeter.v1 import charges_pb2
from casemeter.v1 import encounter_pb2 as pb

CHINA: Final = timezone(timedelta(hours=8))
"""The zone in which moments are written unless another is named."""

_KINDS: Final = {
    pb.DIAGNOSIS_KIND_UNSPECIFIED: "1",
    pb.DIAGNOSIS_KIND_WESTERN: "1",
    pb.DIAGNOSIS_KIND_TCM_DISEASE: "2",
    pb.DIAGNOSIS_KIND_TCM_SYNDROME: "3",
}
_WESTERN: Final = (pb.DIAGNOSIS_KIND_UNSPECIFIED, pb.DIAGNOSIS_KIND_WESTERN)
_CONFIRMED: Final = (pb.DIAGNOSIS_STATE_UNSPECIFIED, pb.DIAGNOSIS_STATE_CONFIRMED)
_VISITS: Final = {pb.VISIT_KIND_INPATIENT: "1", pb.VISIT_KIND_DAY_SURGERY: "2"}
_DAYS_OF_A_YEAR: Final = 365
_NUMBERED: Final = re.compile(r"(\w+)\[(\d+)\]\.(\w+)\Z", re.ASCII)
_ROW_ITEMS: Final = {
    "oprninfo": ("anst_way", "oper_dr_name", "oper_dr_code", "anst_dr_name", "anst_dr_code"),
    "icuinfo": ("scs_cutd_ward_type", "scs_cutd_sum_dura"),
    "bldinfo": ("bld_cat", "bld_amt", "bld_unt"),
}
_NOT_IN_4101A: Final = (
    *("gend", "brdy", "age", "nwb_age", "adm_caty", "hi_type", "ipt_med_type", "psn_name", "act_ipt_days"),
    *("naty", "patn_cert_type", "certno", "insuplc", "diag_code_cnt", "oprn_oprt_code_cnt", "chfpdr_name"),
)


def settlement_message(encounter: pb.Encounter, infno: str = "4101", zone: tzinfo = CHINA) -> bytes:
    """Return a stay as the message that uploads its settlement list.

    Args:
        encounter: the stay; what the message has no room for is left out.
        infno: ``4101``, or ``4101A``, which has neither the person nor charges.
        zone: of the hospital.
    """
    items = _items(encounter, zone)
    rows = {name: [items.pop(one, None) for one in names] for name, names in _ROW_ITEMS.items()}
    fees = _fees(items)
    if infno == "4101A":
        items = {name: text for name, text in items.items() if name not in _NOT_IN_4101A}
    else:
        # There blood stands beside everything else.
        items |= _beside("bldinfo", rows)
    found: dict[str, Any] = {
        "setlinfo": items,
        "diseinfo": _diagnoses(encounter),
        "oprninfo": [row | _beside("oprninfo", rows) for row in _procedures(encounter, infno, zone)],
        "icuinfo": [_beside("icuinfo", rows) | row for row in _intensive(encounter, zone)],
    }
    if infno == "4101A":
        blood = _beside("bldinfo", rows)
        found["bldinfo"] = [blood] if blood else []
    else:
        found["iteminfo"] = _iteminfo(encounter, fees)
    return json.dumps({"infno": infno, "input": found}, ensure_ascii=False).encode()


def hqms_csv(
    encounters: Sequence[pb.Encounter], titles: bool = False, encoding: str = "utf-8", zone: tzinfo = CHINA
) -> bytes:
    """Return stays as a table of front pages.

    Args:
        encounters: the stays; what the columns have no room for is left out.
        titles: whether columns are named by their Chinese titles instead of their codes.
        encoding: of the text.
        zone: of the hospital.
    """
    rows = [dict(_row(encounter, zone)) for encounter in encounters]
    used = {code for row in rows for code in row} | {"C03C"}
    columns = [(code, title) for code, title, _, _ in _columns() if code in used]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([title if titles else code for code, title in columns])
    writer.writerows([row.get(code, "") for code, _ in columns] for row in rows)
    return text.getvalue().encode(encoding)


@cache
def _columns() -> tuple[tuple[str, str, str, str], ...]:
    """Return every column: code, title, item of the settlement list, and what it is written from."""
    found: list[tuple[str, str, str, str]] = []
    with resources.files(__package__).joinpath("hqms_columns.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if not row["count"]:
                found.append((row["code"], row["title"], row["item"], row["slot"]))
                continue
            name, _, part = row["slot"].partition(".")
            for at in range(int(row["count"])):
                code = row["code"].replace("nn", f"{at + 1:02}")
                title = row["title"].removesuffix("n") + str(at + int(row["first"]))
                found.append((code, title, "", f"{name}[{at}].{part}"))
    return tuple(found)


def _items(encounter: pb.Encounter, zone: tzinfo) -> dict[str, str]:
    """Return the items of a page: those that are there by name, and others that typed facts tell."""
    named = {item.name: item.value for item in encounter.front_page.fields}
    return named | {name: text for name, text in _told(encounter, zone).items() if name not in named}


def _told(encounter: pb.Encounter, zone: tzinfo) -> dict[str, str]:
    found = {
        "mdtrt_id": encounter.encounter_id,
        "gend": str(encounter.sex or ""),
        "brdy": encounter.birth_date,
        "hi_type": encounter.insurance_type,
        "dscg_way": str(encounter.discharge_way or ""),
        "ipt_med_type": _VISITS.get(encounter.visit_kind, ""),
        "trt_type": "2" if encounter.tcm else "",
    }
    if encounter.age.HasField("years"):
        found["age"] = str(encounter.age.years)
    if encounter.age.HasField("days") and encounter.age.days < _DAYS_OF_A_YEAR:
        # The item is for who is not a year old yet.
        found["nwb_age"] = str(encounter.age.days)
    for name, field in (("adm_time", "admission_time"), ("dscg_time", "discharge_time")):
        if encounter.HasField(field):
            found[name] = _moment(getattr(encounter, field), zone)
    for name, field in (("nwb_bir_wt", "birth_weight_g"), ("nwb_adm_wt", "admission_weight_g")):
        if encounter.newborn.HasField(field):
            found[name] = str(getattr(encounter.newborn, field))
    wards = [segment for segment in encounter.segments if segment.department]
    if wards:
        found |= {"adm_caty": wards[0].department, "dscg_caty": wards[-1].department}
        between = [segment.department for segment in wards[1:]]
        moves = [one for at, one in enumerate(between) if one != wards[at].department]
        found["refldept_dept"] = "→".join(moves[:-1])
    for name, code, kinds in (
        ("otp_wm_dise", "wm_dise_code", _WESTERN),
        ("otp_tcm_dise", "tcm_dise_code", (pb.DIAGNOSIS_KIND_TCM_DISEASE,)),
    ):
        for diagnosis in encounter.diagnoses:
            if diagnosis.phase == pb.DIAGNOSIS_PHASE_OUTPATIENT and diagnosis.kind in kinds:
                found |= {code: diagnosis.code, name: diagnosis.name}
                break
    return {name: text for name, text in found.items() if text}


def _moment(moment: Timestamp, zone: tzinfo) -> str:
    return datetime.fromtimestamp(moment.seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def _beside(node: str, rows: Mapping[str, Sequence[str | None]]) -> dict[str, str]:
    """Return the items of a node that a page has once."""
    found = zip(_ROW_ITEMS[node], rows[node], strict=True)
    return {name: text for name, text in found if text is not None}


def _fees(items: dict[str, str]) -> dict[int, dict[str, str]]:
    """Take the numbered items of charges out of the others; return them by their numbers."""
    found: dict[int, dict[str, str]] = {}
    for name in list(items):
        numbered = _NUMBERED.match(name)
        if numbered and numbered[1] == "iteminfo":
            found.setdefault(int(numbered[2]), {})[numbered[3]] = items.pop(name)
    return found


def _last_stage(encounter: pb.Encounter) -> Iterator[pb.Diagnosis]:
    """Yield the confirmed diagnoses of the latest stage that has any: those a page is written from."""
    sure = [one for one in encounter.diagnoses if one.state in _CONFIRMED]
    for phases in (
        (pb.DIAGNOSIS_PHASE_DISCHARGE,),
        (pb.DIAGNOSIS_PHASE_WORKING, pb.DIAGNOSIS_PHASE_UNSPECIFIED),
        (pb.DIAGNOSIS_PHASE_ADMISSION,),
    ):
        found = [one for one in sure if one.phase in phases]
        if found:
            yield from found
            return


def _diagnoses(encounter: pb.Encounter) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    principal = True
    for one in _last_stage(encounter):
        if one.kind not in _KINDS:
            continue
        western = one.kind in _WESTERN
        row = {
            "diag_type": _KINDS[one.kind],
            "diag_code": one.code,
            "diag_name": one.name,
            "adm_cond_type": str(one.admission_condition or ""),
            "maindiag_flag": "1" if western and principal else "0",
        }
        principal = principal and not western
        found.append(row)
    return found


def _procedures(encounter: pb.Encounter, infno: str, zone: tzinfo) -> Iterator[dict[str, str]]:
    begin = "oprn_oprt_begntime" if infno == "4101A" else "oprn_oprt_date"
    for at, one in enumerate(encounter.procedures):
        row = {
            "oprn_oprt_type": "2" if at else "1",
            "oprn_oprt_name": one.name,
            "oprn_oprt_code": one.code,
        }
        if one.HasField("start_time"):
            row[begin] = _moment(one.start_time, zone)
        if one.HasField("end_time"):
            row["oprn_oprt_endtime"] = _moment(one.end_time, zone)
        yield row


def _intensive(encounter: pb.Encounter, zone: tzinfo) -> Iterator[dict[str, str]]:
    for segment in encounter.segments:
        if segment.intensive_care:
            row = {"scs_cutd_inpool_time": _moment(segment.start_time, zone)}
            if segment.HasField("end_time"):
                row["scs_cutd_exit_time"] = _moment(segment.end_time, zone)
            yield row
    if encounter.HasField("icu_hours"):
        minutes = round(encounter.icu_hours * 60)
        text = f"{minutes // 1440}/{minutes % 1440 // 60}/{minutes % 60}"
        yield {"scs_cutd_sum_dura": text}


def _sums(encounter: pb.Encounter, system: int) -> dict[str, int]:
    """Return what was charged by category, if categories are of a system."""
    found: dict[str, int] = {}
    if encounter.charges.category_system == system:
        for line in encounter.charges.lines:
            found[line.category] = found.get(line.category, 0) + line.amount_fen
    return found


def _iteminfo(encounter: pb.Encounter, fees: Mapping[int, Mapping[str, str]]) -> list[dict[str, str]]:
    sums = _sums(encounter, charges_pb2.CATEGORY_SYSTEM_SETTLEMENT_LIST)
    return [
        {"med_chrgitm": category, "amt": _yuan(amount), **fees.get(at, {})}
        for at, (category, amount) in enumerate(sums.items())
    ]


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


def _row(encounter: pb.Encounter, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Yield the cells of a front page."""
    items = _items(encounter, zone)
    record, _, admission = encounter.encounter_id.rpartition("-")
    if record and admission:
        items = {"medcasno": record, "A49": admission, **items}
    slots = dict(_slots(encounter, items, zone))
    for code, _, item, slot in _columns():
        # A sum of several columns stands in the first of them.
        told = slots.pop(slot, None)
        text = items.get(item, told) if item else told
        if text is not None:
            yield code, text


def _slots(encounter: pb.Encounter, items: Mapping[str, str], zone: tzinfo) -> Iterator[tuple[str, str]]:
    for slot, one in _recorded(encounter):
        yield f"{slot}.code", one.code
        if one.name:
            yield f"{slot}.name", one.name
        if one.admission_condition:
            yield f"{slot}.condition", str(one.admission_condition)
    for at, procedure in enumerate(encounter.procedures):
        slot = f"other_procedure[{at - 1}]" if at else "main_procedure"
        yield f"{slot}.code", procedure.code
        if procedure.name:
            yield f"{slot}.name", procedure.name
        if procedure.HasField("start_time"):
            yield f"{slot}.start", _moment(procedure.start_time, zone)
    for name in ("pwcry_bfadm_coma_dura", "pwcry_afadm_coma_dura"):
        parts = items.get(name, "").split("/") if name in items else []
        parts = parts if len(parts) == 3 else parts * 3
        yield from ((f"{name}.{at}", part) for at, part in enumerate(parts))
    if not any(item == f"D{number}" for item in items for number in range(11, 35)):
        yield from _charges(encounter)


def _charges(encounter: pb.Encounter) -> Iterator[tuple[str, str]]:
    sums = _sums(encounter, charges_pb2.CATEGORY_SYSTEM_FRONT_PAGE)
    for category, amount in sums.items():
        if category:
            yield f"charge.{category}", _yuan(amount)
    if encounter.charges.HasField("total_fen"):
        yield "total", _yuan(encounter.charges.total_fen)
    elif "" in sums:
        yield "total", _yuan(sum(sums.values()))


def _recorded(encounter: pb.Encounter) -> Iterator[tuple[str, pb.Diagnosis]]:
    """Yield diagnoses with the columns that they stand in."""
    others = pathologies = 0
    principal = external = False
    for one in _last_stage(encounter):
        if one.kind in _WESTERN and not principal:
            principal = True
            yield "principal", one
        elif one.kind in _WESTERN:
            yield f"other[{others}]", one
            others += 1
        elif one.kind == pb.DIAGNOSIS_KIND_PATHOLOGY:
            yield (f"pathology_other[{pathologies - 1}]" if pathologies else "pathology"), one
            pathologies += 1
        elif one.kind == pb.DIAGNOSIS_KIND_EXTERNAL_CAUSE and not external:
            external = True
            yield "external_cause", one
    for one in encounter.diagnoses:
        if one.phase == pb.DIAGNOSIS_PHASE_ADMISSION and one.kind in _WESTERN:
            yield "admission", one
            break
