"""A treatment in the stay whose diagnosis is noted, but not part of the case."""

from __future__ import annotations

from casemeter_rules import relations
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Words

KIND = Kind(
    name="evidence_without_code",
    title_zh="有诊疗依据而诊断未确立",
    title_en="evidence for a diagnosis that is not confirmed",
    finding_class=FindingClass.GROUPING,
    subclass="evidence_without_code",
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
        zh="{diagnosis}未计入病例，但有相应的诊疗（{found}）；如确立则入{group}",
        en="{diagnosis} is noted, but no part of the case; the stay has treatment of it ({found}); "
        "if confirmed the group is {group}",
        resolve_zh="请核对病历：诊断确立的请补录，未确立的保持现状",
        resolve_en="check the record: if the diagnosis is confirmed, record it; if not, leave it as it is",
    ),
)
