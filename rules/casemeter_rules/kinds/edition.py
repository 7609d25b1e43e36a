"""Codes of another edition than the one that was declared, and codes of none."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.fields import in_case
from casemeter_rules.coding.page import on_page
from casemeter_rules.columns import choice
from casemeter_rules.facts import Diagnosis, Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE

_SIGNS = ("*", "+", "†")
"""End codes that are half of a pair: the table of daggers and asterisks speaks of them."""

_EDITIONS = {"insurance": ("医保版", "insurance"), "clinical": ("国家临床版", "clinical")}


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    written: list[Diagnosis] | list[Procedure]
    if values["space"] == "diagnosis":
        written, declared = [*in_case(stay), *on_page(stay, "external_cause")], stay.diagnosis_edition
    else:
        written, declared = list(stay.procedures), stay.procedure_edition
    declared = declared or "insurance"
    zh, en = _EDITIONS[declared]
    for each in written:
        sent = (each.sent or each.code).removeprefix(UNUSABLE)
        if not each.code.startswith(UNUSABLE) or sent.endswith(_SIGNS):
            continue
        if each.editions is None:
            yield Undecided("editions")
            continue
        other = [_EDITIONS[edition] for edition in each.editions if edition != declared]
        if not other:
            said = {
                "problem_zh": f"不在{zh}及其他已知版本中",
                "problem_en": f"is in neither the {en} edition nor another that is known",
            }
            yield Hit((each.place,), (sent,), values=said, subclass="unknown_code")
            continue
        said = {
            "problem_zh": f"不是{zh}编码，而是{other[0][0]}编码",
            "problem_en": f"is no code of the {en} edition but of the {other[0][1]} edition",
        }
        yield Hit((each.place,), (sent,), values=said)


def _examples(values: Values, _: Context) -> Iterator[Example]:
    for code, editions in (("?1", ()), ("?1", ("clinical",)), ("1", ("insurance",))):
        done = Procedure(code, "encounter.procedures[0]", editions=editions)
        stay = page(procedures=(done,))
        if values["space"] == "diagnosis":
            stay = page(diagnoses=(coded(code, 0, editions=editions),))
        yield Example(code.startswith(UNUSABLE), stay)


KIND = Kind(
    name="edition",
    title_zh="编码版本",
    title_en="edition of codes",
    finding_class=FindingClass.GROUPING,
    subclass="edition",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses", "procedures", "diagnosis_edition", "procedure_edition"),
    columns=(choice("space", ("diagnosis", "procedure")),),
    key=("space",),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "rule_outdated"),
    words=Words(
        zh="{recorded}{problem_zh}",
        en="{recorded} {problem_en}",
        resolve_zh="声明所用的编码版本，或改用该版本的编码",
        resolve_en="declare the edition that is used, or use a code of it",
    ),
)
