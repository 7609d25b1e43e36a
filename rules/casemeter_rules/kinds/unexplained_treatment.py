"""Treatments that a diagnosis explains, and no such diagnosis."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, codes, text
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Kind, Words


def _triggers(cells: Cells, _: Context) -> tuple[Key, ...]:
    found: tuple[Key, ...] = (*cells["procedure_prefixes"], *cells["item_codes"])
    return found


def _checks(cells: Cells, _: Context) -> Iterator[Needs]:
    yield Needs(Slot.ANY_DIAGNOSIS, CodeSet(frozenset(cells["diagnosis_prefixes"])))


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if not cells["procedure_prefixes"] and not cells["item_codes"]:
        yield (
            "procedure_prefixes",
            "no treatment is named: fill procedure_prefixes or item_codes",
            "没有写明治疗",
        )


KIND = Kind(
    name="unexplained_treatment",
    title_zh="诊疗无相应诊断",
    title_en="treatment without a diagnosis",
    finding_class=FindingClass.GROUPING,
    subclass="unexplained_treatment",
    official_type="诊断编码与手术操作编码不符",
    tier=Tier.HINT,
    phases=CODING,
    facts=("diagnoses", "procedures", "items"),
    columns=(
        codes("procedure_prefixes", Space.PROCEDURE, required=False, prefix=True),
        codes("item_codes", Space.ITEM, required=False, prefix=True),
        codes("diagnosis_prefixes", Space.DIAGNOSIS, prefix=True),
        *(text("name", required=True), text("source", required=True)),
    ),
    key=("procedure_prefixes", "item_codes", "diagnosis_prefixes"),
    triggers=_triggers,
    checks=_checks,
    check_row=_check_row,
    overrides=("record_supports_coding", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{recorded}（{name}）没有可以解释它的诊断",
        en="no recorded diagnosis explains {recorded} ({name})",
        resolve_zh="核对该操作是否实施，或诊断是否遗漏",
        resolve_en="check whether it was done, or a diagnosis was left out",
    ),
)
