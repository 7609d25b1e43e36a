"""Diagnoses that come with another one: a delivery with its outcome, twins with a multiple pregnancy."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.coding.examples import coded, first_of, page
from casemeter_rules.coding.fields import in_case
from casemeter_rules.coding.ranges import RANGE, range_triggers, within, written
from casemeter_rules.columns import Cells, code_text, codes, text
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Values, Words


def _checks(cells: Cells, _: Context) -> Iterator[Needs]:
    yield Needs(Slot.ANY_DIAGNOSIS, CodeSet(frozenset(cells["needs_prefix"])))


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | None:
    first = values.get("unless_from", "")
    last = values.get("unless_to", first)
    if first and any(within(each.code, first, last) for each in in_case(stay)):
        return None
    return hit


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if cells["unless_to"] and not cells["unless_from"]:
        yield "unless_to", "a range has no beginning: fill unless_from", "区间没有起点"


def _say(values: Values, _: Hit) -> Values:
    return {
        "range": written(values),
        "needed": "、".join(values["needs_prefix"].split("|")),
        "because_zh": f"（{values['reason']}）" if "reason" in values else "",
        "because_en": f" ({values['reason']})" if "reason" in values else "",
    }


def _examples(values: Values, context: Context) -> Iterator[Example]:
    own = first_of(values, context)
    if own and "unless_from" in values:
        yield Example(False, page(diagnoses=(*own, coded(values["unless_from"], 1))))


KIND = Kind(
    name="needs_other_diagnosis",
    title_zh="缺少配对诊断",
    title_en="a diagnosis that comes with another",
    finding_class=FindingClass.GROUPING,
    subclass="missing_pair",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(
        *(*RANGE, code_text("unless_from", Space.DIAGNOSIS, required=False)),
        code_text("unless_to", Space.DIAGNOSIS, required=False),
        *(codes("needs_prefix", Space.DIAGNOSIS, prefix=True), text("reason"), text("subclass")),
    ),
    key=("code_from", "code_to", "unless_from", "unless_to", "needs_prefix"),
    triggers=range_triggers,
    checks=_checks,
    confirm=_confirm,
    examples=_examples,
    check_row=_check_row,
    say=_say,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="有{recorded}而没有与之配对的{needed}{because_zh}",
        en="{recorded} is recorded without {needed}, which comes with it{because_en}",
        resolve_zh="核对病历，确认两者何者有误或遗漏",
        resolve_en="check the record: one of the two is wrong or left out",
    ),
)
