"""Symptoms as the principal diagnosis while a disease that explains them is recorded."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Excludes, Slot
from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import Cells, codes, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Hit, Kind, Position, Values, Words


def _checks(cells: Cells, _: Context) -> Iterator[Excludes]:
    yield Excludes(Slot.OTHER_DIAGNOSIS, CodeSet(frozenset(cells["explained_by"])))


def _say(_: Values, hit: Hit) -> Values:
    return {"disease": "、".join(hit.codes[1:])}


KIND = Kind(
    name="symptom_principal",
    title_zh="症状作主要诊断",
    title_en="symptom as the principal diagnosis",
    finding_class=FindingClass.GROUPING,
    subclass="symptom_principal",
    official_type="疾病诊断编码异常",
    tier=Tier.HINT,
    phases=CODING,
    facts=("diagnoses",),
    columns=(*RANGE, codes("explained_by", Space.DIAGNOSIS, prefix=True), text("name", required=True)),
    key=("code_from", "code_to", "explained_by"),
    triggers=range_triggers,
    checks=_checks,
    say=_say,
    positions=Position.PRINCIPAL,
    overrides=("record_supports_coding", "not_yet_known", "does_not_apply"),
    words=Words(
        zh="主要诊断为症状（{name}），另有可以解释它的疾病诊断：{disease}",
        en="the principal diagnosis is a symptom ({name}); {disease} may explain it",
        resolve_zh="核对症状是否由该疾病引起",
        resolve_en="check whether the symptom comes from that disease",
    ),
)
