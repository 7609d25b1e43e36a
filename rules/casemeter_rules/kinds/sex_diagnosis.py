"""Diagnoses that patients of one sex have."""

from __future__ import annotations

from casemeter_rules.checks import Among
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import choice
from casemeter_rules.common import DISORDERS_OF_SEX_DEVELOPMENT
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="sex_diagnosis",
    title_zh="诊断与性别不符",
    title_en="diagnosis and sex",
    finding_class=FindingClass.VALIDITY,
    subclass="sex_diagnosis",
    official_type="诊断与患者性别不符",
    tier=Tier.WARN,
    phases=CODING,
    facts=("sex", "diagnoses"),
    columns=(*RANGE, choice("sex", ("M", "F"))),
    key=("code_from", "code_to", "sex"),
    triggers=range_triggers,
    checks=lambda cells, _: [Among("sex", frozenset({cells["sex"]}))],
    unless=DISORDERS_OF_SEX_DEVELOPMENT,
    overrides=("sex_development_disorder", "data_will_be_corrected"),
    words=Words(
        zh="{recorded}限{sex_zh}，患者性别与之不符",
        en="{recorded} is of {sex_en} patients; the patient's sex differs",
        resolve_zh="核对患者性别与诊断编码",
        resolve_en="check the patient's sex and the diagnosis",
    ),
)
