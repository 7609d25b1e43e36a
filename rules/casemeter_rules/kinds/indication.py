"""Drugs and items that are paid for certain diseases only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from casemeter_grouper.dictionary import Dictionary
from casemeter_rules.checks import Needs, Slot
from casemeter_rules.codes import CodeSet, Key, Space
from casemeter_rules.columns import Cells, codes, text, words
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Hit, Kind, Values, Words

_HISTORIES = tuple(f"Z{number}" for number in range(80, 88))
"""Family and personal histories name diseases that the patient does not have."""


def _checks(cells: Cells, context: Context) -> Iterator[Needs]:
    named = diagnoses_named(cells["diagnosis_words"], context.dictionary)
    yield Needs(Slot.ANY_DIAGNOSIS, CodeSet(named | frozenset(cells["diagnosis_prefixes"])))


@lru_cache(maxsize=4096)
def diagnoses_named(named: tuple[str, ...], dictionary: Dictionary) -> frozenset[Key]:
    """Return the diagnoses whose name holds one of some words."""
    return frozenset(
        Key(Space.DIAGNOSIS, code)
        for code, name in dictionary.diagnoses.items()
        if any(word in name for word in named) and not code.startswith(_HISTORIES)
    )


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if not cells["diagnosis_words"] and not cells["diagnosis_prefixes"]:
        yield (
            "diagnosis_words",
            "no disease is named: fill diagnosis_words or diagnosis_prefixes",
            "没有写明适应症",
        )


def _say(values: Values, _: Hit) -> Values:
    phrase = values.get("phrase", "")
    named = "、".join(
        part
        for key in ("diagnosis_words", "diagnosis_prefixes")
        for part in values.get(key, "").split("|")
        if part
    )
    return {"diagnoses_zh": phrase or f"{named}使用", "diagnoses_en": f"certain diseases ({named})"}


KIND = Kind(
    name="indication",
    title_zh="限适应症",
    title_en="for certain diseases",
    finding_class=FindingClass.ORDER,
    subclass="indication",
    official_type="药品限适应症",
    tier=Tier.WARN,
    phases=CARE,
    facts=("diagnoses", "items"),
    columns=(
        *(*ITEM_CODES, text("name"), words("diagnosis_words")),
        *(codes("diagnosis_prefixes", Space.DIAGNOSIS, required=False, prefix=True), text("phrase")),
    ),
    key=("codes", "match", "diagnosis_words", "diagnosis_prefixes"),
    triggers=item_triggers,
    checks=_checks,
    check_row=_check_row,
    say=_say,
    overrides=("diagnosis_pending", "patient_pays", "specialist"),
    words=Words(
        zh="{name}限{diagnoses_zh}，已记录的诊断中没有",
        en="{name} is paid for {diagnoses_en}; no recorded diagnosis is one",
        resolve_zh="若确有该诊断请补录，否则按自费处理或停用",
        resolve_en="record the diagnosis if there is one; else charge it to the patient, or take it out",
    ),
)
