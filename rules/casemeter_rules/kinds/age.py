"""Drugs and items for an age: children, newborns, adults."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Between
from casemeter_rules.columns import Cells, text, whole
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Context, Hit, Kind, Values, Words

_INFINITY = float("inf")


def _checks(cells: Cells, _: Context) -> Iterator[Between]:
    low, high, days = cells["min_years"], cells["max_years"], cells["max_days"]
    if days is not None:
        # The limit in days is the narrower one; whoever knows the days knows the years.
        yield Between("age_days", high=days)
    elif low is not None or high is not None:
        yield Between("age_years", -_INFINITY if low is None else low, _INFINITY if high is None else high)


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    low, high = cells["min_years"], cells["max_years"]
    if low is None and high is None and cells["max_days"] is None:
        yield "min_years", "no limit is given: fill min_years, max_years or max_days", "没有年龄限制"
    if low is not None and high is not None and low > high:
        yield (
            "max_years",
            f"the highest age {high} lies below the lowest {low}",
            f"最大年龄 {high} 小于最小年龄 {low}",
        )


def _say(values: Values, _: Hit) -> Values:
    low, high, days = (values.get(column, "") for column in ("min_years", "max_years", "max_days"))
    if days:
        return {
            "limits_zh": f"不超过{days}天",
            "limits_en": f"of up to {days} days",
            "unit_zh": "天",
            "unit_en": "days",
        }
    zh = f"{low}至{high}岁" if low and high else f"满{low}岁" if low else f"不超过{high}岁"
    en = (
        f"of {low} to {high} years"
        if low and high
        else f"from {low} years"
        if low
        else f"of up to {high} years"
    )
    return {"limits_zh": zh, "limits_en": en, "unit_zh": "岁", "unit_en": "years"}


KIND = Kind(
    name="age",
    title_zh="限年龄使用",
    title_en="for an age",
    finding_class=FindingClass.ORDER,
    subclass="age",
    tier=Tier.WARN,
    phases=CARE,
    facts=("age_years", "age_days", "items"),
    columns=(
        *(*ITEM_CODES, text("name")),
        *(whole("min_years", high=150), whole("max_years", high=150), whole("max_days", high=55_000)),
    ),
    key=("codes", "match", "min_years", "max_years", "max_days"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=_checks,
    check_row=_check_row,
    say=_say,
    overrides=("data_wrong", "specialist"),
    words=Words(
        zh="{name}限{limits_zh}使用，患者年龄为{measured}{unit_zh}",
        en="{name} is for patients {limits_en}; the patient is {measured} {unit_en} old",
        resolve_zh="核对患者年龄，或停用该项目",
        resolve_en="check the patient's age, or take the item out",
    ),
)
