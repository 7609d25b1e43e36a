"""Items and drugs that are paid for listed diagnoses only: a table of pairs, however many.

A row is a pair of an item and a diagnosis; a rule is an item with all its diagnoses. The rows are not read as
those of other kinds are: see :mod:`casemeter_rules.bulk`.
"""

from __future__ import annotations

from casemeter_rules.codes import Space
from casemeter_rules.columns import code_text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Hit, Kind, Values, Words


def _say(values: Values, _: Hit) -> Values:
    few = values.get("diagnosis_code", "")
    count = values["diagnoses"]
    return {
        "diagnoses_zh": "、".join(few.split("|")) if few else f"所列 {count} 种诊断",
        "diagnoses_en": ", ".join(few.split("|")) if few else f"{count} listed diagnoses",
    }


KIND = Kind(
    name="permitted_diagnosis",
    title_zh="限所列诊断",
    title_en="for listed diagnoses",
    finding_class=FindingClass.ORDER,
    subclass="indication",
    official_type="药品限适应症",
    tier=Tier.WARN,
    phases=CARE,
    facts=("diagnoses", "items"),
    columns=(code_text("item_code", Space.ITEM), code_text("diagnosis_code", Space.DIAGNOSIS)),
    key=("item_code",),
    pairs=True,
    say=_say,
    overrides=("diagnosis_pending", "patient_pays", "specialist"),
    words=Words(
        zh="{recorded}限{diagnoses_zh}使用，已记录的诊断中没有",
        en="{recorded} is paid for {diagnoses_en}; no recorded diagnosis is one",
        resolve_zh="若确有该诊断请补录，否则按自费处理或停用",
        resolve_en="record the diagnosis if there is one; else charge it to the patient, or take it out",
    ),
)
