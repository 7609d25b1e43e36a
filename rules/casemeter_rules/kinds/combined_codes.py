"""Two diagnoses for which the classification has one code."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Excludes, Slot
from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.coding.examples import coded, page
from casemeter_rules.coding.fields import in_case
from casemeter_rules.columns import Cells, codes, text
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Values, Words


def _checks(cells: Cells, _: Context) -> Iterator[Excludes]:
    yield Excludes(Slot.ANY_DIAGNOSIS, CodeSet(frozenset(cells["b_codes"])))


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | None:
    combined = tuple(values["combined"].split("|"))
    return None if any(each.code.startswith(combined) for each in in_case(stay)) else hit


def _say(values: Values, _: Hit) -> Values:
    return {"code": "、".join(values["combined"].split("|"))}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    both = tuple(coded(values[column].split("|")[0], at) for at, column in enumerate(("a_codes", "b_codes")))
    yield Example(True, page(diagnoses=both))
    for code in values["combined"].split("|"):
        yield Example(False, page(diagnoses=(*both, coded(code, 2))))


KIND = Kind(
    name="combined_codes",
    title_zh="应合并编码",
    title_en="combined codes",
    finding_class=FindingClass.GROUPING,
    subclass="combined_code",
    official_type="疾病诊断编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(
        *(codes("a_codes", Space.DIAGNOSIS, prefix=True), codes("b_codes", Space.DIAGNOSIS, prefix=True)),
        *(codes("combined", Space.DIAGNOSIS, prefix=True), text("name", required=True)),
    ),
    key=("a_codes", "b_codes"),
    triggers=lambda cells, _: cells["a_codes"],
    checks=_checks,
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}分开编码，分类中有合并编码{code}（{name}）",
        en="{recorded} are coded apart; the classification has one code for both: {code} ({name})",
        resolve_zh="核对病历，两者有关联的使用合并编码",
        resolve_en="check the record; where the two belong together, use the one code",
    ),
)
