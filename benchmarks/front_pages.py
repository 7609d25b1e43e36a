"""Front pages: clean ones of every sort, drawn from a seed, and one planted fault for each subclass."""

from __future__ import annotations

import datetime
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.pack.dictionaries import shipped_dictionary
from casemeter_rules.coding.lookup import Codes, looked_up
from casemeter_rules.facts import MINUTES_PER_DAY, Diagnosis, Item, Procedure, Segment, Stay

SORTS: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_EPOCH: Final = datetime.datetime(1970, 1, 1)
_FIRST: Final = (datetime.datetime(2026, 1, 1) - _EPOCH).days
_FEES: Final = tuple(f"D{number}" for number in range(11, 35))
_EVERYONE: Final = {
    "medcasno": "20260001",
    "psn_name": "某某",
    "ntly": "CHN",
    "naty": "01",
    "patn_cert_type": "01",
    "certno": "110101200001010000",
    "prfs": "90",
    "coner_name": "某某",
    "patn_rlts": "1",
    "coner_tel": "13000000000",
    "poscode": "100000",
    "hi_type": "1",
    "insuplc": "110100",
    "adm_way": "2",
    "adm_caty": "A03",
    "dscg_caty": "A03",
    "trt_type": "1",
    "chfpdr_name": "某某",
    "chfpdr_code": "D110000000001",
    "resp_nurs_code": "N110000000001",
    "bill_code": "110101",
    "bill_no": "0000000001",
    "biz_sn": "1",
    "hi_paymtd": "4",
    "medins_fill_dept": "病案科",
    "medins_fill_psn": "某某",
    "days_rinp_flag_31": "1",
    "days_rinp_pup_31": "-",
    "B36C": "1",
    "acp_medins_name": "-",
}
"""Items that are the same on every page; nobody is meant."""


def _codes(space: str) -> Codes:
    dictionary = shipped_dictionary()
    names = dictionary.diagnoses if space == "diagnosis" else dictionary.procedures
    mapped = dictionary.diagnosis_map if space == "diagnosis" else dictionary.procedure_map
    return Codes(names, mapped, lambda code: names.get(code, ""))


def look_up(stay: Stay) -> Stay:
    """Return the stay with the names of its codes, as whoever makes stays looks them up."""
    return looked_up(stay, _codes("diagnosis"), _codes("procedure"))


def diagnosis(code: str, at: int, **further: Any) -> Diagnosis:
    """Return the diagnosis at a place of the page; the first one is the principal."""
    role = further.pop("role", "principal" if at == 0 else "other")
    kind = further.get("kind", "western")
    known = kind not in ("western", "external_cause") or code in shipped_dictionary().diagnoses
    further = {"role": role if kind == "western" else "", "phase": "discharge", "sent": code, **further}
    return Diagnosis(code if known else f"?{code}", f"encounter.diagnoses[{at}]", **further)


def procedure(code: str, at: int, **further: Any) -> Procedure:
    """Return the procedure at a place of the page."""
    known = code in shipped_dictionary().procedures
    return Procedure(
        code if known else f"?{code}",
        f"encounter.procedures[{at}]",
        sent=code,
        **{"operator": "D1", **further},
    )


def clean_page(sort: str, rng: random.Random) -> Stay:
    """Return a page of a sort with nothing wrong on it."""
    of_sort = SORTS[sort]
    page = rng.choice(of_sort["pages"])
    days = rng.randint(*of_sort["los"])
    if page.get("long"):
        days = max(days, 6)
    admission = (_FIRST + rng.randrange(300)) * MINUTES_PER_DAY + rng.randint(7 * 60, 10 * 60)
    same_day = sort == "day_surgery"
    discharge = admission + (6 * 60 if same_day else days * MINUTES_PER_DAY + rng.randint(0, 5 * 60))
    diagnoses = _diagnoses(page)
    procedures = tuple(
        procedure(
            code,
            at,
            name=name or shipped_dictionary().procedures[code],
            start=admission + 60 + 30 * at,
            end=admission + 90 + 30 * at,
        )
        for at, (code, name, _) in enumerate(map(_written, page.get("procedures", [])))
    )
    segments: tuple[Segment, ...] = (Segment("A03", False, admission, discharge, "encounter.segments[0]"),)
    if page.get("icu"):
        half = admission + (discharge - admission) // 2
        segments = (
            Segment("A28", True, admission, half, "encounter.segments[0]"),
            Segment("A03", False, half, discharge, "encounter.segments[1]"),
        )
    sex = page.get("sex") or of_sort.get("sex") or rng.choice("MF")
    fields = dict(_EVERYONE)
    birth = _birth(of_sort, admission, rng, fields)
    facts: dict[str, Any] = {"age_years": _years(birth, admission // MINUTES_PER_DAY)}
    if "age_days" in of_sort or facts["age_years"] < 1:
        facts["age_days"] = admission // MINUTES_PER_DAY - birth
    else:
        facts["age_days"] = float(admission // MINUTES_PER_DAY - birth)
    if "weight" in page:
        facts["birth_weight_g"] = float(rng.randint(page["weight"][0] // 10, page["weight"][1] // 10) * 10)
        facts["admission_weight_g"] = facts["birth_weight_g"] - 50
        fields["nwb_adm_type"] = page["type"]
    if "weights" in page:
        fields["nwb_bir_wt"] = page["weights"]
    fields |= {
        "brdy": _day_text(birth),
        "act_ipt_days": str(max(1, discharge // MINUTES_PER_DAY - admission // MINUTES_PER_DAY)),
        "setl_begn_date": _day_text(admission // MINUTES_PER_DAY),
        "setl_end_date": _day_text(discharge // MINUTES_PER_DAY),
        "ipt_med_type": "2" if same_day else "1",
        "diag_code_cnt": str(sum(bool(each.role) for each in diagnoses)),
        "oprn_oprt_code_cnt": str(len(procedures)),
        "spga_nurscare_days": "0",
        "lv1_nurscare_days": str(days // 2),
        "scd_nurscare_days": str(days - days // 2),
        "lv3_nurscare_days": "0",
        "vent_used_dura": _duration(page.get("hours", 0)),
        "pwcry_bfadm_coma_dura": "0/2/30" if page.get("coma") else "0/0/0",
        "pwcry_afadm_coma_dura": "0/5/0" if page.get("coma") else "-",
    }
    if page.get("blood"):
        fields |= {"bld_cat": "1", "bld_amt": "2", "bld_unt": "1"}
    if of_sort["way"] in "23":
        fields["acp_medins_name"] = "某社区卫生服务中心"
    if of_sort["way"] == "5":
        fields["C34C"] = "2"
    items = _items(page, fields, rng)
    stay = Stay(
        diagnoses=diagnoses,
        procedures=procedures,
        items=items,
        sex=sex,
        admission=admission,
        discharge=discharge,
        now=discharge,
        los_days=float(fields["act_ipt_days"]),
        discharge_way=of_sort["way"],
        department="A03",
        segments=segments,
        visit_kind=of_sort.get("visit_kind", "inpatient"),
        tcm=sort == "tcm",
        diagnosis_edition="insurance",
        procedure_edition="insurance",
        fields=fields,
        **facts,
    )
    return look_up(stay)


def _written(cell: str) -> tuple[str, str, int]:
    """Return code, name as a clinician writes it, and admission condition."""
    cell, _, condition = cell.partition("@")
    code, _, name = cell.partition("=")
    return code, name, int(condition or 1)


def _diagnoses(page: dict[str, Any]) -> tuple[Diagnosis, ...]:
    found: list[Diagnosis] = []
    for code, name, condition in map(_written, page["diagnoses"]):
        standard = shipped_dictionary().diagnoses[code]
        found.append(diagnosis(code, len(found), name=name or standard, admission_condition=condition))
    for kind in ("external", "pathology"):
        if kind in page:
            long_name = "external_cause" if kind == "external" else kind
            found.append(diagnosis(page[kind], len(found), kind=long_name))
    for kind, code in zip(("tcm_disease", "tcm_syndrome"), page.get("tcm", ()), strict=False):
        found.append(diagnosis(code, len(found), kind=kind))
    return tuple(found)


def _birth(of_sort: dict[str, Any], admission: int, rng: random.Random, fields: dict[str, str]) -> int:
    came = admission // MINUTES_PER_DAY
    if "age_days" in of_sort:
        days = rng.randint(*of_sort["age_days"])
        fields["nwb_age"] = str(days)
        return came - days
    birth = came - rng.randint(of_sort["age"][0] * 366, of_sort["age"][1] * 365)
    fields["age"] = str(_years(birth, came))
    return birth


def _date(day: int) -> datetime.date:
    return (_EPOCH + datetime.timedelta(days=day)).date()


def _day_text(day: int) -> str:
    return _date(day).isoformat()


def _years(birth: int, day: int) -> int:
    first, last = _date(birth), _date(day)
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def _duration(hours: int) -> str:
    return f"{hours // 24}/{hours % 24}/0" if hours else "0/0/0"


def _items(page: dict[str, Any], fields: dict[str, str], rng: random.Random) -> tuple[Item, ...]:
    fees = {field: rng.randrange(0, 500_000) for field in _FEES}
    total = sum(fees.values())
    fields |= {field: f"{fen / 100:.2f}" for field, fen in fees.items()}
    fields |= {
        "D01": f"{total / 100:.2f}",
        "D09": f"{total / 300:.2f}",
        "D19x01": f"{fees['D19'] / 200:.2f}",
        "D20x01": f"{fees['D20'] / 400:.2f}",
        "D20x02": f"{fees['D20'] / 400:.2f}",
        "D23x01": f"{fees['D23'] / 300:.2f}",
    }
    fields |= {
        "iteminfo[0].amt": "100.00",
        "iteminfo[0].claa_sumfee": "60.00",
        "iteminfo[0].clab_amt": "30.00",
        "iteminfo[0].fulamt_ownpay_amt": "10.00",
        "iteminfo[0].oth_amt": "0",
    }
    written = ["001204=心肺复苏术" if "I46.000@4" in page["diagnoses"] else "001101=普通床位费"]
    written += page.get("items", [])
    return tuple(
        Item(code, f"encounter.charges.lines[{at}]", str(at), name, amount_fen=10_000)
        for at, (code, _, name) in enumerate(cell.partition("=") for cell in written)
    )


Plant = Callable[[Stay], Stay]


def _with(stay: Stay, **fields: str) -> Stay:
    return stay._replace(fields={**(stay.fields or {}), **fields})


def _fields(**fields: str) -> Plant:
    return lambda stay: _with(stay, **fields)


def _more(*codes: str, **further: Any) -> Plant:
    """Add diagnoses."""

    def plant(stay: Stay) -> Stay:
        added = list(stay.diagnoses)
        for code in codes:
            name = shipped_dictionary().diagnoses.get(code, "")
            condition = {} if "kind" in further else {"admission_condition": 1}
            values = {"role": "other", "name": name, **condition, **further}
            added.append(diagnosis(code, len(added), **values))
        return stay._replace(diagnoses=tuple(added))

    return plant


def _principal(code: str, **further: Any) -> Plant:
    """Write another principal diagnosis."""

    def plant(stay: Stay) -> Stay:
        name = shipped_dictionary().diagnoses.get(code, "")
        first = diagnosis(code, 0, name=name, **{"admission_condition": 1, **further})
        return stay._replace(diagnoses=(first, *stay.diagnoses[1:]))

    return plant


def _first(**changes: Any) -> Plant:
    """Change the principal diagnosis."""
    return lambda stay: stay._replace(diagnoses=(stay.diagnoses[0]._replace(**changes), *stay.diagnoses[1:]))


def _done(*codes: str, **further: Any) -> Plant:
    """Write other procedures, the main one first."""

    def plant(stay: Stay) -> Stay:
        start = stay.admission or 0
        names = shipped_dictionary().procedures
        done = [
            procedure(
                code, at, name=names.get(code, ""), **{"start": start + 60, "end": start + 90, **further}
            )
            for at, code in enumerate(codes)
        ]
        ventilated = any(code.startswith("96.7") for code in codes)
        stay = stay if ventilated else _with(stay, vent_used_dura="0/0/0")
        stay = stay._replace(fields={k: v for k, v in (stay.fields or {}).items() if k[:4] != "bld_"})
        return stay._replace(procedures=tuple(done))

    return plant


def _main(**changes: Any) -> Plant:
    """Change the main procedure."""
    return lambda stay: stay._replace(
        procedures=(stay.procedures[0]._replace(**changes), *stay.procedures[1:])
    )


def _without(kind: str) -> Plant:
    return lambda stay: stay._replace(
        diagnoses=tuple(
            each for each in stay.diagnoses if each.kind != kind and not each.code.startswith(kind)
        )
    )


def _both(*plants: Plant) -> Plant:
    def plant(stay: Stay) -> Stay:
        for each in plants:
            stay = each(stay)
        return stay

    return plant


def _operated_early(stay: Stay) -> Stay:
    return _main(start=(stay.admission or 0) - 2 * MINUTES_PER_DAY, end=None)(stay)


def _intensive_late(stay: Stay) -> Stay:
    first = stay.segments[0]._replace(end=(stay.discharge or 0) + MINUTES_PER_DAY)
    return stay._replace(segments=(first, *stay.segments[1:]))


def _fees_short(stay: Stay) -> Stay:
    return _with(stay, D01="1.00", D09="0.50")


def _part_of_fee(stay: Stay) -> Stay:
    return _with(stay, D23x01=f"{float((stay.fields or {})['D23']) + 1:.2f}")


def _twice(stay: Stay) -> Stay:
    return _more(stay.diagnoses[0].code)(stay)


def _second_condition_missing(stay: Stay) -> Stay:
    second = stay.diagnoses[1]._replace(admission_condition=0)
    return stay._replace(diagnoses=(stay.diagnoses[0], second, *stay.diagnoses[2:]))


PLANTS: Final[tuple[tuple[str, str, str, Plant], ...]] = (
    # subclass, what is planted, sort of page, how
    ("required_field", "no record number", "medical", _fields(medcasno="")),
    ("required_field", "no payment method", "surgery", _fields(hi_paymtd="")),
    ("newborn_facts", "no birth weight", "newborn", lambda stay: _with(stay, nwb_bir_wt="")),
    ("newborn_facts", "an adult's admission weight", "medical", _fields(nwb_adm_wt="3200")),
    ("procedure_facts", "no operator", "surgery", _fields(oper_dr_code="")),
    ("transfer_target", "no receiving institution", "transfer", _fields(acp_medins_name="")),
    (
        "readmission_plan",
        "planned without a purpose",
        "medical",
        _fields(days_rinp_flag_31="2", days_rinp_pup_31=""),
    ),
    ("blood", "a blood product without an amount", "medical", _fields(bld_cat="1", bld_amt="", bld_unt="1")),
    (
        "ventilation",
        "ventilated, no hours",
        "newborn",
        _both(_principal("P22.000"), _done("96.7101"), _fields(vent_used_dura="")),
    ),
    (
        "ventilation",
        "96 hours and more, 30 written",
        "medical",
        _both(_done("96.7201"), _fields(vent_used_dura="1/6/0")),
    ),
    ("admission_condition_missing", "of one diagnosis", "transfer", _second_condition_missing),
    ("principal_count", "two", "medical", _more("K29.701", role="principal")),
    ("principal_count", "none", "medical", _first(role="other")),
    ("external_cause", "left out", "injury", _both(_without("external_cause"), _principal("S72.000"))),
    ("morphology", "left out", "tumour", _both(_principal("C16.301"), _without("pathology"))),
    ("tcm_diagnosis", "no syndrome", "tcm", _without("tcm_syndrome")),
    ("day_surgery", "no procedure", "day_surgery", lambda stay: stay._replace(procedures=())),
    ("value_set", "way of leaving 7", "medical", _fields(dscg_way="7")),
    ("value_set", "admission condition 6", "medical", _first(admission_condition=6)),
    ("value_range", "a birth weight of 33 g", "newborn", _fields(nwb_bir_wt="33")),
    ("value_range", "minus one day of nursing", "medical", _fields(spga_nurscare_days="-1")),
    ("field_format", "a letter in the postcode", "medical", _fields(poscode="10000A")),
    ("field_format", "hours of ventilation in words", "medical", _fields(vent_used_dura="30小时")),
    ("time_order", "operated before admission", "surgery", _operated_early),
    ("time_order", "intensive care after discharge", "death", lambda stay: _intensive_late(_in_care(stay))),
    ("time_order", "anaesthesia ends before it begins", "surgery", lambda stay: _anaesthetised(stay)),
    ("fee_sum", "the total is less than its parts", "medical", _fees_short),
    ("fee_sum", "antimicrobials cost more than drugs", "surgery", _part_of_fee),
    (
        "fee_sum",
        "an item's amount is not that of its parts",
        "tumour",
        _fields(**{"iteminfo[0].oth_amt": "5.00"}),
    ),
    (
        "newborn_weight",
        "1,500 g and more by code, 3,400 g by weight",
        "newborn",
        lambda stay: _principal("P07.101")(stay)._replace(birth_weight_g=3400.0),
    ),
    ("age", "another age than the birth date gives", "medical", _fields(age="12")),
    ("length_of_stay", "forty days", "surgery", _fields(act_ipt_days="40")),
    ("code_count", "nine diagnoses", "medical", _fields(diag_code_cnt="9")),
    ("within_stay", "sixty days of nursing", "medical", _fields(lv1_nurscare_days="60")),
    ("field_code", "coma without a head injury", "medical", _fields(pwcry_bfadm_coma_dura="0/3/0")),
    (
        "sex_diagnosis",
        "a man with a disease of the ovary",
        "medical",
        lambda stay: _more("N83.201")(stay)._replace(sex="M"),
    ),
    ("sex_diagnosis", "a pregnant man", "delivery", lambda stay: stay._replace(sex="M")),
    (
        "sex_procedure",
        "a man's uterus taken out",
        "medical",
        lambda stay: _done("68.4100")(stay)._replace(sex="M"),
    ),
    ("age_diagnosis", "a newborn's jaundice at sixty", "medical", _more("P59.901")),
    ("outcome", "sudden death, sent home", "medical", _more("I46.100x001")),
    ("outcome", "dead, and a return planned", "death", _fields(days_rinp_pup_31="化疗")),
    ("outcome", "sent home to another hospital", "medical", _fields(acp_medins_name="某医院")),
    (
        "low_risk_death",
        "died of a hernia",
        "surgery",
        lambda stay: _principal("K40.900x002")(stay)._replace(discharge_way="5"),
    ),
    (
        "admission_condition",
        "born with it, arisen in hospital",
        "medical",
        _more("Q21.000", admission_condition=4),
    ),
    (
        "code_place",
        "a disease as the external cause",
        "injury",
        _both(_without("external_cause"), _more("I10.x00x002", kind="external_cause")),
    ),
    ("principal_not_fit", "a history", "medical", _principal("Z86.701")),
    ("principal_not_fit", "an external cause as a diagnosis", "medical", _more("W19.x00")),
    ("main_procedure_not_fit", "a number of vessels", "medical", _done("00.4000")),
    ("dagger_asterisk", "a manifestation first", "medical", _principal("G63.2*")),
    ("dagger_asterisk", "a cause without its manifestation", "medical", _more("E11.4+")),
    (
        "morphology_behaviour",
        "malignant tumour, benign tissue",
        "tumour",
        _both(_principal("C16.301"), _without("pathology"), _more("M81400/0", kind="pathology")),
    ),
    ("combined_code", "stone and inflammation apart", "medical", _more("K80.200x003", "K81.001")),
    ("contradicting_codes", "both types of diabetes", "medical", _more("E10.900", "E11.200x011+N08.3*")),
    ("duplicate_diagnosis", "the principal one once more", "medical", _twice),
    (
        "procedure_diagnosis",
        "a caesarean in pneumonia",
        "medical",
        lambda stay: _both(_principal("J18.900"), _done("74.1x01"))(stay)._replace(sex="F"),
    ),
    ("delivery_outcome", "a delivery without an outcome", "delivery", _without("Z37")),
    (
        "multiple_birth",
        "twins born of no twin pregnancy",
        "delivery",
        _both(_without("Z37"), _more("Z37.200x003")),
    ),
    ("missing_pair", "an extent of burns, and no burn", "medical", _more("T31.100")),
    (
        "missing_procedure_pair",
        "stents not counted",
        "medical",
        _both(_principal("I21.001"), _done("36.0700")),
    ),
    ("name_code", "another disease's name", "medical", _first(name="股骨颈骨折")),
    ("name_code", "another operation's name", "surgery", _main(name="白内障超声乳化术")),
    ("edition", "a clinical code", "medical", _principal("A01.000x002")),
    ("unknown_code", "a code of no edition", "medical", _principal("I63.999")),
    ("grey_code", "a grey code", "medical", _more("A00.000")),
    (
        "symptom_principal",
        "chest pain beside an infarction",
        "medical",
        _both(_principal("R07.200"), _more("I21.001")),
    ),
    ("untreated_complication", "resuscitated, by nobody", "medical", _more("I46.000")),
    ("unexplained_treatment", "chemotherapy without a tumour", "transfer", _both(_done("99.2503"))),
)
"""One fault each; a page of the sort must show a finding of the subclass."""


def _in_care(stay: Stay) -> Stay:
    first = stay.segments[0]._replace(intensive_care=True)
    return stay._replace(segments=(first, *stay.segments[1:]))


def _anaesthetised(stay: Stay) -> Stay:
    day = _day_text((stay.admission or 0) // MINUTES_PER_DAY + 1)
    return _with(stay, anst_begntime=f"{day} 10:00:00", anst_endtime=f"{day} 09:00:00")


def planted(plant: Plant, sort: str, rng: random.Random) -> Stay:
    """Return a page of a sort with one fault on it."""
    clean = clean_page(sort, rng)
    page = plant(clean)
    before, after = clean.fields or {}, page.fields or {}
    # What was planted is the only fault: the counts follow the codes, unless they are the fault.
    if after["diag_code_cnt"] == before["diag_code_cnt"]:
        page = _with(page, diag_code_cnt=str(sum(bool(each.role) for each in page.diagnoses)))
    if after["oprn_oprt_code_cnt"] == before["oprn_oprt_code_cnt"]:
        page = _with(page, oprn_oprt_code_cnt=str(len(page.procedures)))
    return look_up(page)
