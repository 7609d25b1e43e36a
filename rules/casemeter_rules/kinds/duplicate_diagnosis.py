"""A diagnosis that is written twice."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.fields import in_case
from casemeter_rules.columns import choice
from casemeter_rules.facts import Diagnosis, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, _values: Values, _sets: Sets) -> Iterator[Hit | Undecided]:
    by_code: dict[str, list[Diagnosis]] = {}
    for diagnosis in in_case(stay):
        by_code.setdefault(diagnosis.code, []).append(diagnosis)
    if not by_code:
        yield Undecided("diagnoses")
    for code, found in by_code.items():
        if len(found) > 1:
            yield Hit(tuple(each.place for each in found), (code,), measured=len(found))


def _examples(_values: Values, _context: Context) -> Iterator[Example]:
    for code, fires in (("I10.X00", True), ("I10.X01", False)):
        yield Example(fires, page(diagnoses=(coded("I10.X00", 0), coded(code, 1))))


KIND = Kind(
    name="duplicate_diagnosis",
    title_zh="重复诊断",
    title_en="diagnosis written twice",
    finding_class=FindingClass.GROUPING,
    subclass="duplicate_diagnosis",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(choice("same", ("code",)),),
    key=("same",),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "bilateral_or_staged"),
    words=Words(
        zh="{recorded}填写了{measured}次",
        en="{recorded} is written {measured} times",
        resolve_zh="保留一条",
        resolve_en="keep one of them",
    ),
)
