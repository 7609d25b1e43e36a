"""Admitted again within days for the same group or disease, and not planned."""

from __future__ import annotations

from casemeter_rules import earlier_examples, returns
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="readmission",
    title_zh="再入院",
    title_en="readmission",
    finding_class=FindingClass.INTEGRITY,
    subclass="readmission",
    official_type="非计划再入院率统计",
    tier=Tier.HINT,
    phases=CODING,
    facts=("person", "earlier", "admission", "diagnoses", "group", "discharge_way", "readmission_planned"),
    columns=returns.COLUMNS,
    key=returns.KEY,
    sets=returns.SET_COLUMNS,
    decide=returns.decide,
    examples=earlier_examples.of_return,
    overrides=("bilateral_or_staged", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="患者于{discharged}出院，{after_zh}再次入院，{same_zh}，且未记录为计划内；请核对再入院的原因",
        en="the patient was discharged on {discharged} and admitted again {after_en}, {same_en}, and no plan "
        "for it is recorded; please check the reason for the return",
        resolve_zh="如为计划内再入院，请核对上次首页的再住院计划；否则请在病历中写明原因",
        resolve_en="if it was planned, check the plan on the earlier front page; else record the reason",
    ),
)
