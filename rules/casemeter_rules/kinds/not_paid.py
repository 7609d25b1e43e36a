"""Prepared herbs that are not paid: never, or when they are given alone."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Present
from casemeter_rules.columns import choice, text
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.facts import MINUTES_PER_DAY, Item, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import NOON, also, given
from casemeter_rules.orders import hit_by, items_of

HERBS = "T"
"""Codes of prepared herbs begin so."""


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    if values["given"] == "always":
        return hit
    alone, missing = [], ""
    for item in items_of(stay, hit):
        state = _is_alone(item, stay.items or ())
        if state is True:
            alone.append(item)
        elif state is not False:
            missing = missing or state
    if alone:
        return hit_by(alone, hit)
    return Undecided(missing) if missing else None


def _is_alone(herb: Item, items: tuple[Item, ...]) -> bool | str:
    """Whether no other herb was given on the day; the fact that is missing where that is not known."""
    others = [item for item in items if item.code.startswith(HERBS) and item.code != herb.code]
    if herb.day is not None and any(item.day == herb.day for item in others):
        return False
    if others and (herb.day is None or any(item.day is None for item in others)):
        return "item_time"
    if any(not item.code and item.day in (herb.day, None) for item in items):
        return "item_code"
    return True


def _say(values: Values, _: Hit) -> Values:
    if values["given"] == "always":
        return {"given_zh": "单方、复方均", "given_en": "alone or with others"}
    return {"given_zh": "单独使用时", "given_en": "when it is the only herb of the day"}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    alone = given(values)
    always = values["given"] == "always"
    yield Example(True, alone)
    yield Example(always, also(alone, f"{HERBS}-"))
    yield Example(True, also(alone, f"{HERBS}-", minute=NOON + MINUTES_PER_DAY))


KIND = Kind(
    name="not_paid",
    title_zh="中药饮片不予支付",
    title_en="herbs that are not paid",
    finding_class=FindingClass.ORDER,
    subclass="not_paid",
    official_type="中药饮片单方使用不予支付",
    tier=Tier.WARN,
    phases=CARE,
    facts=("items", "item_time", "self_paid"),
    columns=(*ITEM_CODES, text("name"), choice("given", ("alone", "always"))),
    key=("codes", "match", "given"),
    triggers=item_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("patient_pays", "data_wrong"),
    words=Words(
        zh="中药饮片{name}{given_zh}不予支付",
        en="the herb {name} is not paid {given_en}",
        resolve_zh="按自费处理，或调整处方",
        resolve_en="charge it to the patient, or change the prescription",
    ),
)
