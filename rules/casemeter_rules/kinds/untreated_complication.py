"""Diagnoses that mean a treatment, and no order, charge or procedure that is one."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules import relations
from casemeter_rules.checks import Present
from casemeter_rules.codes import Space, normalise_item
from casemeter_rules.columns import Cells, codes, text, words
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Hit, Kind, Sets, Undecided, Values, Words


def _listed(values: Values, column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in values.get(column, "").split("|") if part.strip())


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    if any(each.code.startswith(_listed(values, "procedure_prefixes")) for each in stay.procedures):
        return None
    if stay.items is None:
        return Undecided("items")
    item_codes = tuple(map(normalise_item, _listed(values, "item_codes")))
    item_words = _listed(values, "item_words")
    for item in stay.items:
        if item.code.startswith(item_codes) or any(word in item.name for word in item_words):
            return None
    # Without codes and names the charges cannot tell.
    if any(not item.code or (item_words and not item.name) for item in stay.items):
        return Undecided("items")
    return hit


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if not cells["procedure_prefixes"] and not cells["item_codes"] and not cells["item_words"]:
        yield (
            "procedure_prefixes",
            "no treatment is named: fill procedure_prefixes, item_codes or item_words",
            "没有写明治疗",
        )


KIND = Kind(
    name="untreated_complication",
    title_zh="诊断无相应诊疗",
    title_en="diagnosis without its treatment",
    finding_class=FindingClass.GROUPING,
    subclass="untreated_complication",
    official_type="疾病诊断编码异常",
    tier=Tier.HINT,
    phases=CODING,
    facts=("diagnoses", "procedures", "items"),
    columns=(
        codes("diagnosis_prefixes", Space.DIAGNOSIS, prefix=True),
        codes("procedure_prefixes", Space.PROCEDURE, required=False, prefix=True),
        codes("item_codes", Space.ITEM, required=False, prefix=True),
        *(words("item_words"), text("name", required=True), text("source", required=True)),
    ),
    key=("diagnosis_prefixes", "procedure_prefixes", "item_codes", "item_words"),
    triggers=lambda cells, _: cells["diagnosis_prefixes"],
    checks=lambda _cells, _context: [Present()],
    confirm=_confirm,
    examples=relations.examples,
    check_row=_check_row,
    overrides=("record_supports_coding", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="诊断{recorded}没有与之相应的{name}的操作、医嘱或收费",
        en="{recorded} is recorded; no procedure, order or charge of its treatment ({name}) is",
        resolve_zh="核对该诊断是否成立，或诊疗记录是否遗漏",
        resolve_en="check whether the diagnosis holds, or the treatment was left out",
    ),
)
