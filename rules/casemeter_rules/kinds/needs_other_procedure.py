"""Procedures whose codes come with another one, as the classification says."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, code_text, codes, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Hit, Kind, Values, Words


def _checks(cells: Cells, _: Context) -> Iterator[Needs]:
    yield Needs(Slot.ANY_PROCEDURE, CodeSet(frozenset(cells["needs_prefix"])))


def _say(values: Values, _: Hit) -> Values:
    return {"needed": "、".join(values["needs_prefix"].split("|"))}


KIND = Kind(
    name="needs_other_procedure",
    title_zh="缺少附加操作编码",
    title_en="a procedure that comes with another",
    finding_class=FindingClass.GROUPING,
    subclass="missing_procedure_pair",
    official_type="手术操作编码异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("procedures",),
    columns=(
        *(code_text("code_prefix", Space.PROCEDURE), codes("needs_prefix", Space.PROCEDURE, prefix=True)),
        text("reason", required=True),
    ),
    key=("code_prefix", "needs_prefix"),
    triggers=lambda cells, _: [Key(Space.PROCEDURE, cells["code_prefix"], True)],
    checks=_checks,
    say=_say,
    overrides=("data_will_be_corrected", "record_supports_coding", "does_not_apply"),
    words=Words(
        zh="{recorded}另需{reason}的编码（{needed}）",
        en="{recorded} comes with a further code: {reason} ({needed})",
        resolve_zh="核对手术记录",
        resolve_en="check the operation record",
    ),
)
