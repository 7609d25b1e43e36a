"""The numbers of codes that are written, and the codes that are there."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import page, written
from casemeter_rules.coding.fields import entry, in_case, number
from casemeter_rules.columns import choice, text
from casemeter_rules.facts import Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _counts(stay: Stay, counted: str) -> tuple[int, ...]:
    """Return the numbers that are right: hospitals count diagnoses of Chinese medicine, or do not."""
    if counted == "procedures":
        return (len(stay.procedures),)
    western = len(in_case(stay))
    tcm = sum(each.kind.startswith("tcm") for each in stay.diagnoses)
    return western, western + tcm


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    found = entry(stay, values["field"])
    written = None if found is None or found.says_nothing else number(found.text)
    counts = _counts(stay, values["counts"])
    if found is None or written is None:
        yield Undecided(values["field"])
    elif values["counts"] == "diagnoses" and not stay.diagnoses:
        yield Undecided("diagnoses")
    elif written not in counts:
        yield Hit((found.place,), measured=float(written), values={"real": str(counts[0])})


def _examples(values: Values, _: Context) -> Iterator[Example]:
    done = (Procedure("1", "encounter.procedures[0]"),)
    for count in (0, 1, 2):
        yield written(count != 1, {values["field"]: str(count)}, page(procedures=done))


KIND = Kind(
    name="code_count",
    title_zh="编码计数",
    title_en="number of codes",
    finding_class=FindingClass.VALIDITY,
    subclass="code_count",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields", "diagnoses", "procedures"),
    columns=(text("field", required=True), choice("counts", ("diagnoses", "procedures"))),
    key=("field", "counts"),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{counts_zh}计数填写为{measured}，实有{real}条",
        en="{measured} is written as the number of {counts_en}; there are {real}",
        resolve_zh="核对编码条数",
        resolve_en="check the number of codes",
    ),
)
