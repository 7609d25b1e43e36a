"""Stays of Chinese medicine: a disease and a syndrome of Chinese medicine on the page."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.page import on_page
from casemeter_rules.columns import choice
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    if stay.tcm is None:
        yield Undecided("tcm")
    elif stay.tcm and not stay.diagnoses:
        yield Undecided("diagnoses")
    elif stay.tcm and not on_page(stay, values["needs"]):
        yield Hit(("encounter.diagnoses",))


def _examples(values: Values, _: Context) -> Iterator[Example]:
    own = coded("1", 1, role="", kind=values["needs"])
    yield Example(True, page(tcm=True))
    yield Example(False, page(tcm=True, diagnoses=(*page().diagnoses, own)))
    yield Example(False, page(tcm=False))


KIND = Kind(
    name="tcm_diagnosis",
    title_zh="中医诊断",
    title_en="diagnoses of Chinese medicine",
    finding_class=FindingClass.COMPLETENESS,
    subclass="tcm_diagnosis",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("tcm", "diagnoses"),
    columns=(choice("needs", ("tcm_disease", "tcm_syndrome")),),
    key=("needs",),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "not_yet_known", "does_not_apply"),
    words=Words(
        zh="中医住院未填{needs_zh}",
        en="a stay of Chinese medicine has no {needs_en} recorded",
        resolve_zh="按病历补填{needs_zh}",
        resolve_en="record the {needs_en} as the record has it",
    ),
)
