"""Charges dated before the admission or after the discharge."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from casemeter_rules.columns import EPOCH, whole
from casemeter_rules.facts import MINUTES_PER_DAY, Item, Phase, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    charges = [item for item in stay.items or () if not item.ordered]
    if not charges:
        if stay.items is None:
            yield Undecided("items")
        return
    if stay.admission is None:
        yield Undecided("admission")
        return
    first = stay.admission // MINUTES_PER_DAY - int(values.get("days_before", "0"))
    # Nothing is dated after the discharge; of a stay that goes on nothing is known yet.
    last = (
        None
        if stay.discharge is None
        else stay.discharge // MINUTES_PER_DAY + int(values.get("days_after", "0"))
    )
    dated = [(item, item.day) for item in charges if item.day is not None]
    outside = [(item, day) for item, day in dated if day < first or (last is not None and day > last)]
    if outside:
        yield Hit(
            places=tuple(item.place for item, _ in outside),
            codes=tuple(dict.fromkeys(item.code for item, _ in outside if item.code)),
            ids=tuple(item.id for item, _ in outside if item.id),
            measured=float(len(outside)),
            values={"days": "、".join(_written(day) for day in sorted({day for _, day in outside}))},
        )
    elif len(dated) < len(charges):
        yield Undecided("item_time")


def _written(day: int) -> str:
    return (EPOCH + datetime.timedelta(days=day)).isoformat()


def _examples(values: Values, _: Context) -> Iterator[Example]:
    before, after = int(values.get("days_before", "0")), int(values.get("days_after", "0"))
    first, last = before + 1, before + 3
    for day in (first - before - 1, first - before, last + after, last + after + 1):
        item = Item("1", "items[0]", minute=day * MINUTES_PER_DAY)
        outside = not first - before <= day <= last + after
        stay = Stay(
            items=(item,), admission=first * MINUTES_PER_DAY + 600, discharge=last * MINUTES_PER_DAY + 600
        )
        yield Example(outside, stay)


KIND = Kind(
    name="outside_stay",
    title_zh="计费日期与住院时间不符",
    title_en="charges outside the stay",
    finding_class=FindingClass.VALIDITY,
    subclass="outside_stay",
    official_type="计费日期与住院时间不符",
    tier=Tier.WARN,
    phases=(Phase.IN_STAY, Phase.DISCHARGE, Phase.SUBMISSION),
    facts=("items", "item_time", "admission", "discharge"),
    columns=(whole("days_before", high=30), whole("days_after", high=30)),
    key=("days_before", "days_after"),
    decide=_decide,
    examples=_examples,
    overrides=("data_wrong", "does_not_apply"),
    words=Words(
        zh="{measured}笔费用的日期（{days}）不在住院期间内",
        en="charges dated outside the stay: {measured} ({days})",
        resolve_zh="核对计费日期与出入院时间",
        resolve_en="check the dates of the charges, of admission and discharge",
    ),
)
