"""Injuries and poisonings that come with their external cause."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Present
from casemeter_rules.coding.examples import coded, first_of, page
from casemeter_rules.coding.page import unless_on_page
from casemeter_rules.coding.ranges import RANGE, range_triggers
from casemeter_rules.columns import text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Kind, Position, Values, Words


def _examples(values: Values, context: Context) -> Iterator[Example]:
    own = first_of(values, context)
    if own:
        cause = coded("W19.X00", 1, role="", kind="external_cause")
        yield Example(True, page(diagnoses=own))
        yield Example(True, page(diagnoses=(*own, cause._replace(state="suspected"))))
        yield Example(False, page(diagnoses=(*own, cause)))


KIND = Kind(
    name="external_cause",
    title_zh="损伤、中毒的外部原因",
    title_en="external cause",
    finding_class=FindingClass.COMPLETENESS,
    subclass="external_cause",
    tier=Tier.WARN,
    phases=CODING,
    facts=("diagnoses",),
    columns=(*RANGE, text("reason")),
    key=("code_from", "code_to"),
    triggers=range_triggers,
    checks=lambda _cells, _context: [Present()],
    confirm=unless_on_page("external_cause"),
    examples=_examples,
    positions=Position.PRINCIPAL,
    overrides=("data_will_be_corrected", "not_yet_known", "does_not_apply"),
    words=Words(
        zh="主要诊断{recorded}为损伤或中毒，未填外部原因编码",
        en="the principal diagnosis {recorded} is an injury or poisoning; no external cause is recorded",
        resolve_zh="按病历补填损伤、中毒的外部原因（V01–Y98）",
        resolve_en="record the external cause (V01–Y98) as the record has it",
    ),
)
