"""Parts of the page that hold codes of one chapter: external causes, morphology."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.page import on_page
from casemeter_rules.columns import choice, words
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    beginnings = tuple(values["beginnings"].split("|"))
    for diagnosis in on_page(stay, values["part"]):
        code = diagnosis.code.removeprefix(UNUSABLE)
        if not code.upper().startswith(beginnings):
            yield Hit((diagnosis.place,), (code,))


def _examples(values: Values, _: Context) -> Iterator[Example]:
    beginnings = values["beginnings"].split("|")
    other = next(sign for sign in "A0Z" if not sign.startswith(tuple(beginnings)))
    for code in (*beginnings, other):
        own = coded(code, 1, role="", kind=values["part"])
        yield Example(code == other, page(diagnoses=(*page().diagnoses, own)))


KIND = Kind(
    name="kind_code",
    title_zh="编码填写位置",
    title_en="codes and their place on the page",
    finding_class=FindingClass.VALIDITY,
    subclass="code_place",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(choice("part", ("external_cause", "pathology")), words("beginnings", required=True)),
    key=("part", "beginnings"),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{recorded}不是{part_zh}编码",
        en="{recorded} is no code of {part_en}",
        resolve_zh="核对编码与填写位置",
        resolve_en="check the code and where it is written",
    ),
)
