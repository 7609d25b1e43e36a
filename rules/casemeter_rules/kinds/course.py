"""Drugs and items that are paid for a number of days, or with days between."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Apart, DaysWithin
from casemeter_rules.columns import Cells, choice, text, whole
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Hit, Kind, Values, Words


def _checks(cells: Cells, _: Context) -> Iterator[DaysWithin | Apart]:
    if cells["max_days"] is not None:
        yield DaysWithin(cells["max_days"])
    elif cells["min_interval_days"] is not None:
        yield Apart(cells["min_interval_days"])


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if (cells["max_days"] is None) == (cells["min_interval_days"] is None):
        yield (
            "max_days",
            "fill either max_days or min_interval_days; two limits are two rows",
            "max_days 与 min_interval_days 须填且只填其一；两个限制写两行",
        )


def _say(values: Values, hit: Hit) -> Values:
    given = f"{hit.measured:g}"
    if "max_days" in values:
        per_zh, per_en = (
            ("一个疗程", "in a course") if values.get("per") == "course" else ("单次住院", "in a stay")
        )
        limit = values["max_days"]
        return {
            "limit_zh": f"{per_zh}支付不超过{limit}天，本次已用{given}天",
            "limit_en": f"is paid for up to {limit} day(s) {per_en}; "
            f"it was given on {given} day(s) of this stay",
        }
    limit = values["min_interval_days"]
    return {
        "limit_zh": f"间隔不短于{limit}天，已记录的最短间隔为{given}天",
        "limit_en": f"is paid at intervals of {limit} days or more; the shortest recorded is {given}",
    }


KIND = Kind(
    name="course",
    title_zh="限支付疗程",
    title_en="for a number of days",
    finding_class=FindingClass.ORDER,
    subclass="course",
    official_type="药品限支付疗程",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_time", "self_paid"),
    columns=(
        *(*ITEM_CODES, text("name"), whole("max_days", low=1, high=3660)),
        *(choice("per", ("stay", "course"), required=False), whole("min_interval_days", low=1, high=3660)),
    ),
    key=("codes", "match", "max_days", "per", "min_interval_days"),
    triggers=item_triggers,
    checks=_checks,
    check_row=_check_row,
    say=_say,
    overrides=("clinical_need", "patient_pays", "data_wrong"),
    words=Words(
        zh="{name}{limit_zh}",
        en="{name} {limit_en}",
        resolve_zh="停用、改为自费，或写明继续使用的原因",
        resolve_en="stop it, charge it to the patient, or state why it goes on",
    ),
)
