"""Moments that follow each other: birth, admission, operation, intensive care, discharge, settlement."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import in_order, page
from casemeter_rules.coding.moments import chain, out_of_order
from casemeter_rules.columns import Column, text
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _chain(cell: str) -> str:
    chain(cell)
    return cell


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    yield from out_of_order(stay, chain(values["chain"]))


def _examples(values: Values, _: Context) -> Iterator[Example]:
    yield from in_order(chain(values["chain"]), page())


KIND = Kind(
    name="time_order",
    title_zh="时间顺序",
    title_en="order of times",
    finding_class=FindingClass.VALIDITY,
    subclass="time_order",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("admission", "discharge", "procedures", "segments", "fields"),
    columns=(Column("chain", _chain, required=True), text("name", required=True), text("subclass")),
    key=("chain",),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{name}先后不符：{later}早于{earlier}",
        en="times are out of order ({chain}): {later} comes before {earlier}",
        resolve_zh="核对各时间",
        resolve_en="check the times",
    ),
)
