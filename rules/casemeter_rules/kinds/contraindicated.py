"""Drugs and items that are not given with certain diseases or states."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Excludes, Slot
from casemeter_rules.columns import Cells, text
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.diseases import DISEASES, disease_codes, diseases_said, no_disease
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Context, Hit, Kind, Values, Words


def _checks(cells: Cells, context: Context) -> Iterator[Excludes]:
    yield Excludes(Slot.ANY_DIAGNOSIS, disease_codes(cells, context))


def _say(values: Values, hit: Hit) -> Values:
    zh, en = diseases_said(values)
    state = values.get("condition", "")
    return {"diagnoses_zh": state or zh, "diagnoses_en": state or en, "met": hit.codes[-1]}


KIND = Kind(
    name="contraindicated",
    title_zh="禁忌症",
    title_en="not with certain diseases",
    finding_class=FindingClass.ORDER,
    subclass="contraindicated",
    official_type="药品禁忌症",
    tier=Tier.WARN,
    phases=CARE,
    facts=("diagnoses", "items"),
    columns=(*ITEM_CODES, text("name"), *DISEASES, text("condition")),
    key=("codes", "match", "diagnosis_words", "diagnosis_prefixes"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=_checks,
    check_row=no_disease,
    say=_say,
    overrides=("benefit_documented", "specialist", "data_wrong"),
    words=Words(
        zh="{name}禁用于{diagnoses_zh}，已记录诊断{met}",
        en="{name} is not given with {diagnoses_en}; {met} is recorded",
        resolve_zh="停用或更换，或在病程记录中说明获益大于风险",
        resolve_en="take it out or change it, or document that the benefit outweighs the risk",
    ),
)
