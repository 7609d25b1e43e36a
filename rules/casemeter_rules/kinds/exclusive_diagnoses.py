"""Diagnoses that exclude each other in the classification."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Excludes, Slot
from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.columns import Cells, codes, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Kind, Words


def _checks(cells: Cells, _: Context) -> Iterator[Excludes]:
    yield Excludes(Slot.ANY_DIAGNOSIS, CodeSet(frozenset(cells["b_codes"])))


KIND = Kind(
    name="exclusive_diagnoses",
    title_zh="诊断互相排斥",
    title_en="diagnoses that exclude each other",
    finding_class=FindingClass.GROUPING,
    subclass="contradicting_codes",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(
        *(codes("a_codes", Space.DIAGNOSIS, prefix=True), codes("b_codes", Space.DIAGNOSIS, prefix=True)),
        text("reason", required=True),
    ),
    key=("a_codes", "b_codes"),
    triggers=lambda cells, _: cells["a_codes"],
    checks=_checks,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}互相排斥：{reason}",
        en="{recorded} exclude each other: {reason}",
        resolve_zh="核对病历，保留相符的一项",
        resolve_en="check the record and keep the one that it supports",
    ),
)
