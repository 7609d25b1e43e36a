"""Diagnoses that name a birth weight, and the weight that is written."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Between
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import Cells, whole
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Hit, Kind, Values, Words


def _checks(cells: Cells, _: Context) -> Iterator[Between]:
    low, high = cells["min_g"], cells["max_g"]
    yield Between("birth_weight_g", 0 if low is None else low, float("inf") if high is None else high)


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if cells["min_g"] is None and cells["max_g"] is None:
        yield "min_g", "no limit is given: fill min_g or max_g", "没有体重限制"


def _say(values: Values, _: Hit) -> Values:
    low, high = values.get("min_g", ""), values.get("max_g", "")
    if low and high:
        return {"limits_zh": f"{low}至{high}克", "limits_en": f"{low} to {high} g"}
    if low:
        return {"limits_zh": f"不低于{low}克", "limits_en": f"at least {low} g"}
    return {"limits_zh": f"不超过{high}克", "limits_en": f"up to {high} g"}


KIND = Kind(
    name="newborn_weight",
    title_zh="新生儿体重与诊断不符",
    title_en="birth weight and diagnosis",
    finding_class=FindingClass.VALIDITY,
    subclass="newborn_weight",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("birth_weight_g", "diagnoses"),
    columns=(*RANGE, whole("min_g", high=20_000), whole("max_g", high=20_000)),
    key=("code_from", "code_to", "min_g", "max_g"),
    triggers=range_triggers,
    checks=_checks,
    check_row=_check_row,
    say=_say,
    overrides=("data_will_be_corrected", "measurement_wrong"),
    words=Words(
        zh="{recorded}的出生体重为{limits_zh}，填写的是{measured}克",
        en="{recorded} means a birth weight of {limits_en}; {measured} g is written",
        resolve_zh="核对出生体重与诊断编码",
        resolve_en="check the birth weight and the diagnosis",
    ),
)
