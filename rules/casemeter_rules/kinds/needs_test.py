"""Drugs and items that are paid after a screening or test was done."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Present
from casemeter_rules.columns import text, words
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import also, given
from casemeter_rules.orders import mentioned, parts, spoken


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    looked_for = parts(values["test_words"])
    others = [item.name for item in stay.items or () if item.place not in hit.places]
    if mentioned(looked_for, others):
        return None
    if stay.tests is None:
        return Undecided("tests")
    return None if mentioned(looked_for, stay.tests) else hit


def _say(values: Values, _: Hit) -> Values:
    zh, en = spoken(parts(values["test_words"]))
    return {"tests_zh": values.get("test") or zh, "tests_en": en}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    untested = given(values, tests=())
    yield Example(True, untested)
    for word in parts(values["test_words"]):
        yield Example(False, untested._replace(tests=(word,)))
        yield Example(False, also(untested, "-", name=word))


KIND = Kind(
    name="needs_test",
    title_zh="须经筛查或检查",
    title_en="after a screening or test",
    finding_class=FindingClass.ORDER,
    subclass="needs_test",
    tier=Tier.WARN,
    phases=CARE,
    facts=("tests", "items", "self_paid"),
    columns=(*ITEM_CODES, text("name"), text("test"), words("test_words", required=True)),
    key=("codes", "match", "test_words"),
    triggers=item_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("patient_pays", "specialist", "data_wrong"),
    words=Words(
        zh="{name}须经{tests_zh}，未见相应记录",
        en="{name} is paid after a screening or test ({tests_en}); none is recorded",
        resolve_zh="完成或补录筛查、检查结果，否则按自费处理",
        resolve_en="do or record the screening; else charge it to the patient",
    ),
)
