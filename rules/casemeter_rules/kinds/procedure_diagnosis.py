"""Main procedures, and the principal diagnoses that fit them."""

from __future__ import annotations

from collections.abc import Iterable

from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, choice, code_text, codes, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Kind, Position, Words


def _triggers(cells: Cells, _: Context) -> Iterable[Key]:
    return [Key(Space.PROCEDURE, cells["procedure_code"], cells["match"] == "prefix")]


def _fit(cells: Cells) -> CodeSet:
    prefix = cells["match"] == "prefix"
    return CodeSet(frozenset(key._replace(prefix=prefix) for key in cells["diagnosis_codes"]))


KIND = Kind(
    name="procedure_diagnosis",
    title_zh="主要手术操作与主要诊断不符",
    title_en="main procedure and principal diagnosis",
    finding_class=FindingClass.GROUPING,
    subclass="procedure_diagnosis",
    official_type="诊断编码与手术操作编码不符",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses", "procedures"),
    columns=(
        *(code_text("procedure_code", Space.PROCEDURE), codes("diagnosis_codes", Space.DIAGNOSIS)),
        *(choice("match", ("exact", "prefix"), required=False), text("reason")),
    ),
    key=("procedure_code", "diagnosis_codes", "match"),
    triggers=_triggers,
    checks=lambda cells, _: [Needs(Slot.PRINCIPAL, _fit(cells))],
    positions=Position.PRINCIPAL,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="主要手术操作{recorded}与主要诊断不相对应",
        en="the main procedure {recorded} and the principal diagnosis do not go together",
        resolve_zh="核对主要诊断与主要手术操作的选择",
        resolve_en="check which diagnosis is the principal one and which procedure the main one",
    ),
)
