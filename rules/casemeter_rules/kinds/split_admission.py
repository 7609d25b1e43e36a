"""Discharged and admitted again within days: one treatment may have been divided into two stays."""

from __future__ import annotations

from casemeter_rules import earlier_examples, returns
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="split_admission",
    title_zh="分解住院",
    title_en="one treatment, two stays",
    finding_class=FindingClass.INTEGRITY,
    subclass="split_admission",
    official_type="分解住院",
    tier=Tier.WARN,
    phases=CODING,
    facts=("person", "earlier", "admission", "diagnoses", "campus", "discharge_way", "readmission_planned"),
    columns=returns.COLUMNS,
    key=returns.KEY,
    sets=returns.SET_COLUMNS,
    decide=returns.decide,
    examples=earlier_examples.of_return,
    overrides=("bilateral_or_staged", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="患者于{discharged}出院，{after_zh}再次入院，{same_zh}；请核对两次住院是否为同一治疗过程",
        en="the patient was discharged on {discharged} and admitted again {after_en}, {same_en}; please "
        "check whether both stays are one course of treatment",
        resolve_zh="如为计划内治疗或新发病情，请在病历和首页中写明；如为同一治疗过程，请与医保部门核对",
        resolve_en="if the return was planned or the illness is new, record it; if both are one course of "
        "treatment, ask the insurance office",
    ),
)
