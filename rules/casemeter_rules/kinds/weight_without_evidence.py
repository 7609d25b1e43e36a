"""A diagnosis that leads to a higher group, and nothing in the stay that treats or monitors it."""

from __future__ import annotations

from casemeter_rules import relations
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="weight_without_evidence",
    title_zh="诊断影响分组而无依据",
    title_en="a diagnosis that moves the group, without evidence",
    finding_class=FindingClass.GROUPING,
    subclass="weight_without_evidence",
    tier=Tier.HINT,
    phases=CODING,
    facts=("diagnoses", "procedures", "items", "weight"),
    columns=relations.COLUMNS,
    key=relations.KEY,
    decide=relations.decide,
    examples=relations.examples,
    check_row=relations.check_row,
    overrides=("record_supports_coding", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{diagnosis}影响入组，无其治疗或监测（{looked_for}）；不计则入{group}",
        en="{diagnosis} moves the group; nothing in the stay treats or monitors it ({looked_for}); without it"
        " the group is {group}",
        resolve_zh="请核对该诊断是否成立；成立的请补全诊疗记录，不成立的请去除",
        resolve_en="check whether the diagnosis holds: if it does, complete the record; if not, take it out",
    ),
)
