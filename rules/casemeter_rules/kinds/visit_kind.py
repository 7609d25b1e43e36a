"""Drugs and items for some kinds of visits."""

from __future__ import annotations

from casemeter_rules.checks import VALUES, Among
from casemeter_rules.columns import choices, text
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Hit, Kind, Values, Words
from casemeter_rules.orders import parts

_OUTSIDE = frozenset(("outpatient", "emergency"))
_ADMITTED = frozenset(VALUES["visit_kind"]) - _OUTSIDE


def _say(values: Values, _: Hit) -> Values:
    if frozenset(parts(values["visit_kinds"])) == _ADMITTED:
        return {"visit_kinds_zh": "住院", "visit_kinds_en": "inpatient stays"}
    return {}


KIND = Kind(
    name="visit_kind",
    title_zh="限就医方式",
    title_en="for some kinds of visits",
    finding_class=FindingClass.ORDER,
    subclass="visit_kind",
    official_type="药品限就医方式",
    tier=Tier.WARN,
    phases=CARE,
    facts=("visit_kind", "items", "self_paid"),
    columns=(*ITEM_CODES, text("name"), choices("visit_kinds", VALUES["visit_kind"])),
    key=("codes", "match", "visit_kinds"),
    triggers=item_triggers,
    checks=lambda cells, _: [Among("visit_kind", cells["visit_kinds"])],
    overrides=("patient_pays", "data_wrong"),
    words=Words(
        zh="{name}限{visit_kinds_zh}使用，本次就医方式与之不符",
        en="{name} is paid for {visit_kinds_en} only; this visit is of another kind",
        resolve_zh="核对就医方式，或按自费处理",
        resolve_en="check the kind of visit, or charge it to the patient",
    ),
)
