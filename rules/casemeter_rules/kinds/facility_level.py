"""Drugs and items for hospitals from a level on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from casemeter_rules.checks import Between
from casemeter_rules.columns import CellError, Cells, Column, choice, text, whole
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import given
from casemeter_rules.orders import items_of, mentioned

_EXCEPTION = re.compile(r"[^=|]+=[123]\Z")


def _exceptions(cell: str) -> dict[str, int]:
    parts = [part.strip() for part in cell.split("|")]
    if not all(_EXCEPTION.match(part) for part in parts):
        raise CellError(
            "kinds of hospitals with their own level, | between them",
            "机构类别=级别，以 | 分隔",
            "眼科专科医院=2",
        )
    return {kind.strip(): int(level) for kind, level in (part.split("=") for part in parts)}


def _checks(cells: Cells, _: Context) -> Iterator[Between]:
    yield Between("facility_level", low=cells["level_min"])


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    own = _exceptions(values["kind_levels"]) if "kind_levels" in values else {}
    level = own.get(stay.facility_kind)
    if level is not None and stay.facility_level is not None and stay.facility_level >= level:
        return None
    if values.get("prescription") != "first":
        return hit
    if stay.prior_treatments is None:
        return Undecided("prior_treatments")
    known = [name for name in (values.get("name", ""), *(item.name for item in items_of(stay, hit))) if name]
    return None if mentioned(known, stay.prior_treatments) else hit


def _say(values: Values, _: Hit) -> Values:
    first = values.get("prescription") == "first"
    return {
        "first_zh": "首次处方" if first else "",
        "first_en": " for the first prescription" if first else "",
    }


def _examples(values: Values, _: Context) -> Iterator[Example]:
    least, name = int(values["level_min"]), values.get("name", "-")
    below = given(values, {"name": name}, facility_level=least - 1, prior_treatments=())
    yield Example(True, below)
    yield Example(False, below._replace(facility_level=least))
    if values.get("prescription") == "first":
        yield Example(False, below._replace(prior_treatments=(name,)))
    if "kind_levels" in values:
        for kind, level in _exceptions(values["kind_levels"]).items():
            yield Example(False, below._replace(facility_kind=kind, facility_level=level))


KIND = Kind(
    name="facility_level",
    title_zh="限医疗机构级别",
    title_en="for a level of hospitals",
    finding_class=FindingClass.ORDER,
    subclass="facility_level",
    official_type="药品限医疗机构级别",
    tier=Tier.WARN,
    phases=CARE,
    facts=("facility_level", "facility_kind", "prior_treatments", "items", "self_paid"),
    columns=(
        *(*ITEM_CODES, text("name"), whole("level_min", required=True, low=1, high=3)),
        *(
            Column("kind_levels", _exceptions, empty={}),
            choice("prescription", ("any", "first"), required=False),
        ),
    ),
    key=("codes", "match", "level_min", "prescription"),
    triggers=item_triggers,
    checks=_checks,
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("patient_pays", "continued_from_before", "data_wrong"),
    words=Words(
        zh="{name}{first_zh}限{level_min_zh}及以上医疗机构，本机构为{measured}级",
        en="{name} is paid{first_en} in hospitals from level {level_min}; this one is of level {measured}",
        resolve_zh="按自费处理或更换；机构级别有误的请更正设置",
        resolve_en="charge it to the patient or change it; correct the setting if the level is wrong",
    ),
)
