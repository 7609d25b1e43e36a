"""Drugs that are paid after another treatment has failed."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_grouper.codes import normalise
from casemeter_rules.checks import Excludes, Present, Slot
from casemeter_rules.codes import Key, Space
from casemeter_rules.columns import Cells, text, words
from casemeter_rules.common import ITEM_CODES, item_triggers
from casemeter_rules.diseases import DISEASES, disease_codes
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.order_examples import also, given
from casemeter_rules.orders import hit_by, items_of, mentioned, parts, spoken


def _checks(cells: Cells, context: Context) -> Iterator[Excludes | Present]:
    diseases = disease_codes(cells, context)
    if cells["diagnosis_words"] or cells["diagnosis_prefixes"]:
        # For other diseases the drug may be the first choice; what it is paid for there is an indication.
        yield Excludes(Slot.ANY_DIAGNOSIS, diseases)
    else:
        yield Present()


def _confirm(stay: Stay, values: Values, _: Sets, hit: Hit) -> Hit | Undecided | None:
    own = items_of(stay, hit)
    looked_for = parts(values.get("prior_words"))
    codes = frozenset(item.code for item in own)
    others = [item.name for item in stay.items or () if item.code not in codes]
    if looked_for and mentioned(looked_for, others):
        return None
    if stay.prior_treatments is None:
        return Undecided("prior_treatments")
    if mentioned(looked_for, stay.prior_treatments) if looked_for else stay.prior_treatments:
        return None
    return hit_by(own, hit)


def _say(values: Values, _: Hit) -> Values:
    zh, en = spoken(parts(values.get("prior_words")))
    return {"tried_zh": f"（{zh}）" if zh else "", "tried_en": f" ({en})" if en else ""}


def _examples(values: Values, context: Context) -> Iterator[Example]:
    cells = {
        "diagnosis_words": parts(values.get("diagnosis_words")),
        "diagnosis_prefixes": [
            Key(Space.DIAGNOSIS, normalise(code), prefix=True)
            for code in parts(values.get("diagnosis_prefixes"))
        ],
    }
    diseases = disease_codes(cells, context).keys
    first = given(values, prior_treatments=())
    if diseases:
        first = first._replace(diagnoses=(first.diagnoses[0]._replace(code=min(diseases).text),))
    yield Example(True, first)
    for word in parts(values.get("prior_words")) or ("-",):
        yield Example(False, first._replace(prior_treatments=(word,)))
        if "prior_words" in values:
            yield Example(False, also(first, "-", name=word))


KIND = Kind(
    name="second_line",
    title_zh="限二线使用",
    title_en="after another treatment",
    finding_class=FindingClass.ORDER,
    subclass="second_line",
    official_type="药品限二线使用",
    tier=Tier.WARN,
    phases=CARE,
    facts=("prior_treatments", "items", "diagnoses", "self_paid"),
    columns=(*ITEM_CODES, text("name"), words("prior_words"), *DISEASES),
    key=("codes", "match", "prior_words", "diagnosis_words", "diagnosis_prefixes"),
    triggers=item_triggers,
    checks=_checks,
    confirm=_confirm,
    examples=_examples,
    say=_say,
    overrides=("allergy_to_alternative", "patient_pays", "specialist", "data_wrong"),
    words=Words(
        zh="{name}限二线使用，既往治疗中未见一线治疗{tried_zh}的记录",
        en="{name} is paid after a first treatment has failed; none{tried_en} is among the prior treatments",
        resolve_zh="补录既往治疗情况，否则按自费处理或更换",
        resolve_en="record what was tried before; else charge it to the patient, or change it",
    ),
)
