"""Cost of the stay that lies outside it: paid as outpatient care during the stay, or by the patient alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from casemeter_rules import earlier
from casemeter_rules.codes import Space
from casemeter_rules.columns import Cells, choice, decimal, whole
from casemeter_rules.earlier_examples import TODAY, elsewhere, parts, passing, person, visited
from casemeter_rules.facts import MINUTES_PER_DAY, EarlierStay, Item, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CARE, Context, Example, Hit, Kind, Sets, Undecided, Values, Words

_PER_CENT: Final = 100
_PAYS_ALL: Final = "self_pay"


def _decide(stay: Stay, values: Values, sets: Sets) -> Iterator[Hit | Undecided]:
    if values["to"] == "outpatient":
        return _to_outpatient(stay, values, sets)
    return _to_patient(stay, float(values["max_share"]))


def _to_outpatient(stay: Stay, values: Values, sets: Sets) -> Iterator[Hit | Undecided]:
    visits = earlier.history(stay)
    if isinstance(visits, Undecided):
        yield visits
        return
    this = earlier.as_visit(stay)
    edge = int(values.get("edge_days", "1"))
    first, last = this.admission_day + edge, this.discharge_day - edge
    met: list[EarlierStay] = []
    missing: Undecided | None = None
    for visit in visits:
        if visit.kind != "outpatient" or not first <= visit.admission_day <= last:
            continue
        answer = earlier.all_of(
            (
                earlier.in_scope(visit, this, values),
                earlier.negated(earlier.excused(None, visit, values, sets)),
            )
        )
        if isinstance(answer, Undecided):
            missing = missing or answer
        elif answer:
            met.append(visit)
    if met:
        met.sort(key=lambda visit: (visit.admission_day, visit.place))
        days = list(dict.fromkeys(earlier.written(visit.admission_day) for visit in met))
        yield Hit(
            places=tuple(visit.place for visit in met),
            ids=tuple(earlier.named(visit) for visit in met),
            values={
                "shifted_zh": f"住院期间有门诊就诊记录（{'、'.join(days)}）",
                "shifted_en": f"outpatient visits are recorded during the stay ({', '.join(days)})",
                "check_zh": "请核对其费用是否属于本次住院",
                "check_en": "please check whether their charges belong to the stay",
            },
        )
    elif missing:
        yield missing


def _to_patient(stay: Stay, most: float) -> Iterator[Hit | Undecided]:
    if stay.insurance is None:
        yield Undecided("insurance")
        return
    if stay.insurance == _PAYS_ALL:
        return
    if stay.items is None:
        yield Undecided("items")
        return
    charges = [item for item in stay.items if not item.ordered and item.amount_fen > 0]
    total = sum(item.amount_fen for item in charges)
    own = [item for item in charges if item.self_paid]
    paid = sum(item.amount_fen for item in own)
    unknown = sum(item.amount_fen for item in charges if item.self_paid is None)
    limit = most * total / _PER_CENT
    if paid > limit:
        share = paid * _PER_CENT / total
        yield Hit(
            places=tuple(item.place for item in own),
            codes=tuple(dict.fromkeys(item.code for item in own if item.code)),
            measured=share,
            ids=tuple(item.id or item.place for item in own),
            values={
                "shifted_zh": f"患者自费项目占本次费用的{share:.0f}%，提示值为{most:g}%",
                "shifted_en": f"the patient alone pays {share:.0f} % of the charges, above {most:g} %",
                "check_zh": "请核对是否有应由医保支付的项目",
                "check_en": "please check whether the insurance should pay for some of them",
            },
        )
    elif paid + unknown > limit:
        yield Undecided("item_self_paid")


def _band(_: Values, share: float) -> str:
    return f"{int(share // 10) * 10}%"


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    share = cells["max_share"]
    if cells["to"] == "patient" and share is None:
        yield "max_share", "cost shifted to the patient needs a limit", "转嫁给患者的费用需填写 max_share"
    if cells["to"] == "outpatient" and share is not None:
        yield "max_share", "only of cost shifted to the patient", "仅用于转嫁给患者的费用"
    if share is not None and share >= _PER_CENT:
        yield "max_share", "a share below 100 (%)", "占比应小于 100（%）"


def _examples(values: Values, context: Context) -> Iterator[Example]:
    if values["to"] == "patient":
        yield from _paid_alone(float(values["max_share"]))
        return
    edge = int(values.get("edge_days", "1"))
    last = TODAY + 2 * edge
    stay = person(discharge=last * MINUTES_PER_DAY + 480, now=last * MINUTES_PER_DAY + 480)
    for day in (TODAY + edge - 1, TODAY + edge, last - edge, last - edge + 1):
        seen = visited(0, day, day, kind="outpatient")
        yield Example(TODAY + edge <= day <= last - edge, stay._replace(earlier=(seen,)))
    seen = visited(0, TODAY + edge, TODAY + edge, kind="outpatient")
    yield Example(False, stay._replace(earlier=(seen._replace(kind="inpatient"),)))
    yield from passing(elsewhere(stay._replace(earlier=(seen,)), values))
    for name in parts(values.get("exempt_sets", "")):
        key = min(context.sets[name].keys)
        done = key.space is Space.PROCEDURE
        other = seen._replace(procedures=(key.text,)) if done else seen._replace(diagnoses=(key.text,))
        yield Example(False, stay._replace(earlier=(other,)))


def _paid_alone(most: float) -> Iterator[Example]:
    total = 1_000_000 * _PER_CENT
    within = int(most * 1_000_000)
    for own in (within, within + 1):
        charges = (
            Item("1", "encounter.charges.lines[0]", amount_fen=own, self_paid=True),
            Item("2", "encounter.charges.lines[1]", amount_fen=total - own, self_paid=False),
        )
        yield Example(own > within, Stay(items=charges, insurance="employee"))
        yield Example(False, Stay(items=charges, insurance=_PAYS_ALL))


KIND = Kind(
    name="shifted_cost",
    title_zh="住院费用转移",
    title_en="cost outside the stay",
    finding_class=FindingClass.INTEGRITY,
    subclass="shifted_cost",
    tier=Tier.HINT,
    phases=CARE,
    facts=("person", "earlier", "admission", "campus", "insurance", "items", "item_self_paid"),
    columns=(
        *(choice("to", ("outpatient", "patient")), whole("edge_days", high=7), decimal("max_share")),
        *earlier.COLUMNS,
    ),
    key=("to", "edge_days", "max_share", *earlier.KEY),
    sets=earlier.SET_COLUMNS,
    decide=_decide,
    examples=_examples,
    check_row=_check_row,
    band=_band,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{shifted_zh}；{check_zh}",
        en="{shifted_en}; {check_en}",
        resolve_zh="属于本次住院的费用并入住院结算；与本次住院无关的，请写明",
        resolve_en="bill what belongs to the stay with the stay; if it has nothing to do with it, say so",
    ),
)
