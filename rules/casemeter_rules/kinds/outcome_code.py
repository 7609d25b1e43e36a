"""Diagnoses that tell how the stay ended, and the way of leaving."""

from __future__ import annotations

from casemeter_rules.checks import VALUES, Among
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import choices, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="outcome_code",
    title_zh="转归与离院方式",
    title_en="outcome and way of leaving",
    finding_class=FindingClass.VALIDITY,
    subclass="outcome",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("discharge_way", "diagnoses"),
    columns=(*RANGE, choices("ways", VALUES["discharge_way"]), text("reason", required=True)),
    key=("code_from", "code_to", "ways"),
    triggers=range_triggers,
    checks=lambda cells, _: [Among("discharge_way", cells["ways"])],
    overrides=("data_will_be_corrected", "record_supports_coding"),
    words=Words(
        zh="{recorded}（{reason}）与离院方式不符，应为{ways_zh}",
        en="{recorded} ({reason}) and the way of leaving do not agree: it means {ways_en}",
        resolve_zh="核对离院方式与诊断编码",
        resolve_en="check the way of leaving and the diagnosis",
    ),
)
