"""Drugs, items and supplies that are charged only with the service they belong to."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.columns import Cells, Column, choice, codes, text
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Context, Hit, Kind, Values, Words
from casemeter_rules.orders import window_cell, window_of, window_said


def _checks(cells: Cells, _: Context) -> Iterator[Needs]:
    if cells["needs_procedures"]:
        yield Needs(Slot.ANY_PROCEDURE, CodeSet(frozenset(cells["needs_procedures"])))
    else:
        prefix = cells["needs_match"] == "prefix"
        needed = frozenset(key._replace(prefix=prefix) for key in cells["needs_codes"])
        yield Needs(Slot.ITEM, CodeSet(needed), window_of(cells["window"] or "stay"))


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if bool(cells["needs_codes"]) == bool(cells["needs_procedures"]):
        yield (
            "needs_codes",
            "fill either needs_codes or needs_procedures",
            "needs_codes 与 needs_procedures 须填且只填其一",
        )
    if cells["needs_procedures"] and cells["window"]:
        yield "window", "a window goes with needs_codes only", "时间窗只用于 needs_codes"


def _say(values: Values, _: Hit) -> Values:
    needed = values.get("needs_codes") or values.get("needs_procedures", "")
    window = values.get("window", "")
    within = window_said(window) if window else {"window_zh": "同一次住院", "window_en": "in the same stay"}
    return {**within, "needs_name": values.get("needs_name") or needed.split("|")[0]}


KIND = Kind(
    name="needs_item",
    title_zh="缺少对应的医疗服务项目",
    title_en="without the service it belongs to",
    finding_class=FindingClass.ORDER,
    subclass="needs_item",
    official_type="医用耗材与医疗服务项目不符",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "procedures", "item_time"),
    columns=(
        *(*ITEM_CODES, text("name"), codes("needs_codes", Space.ITEM, required=False)),
        *(choice("needs_match", ("exact", "prefix"), required=False), text("needs_name")),
        codes("needs_procedures", Space.PROCEDURE, required=False, prefix=True),
        Column("window", window_cell, empty=""),
    ),
    key=("codes", "match", "needs_codes", "needs_match", "needs_procedures", "window"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=_checks,
    check_row=_check_row,
    say=_say,
    overrides=("data_wrong", "does_not_apply"),
    words=Words(
        zh="已收{name}，{window_zh}未见对应的{needs_name}",
        en="{name} is charged without {needs_name}, which it belongs to ({window_en})",
        resolve_zh="补录对应的项目，或更正收费",
        resolve_en="record the service it belongs to, or correct the charge",
    ),
)
