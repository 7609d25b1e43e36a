"""Items and supplies for some departments."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Present
from casemeter_rules.columns import text, words
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.facts import Item, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import ANYWHERE, CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import given
from casemeter_rules.orders import hit_by, items_of, parts, spoken


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    allowed = parts(values["departments"])
    elsewhere, unknown = [], False
    departments: dict[str, None] = {}
    for item in items_of(stay, hit):
        department = _department_of(item, stay)
        if not department:
            unknown = True
        elif department not in allowed:
            elsewhere.append(item)
            departments[department] = None
    if elsewhere:
        return hit_by(elsewhere, hit, {"department": "、".join(departments)})
    return Undecided("department") if unknown else None


def _department_of(item: Item, stay: Stay) -> str:
    """Return where the patient was when it was given; empty: unknown."""
    if item.minute is not None:
        for segment in stay.segments:
            if segment.start <= item.minute and (segment.end is None or item.minute <= segment.end):
                return segment.department
    known = {segment.department for segment in stay.segments}
    return (stay.department or "") if len(known) <= 1 or item.placing else ""


def _say(values: Values, _: Hit) -> Values:
    zh, en = spoken(parts(values["departments"]))
    return {"departments_zh": zh, "departments_en": en}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    for department in ("-", *parts(values["departments"])):
        yield Example(department == "-", given(values, department=department))


KIND = Kind(
    name="department",
    title_zh="限科室使用",
    title_en="for some departments",
    finding_class=FindingClass.ORDER,
    subclass="department",
    official_type="医疗服务项目限科室使用",
    tier=Tier.WARN,
    phases=CARE,
    facts=("department", "segments", "items", "item_time"),
    columns=(*ITEM_CODES, text("name"), words("departments", required=True)),
    key=("codes", "match", "departments"),
    positions=ANYWHERE,
    triggers=item_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("specialist", "data_wrong"),
    words=Words(
        zh="{name}限{departments_zh}科室使用，使用时所在科室为{department}",
        en="{name} is for the departments {departments_en}; the patient was in {department}",
        resolve_zh="核对开立科室，或停用该项目",
        resolve_en="check the department, or take the item out",
    ),
)
