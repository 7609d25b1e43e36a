"""Procedures that go with others and do not stand as the main one."""

from __future__ import annotations

from casemeter_rules.checks import Present
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import code_text, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Kind, Position, Words

KIND = Kind(
    name="not_as_main_procedure",
    title_zh="不宜作主要手术操作",
    title_en="not fit to be the main procedure",
    finding_class=FindingClass.GROUPING,
    subclass="main_procedure_not_fit",
    official_type="手术操作编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("procedures",),
    columns=(code_text("code_prefix", Space.PROCEDURE), text("reason", required=True)),
    key=("code_prefix",),
    triggers=lambda cells, _: [Key(Space.PROCEDURE, cells["code_prefix"], True)],
    checks=lambda _cells, _context: [Present()],
    positions=Position.PRINCIPAL,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}（{reason}）为附加操作，不宜作为主要手术操作",
        en="{recorded} ({reason}) goes with another procedure and is not fit to be the main one",
        resolve_zh="核对手术记录与手术操作的顺序",
        resolve_en="check the operation record and the order of the procedures",
    ),
)
