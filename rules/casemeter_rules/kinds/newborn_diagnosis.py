"""Diagnoses that newborns and infants have."""

from __future__ import annotations

from casemeter_rules.checks import Between
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import whole
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="newborn_diagnosis",
    title_zh="诊断与年龄不符",
    title_en="diagnosis and age",
    finding_class=FindingClass.VALIDITY,
    subclass="age_diagnosis",
    official_type="诊断与患者年龄不符",
    tier=Tier.WARN,
    phases=CODING,
    facts=("age_days", "diagnoses"),
    columns=(*RANGE, whole("max_age_days", required=True, high=55_000)),
    key=("code_from", "code_to", "max_age_days"),
    triggers=range_triggers,
    checks=lambda cells, _: [Between("age_days", high=cells["max_age_days"])],
    overrides=("data_will_be_corrected", "record_supports_coding"),
    words=Words(
        zh="{recorded}限{max_age_days}天以内的患儿，患者入院时{measured}天",
        en="{recorded} is of infants of up to {max_age_days} days; the patient was {measured} days old",
        resolve_zh="核对患者出生日期与诊断编码",
        resolve_en="check the date of birth and the diagnosis",
    ),
)
