"""Drugs and items that are paid for certain diseases only."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.checks import Needs, Slot
from casemeter_rules.columns import Cells, text
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.diseases import DISEASES, disease_codes, diseases_said, no_disease
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import given
from casemeter_rules.orders import is_named, parts

_OPEN = frozenset(("confirmed", "suspected"))


def _checks(cells: Cells, context: Context) -> Iterator[Needs]:
    yield Needs(Slot.ANY_DIAGNOSIS, disease_codes(cells, context))


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    """Look at the diagnoses as they were written, and at those that are not confirmed yet."""
    named, prefixes = parts(values.get("diagnosis_words")), parts(values.get("diagnosis_prefixes"))
    for diagnosis in stay.diagnoses:
        if diagnosis.state not in _OPEN:
            continue
        if diagnosis.role and is_named(diagnosis, named):
            return None
        if not diagnosis.role and (is_named(diagnosis, named) or diagnosis.code.startswith(prefixes)):
            return Undecided("diagnoses")
    return hit


def _say(values: Values, _: Hit) -> Values:
    zh, en = diseases_said(values)
    phrase = values.get("phrase", "").rstrip("。").removeprefix("限").removesuffix("使用")
    return {"diagnoses_zh": phrase or zh, "diagnoses_en": en}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    for word in parts(values.get("diagnosis_words")):
        stay = given(values)
        named = stay.diagnoses[0]._replace(name=word)
        yield Example(False, stay._replace(diagnoses=(named,)))


KIND = Kind(
    name="indication",
    title_zh="限适应症",
    title_en="for certain diseases",
    finding_class=FindingClass.ORDER,
    subclass="indication",
    official_type="药品限适应症",
    tier=Tier.WARN,
    phases=CARE,
    facts=("diagnoses", "items", "self_paid"),
    columns=(*ITEM_CODES, text("name"), *DISEASES, text("phrase")),
    key=("codes", "match", "diagnosis_words", "diagnosis_prefixes"),
    triggers=item_triggers,
    checks=_checks,
    confirm=_confirm,
    examples=_examples,
    names_only=True,
    check_row=no_disease,
    say=_say,
    overrides=("diagnosis_pending", "patient_pays", "specialist"),
    words=Words(
        zh="{name}限{diagnoses_zh}使用，已记录的诊断中没有",
        en="{name} is paid for certain diseases ({diagnoses_en}); no recorded diagnosis is one",
        resolve_zh="若确有该诊断请补录，否则按自费处理或停用",
        resolve_en="record the diagnosis if there is one; else charge it to the patient, or take it out",
    ),
)
