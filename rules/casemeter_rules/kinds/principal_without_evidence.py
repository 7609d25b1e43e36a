"""A main procedure that treats another diagnosis, and nothing that treats the principal one."""

from __future__ import annotations

from casemeter_rules import relations
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="principal_without_evidence",
    title_zh="主要诊断与主要手术操作不对应",
    title_en="main procedure of another diagnosis",
    finding_class=FindingClass.GROUPING,
    subclass="principal_without_evidence",
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
        zh="主要手术操作（{found}）对应{diagnosis}，未见主要诊断{principal}的诊疗；以{diagnosis}为主要诊断时入组为{group}",
        en="the main procedure ({found}) goes with {diagnosis}, and nothing in the stay treats the principal "
        "diagnosis {principal}; with {diagnosis} as principal the group is {group}",
        resolve_zh="请核对本次住院的主要原因与资源消耗，按主要诊断选择原则确定主要诊断",
        resolve_en="check what the stay was for and choose the principal diagnosis by the rules for it",
    ),
)
