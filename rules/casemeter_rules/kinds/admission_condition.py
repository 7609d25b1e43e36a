"""Conditions that cannot have arisen in the hospital, and what the page says of them."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Present
from casemeter_rules.coding.examples import first_of, page
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import choices, text
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    allowed = values["conditions"].split("|")
    met = [each for each in stay.diagnoses if each.place in hit.places]
    wrong = [
        each for each in met if each.admission_condition and str(each.admission_condition) not in allowed
    ]
    if wrong:
        return hit._replace(
            places=tuple(each.place for each in wrong),
            codes=tuple(dict.fromkeys(each.code for each in wrong)),
            values={"written": "、".join(dict.fromkeys(str(each.admission_condition) for each in wrong))},
        )
    if any(not each.admission_condition for each in met):
        return Undecided("admission_condition")
    return None


def _examples(values: Values, context: Context) -> Iterator[Example]:
    for own in first_of(values, context):
        for condition in range(1, 5):
            allowed = str(condition) in values["conditions"].split("|")
            yield Example(not allowed, page(diagnoses=(own._replace(admission_condition=condition),)))


KIND = Kind(
    name="admission_condition",
    title_zh="入院病情",
    title_en="condition on admission",
    finding_class=FindingClass.VALIDITY,
    subclass="admission_condition",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses", "admission_condition"),
    columns=(*RANGE, choices("conditions", ("1", "2", "3", "4")), text("reason", required=True)),
    key=("code_from", "code_to", "conditions"),
    triggers=range_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=_examples,
    overrides=("data_will_be_corrected", "record_supports_coding"),
    words=Words(
        zh="{recorded}（{reason}）的入院病情填为{written}",
        en="{recorded} ({reason}): {written} is written as its condition on admission",
        resolve_zh="核对入院病情：1有、2临床未确定、3情况不明、4无",
        resolve_en="check the condition on admission: 1 present, 2 undetermined, 3 unknown, 4 absent",
    ),
)
