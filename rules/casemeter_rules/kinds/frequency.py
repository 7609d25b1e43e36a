"""Items that are paid so often in a number of days."""

from __future__ import annotations

from casemeter_rules.checks import QuantityWithin
from casemeter_rules.columns import choice, decimal, text, whole
from casemeter_rules.common import ITEM_CODES, TEN_THOUSANDTHS, item_triggers, limit_band
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Hit, Kind, Values, Words

UNITS = (
    *("次", "小时", "天", "日", "部位", "项", "套", "个", "根"),
    *("片", "粒", "支", "袋", "瓶", "盒", "贴", "mg", "g", "ml"),
)


def _say(values: Values, _: Hit) -> Values:
    said = {} if "unit" in values else {"unit_zh": "", "unit_en": "unit(s)"}
    days = values["period_days"]
    if days == "0":
        return {**said, "period_zh": "住院期间", "period_en": "in the stay"}
    if days == "1":
        return {**said, "period_zh": "每天", "period_en": "a day"}
    return {**said, "period_zh": f"每{days}天", "period_en": f"in {days} days"}


KIND = Kind(
    name="frequency",
    title_zh="限定频次与数量",
    title_en="limited frequency and quantity",
    finding_class=FindingClass.ORDER,
    subclass="frequency",
    official_type="医疗服务项目限定频次",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_quantity", "item_time", "self_paid"),
    columns=(
        *(*ITEM_CODES, text("name")),
        *(decimal("most", required=True), choice("unit", UNITS, required=False)),
        whole("period_days", required=True, high=3660),
    ),
    key=("codes", "match", "most", "unit", "period_days"),
    triggers=item_triggers,
    checks=lambda cells, _: [QuantityWithin(int(cells["most"] * TEN_THOUSANDTHS), cells["period_days"])],
    say=_say,
    band=limit_band("most"),
    overrides=("clinical_need", "patient_pays", "data_wrong"),
    words=Words(
        zh="{name}{period_zh}限{most}{unit_zh}，已计{measured}{unit_zh}",
        en="{name} is limited to {most} {unit_en} {period_en}; {measured} are charged or ordered",
        resolve_zh="核对数量，或写明需要增加的原因",
        resolve_en="check the quantities, or state why more are needed",
    ),
)
