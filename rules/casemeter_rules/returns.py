"""Admitted again soon after: what rules about one return after an earlier stay share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from casemeter_rules import earlier
from casemeter_rules.columns import Column, choice, whole, words
from casemeter_rules.earlier import Answer, all_of, any_of, negated
from casemeter_rules.facts import EarlierStay, Stay
from casemeter_rules.kind import Hit, Sets, Undecided, Values

COLUMNS: Final[tuple[Column, ...]] = (
    *(whole("within_days", required=True, high=366), choice("same", ("category", "group", "any"))),
    *(words("continuing_sets"), *earlier.COLUMNS),
)
"""Columns of tables about returns.

- within_days: from the local day of discharge to that of admission; the same day is 0
- same: what both stays have in common
- continuing_sets: principal diagnoses that continue earlier treatment, whatever it was
"""

KEY: Final = ("within_days", "same", "continuing_sets", *earlier.KEY)
SET_COLUMNS: Final = ("continuing_sets", *earlier.SET_COLUMNS)

_SAME: Final = {
    "category": ("主要诊断与该次同属一个类目", "with a principal diagnosis of the same category"),
    "group": ("与该次同入一组", "for the same group"),
    "any": ("两次住院相隔很短", "soon after the other stay"),
}


def decide(stay: Stay, values: Values, sets: Sets) -> Iterator[Hit | Undecided]:
    """Return a hit when the patient was discharged within the days of a row, and nothing sets it aside."""
    visits = earlier.history(stay)
    if isinstance(visits, Undecided):
        yield visits
        return
    this = earlier.as_visit(stay)
    within = int(values["within_days"])
    met: list[EarlierStay] = []
    missing: Undecided | None = None
    for visit in visits:
        if visit.kind != "inpatient" or not 0 <= this.admission_day - visit.discharge_day <= within:
            continue
        answer = all_of(
            (
                earlier.in_scope(visit, this, values),
                _same(visit, this, values, sets),
                negated(earlier.excused(visit, this, values, sets)),
            )
        )
        if isinstance(answer, Undecided):
            missing = missing or answer
        elif answer:
            met.append(visit)
    if met:
        yield _hit(met, this, values)
    elif missing:
        yield missing


def _same(visit: EarlierStay, this: EarlierStay, values: Values, sets: Sets) -> Answer:
    continuing = [name.strip() for name in values.get("continuing_sets", "").split("|") if name.strip()]
    answers: list[Answer] = []
    if continuing:
        principal = this._replace(procedures=())
        answers.append(earlier.excused_by_codes(principal, [sets[name] for name in continuing]))
    match values["same"]:
        case "category":
            answers.append(earlier.same_category(visit, this))
        case "group":
            answers.append(earlier.same_group(visit, this))
        case _:
            return True
    return any_of(answers)


def _hit(met: list[EarlierStay], this: EarlierStay, values: Values) -> Hit:
    met.sort(key=lambda visit: (-visit.discharge_day, visit.place))
    nearest = met[0]
    gap = this.admission_day - nearest.discharge_day
    zh, en = _SAME[values["same"]]
    if values["same"] == "category" and nearest.diagnoses[0][:3] != this.diagnoses[0][:3]:
        zh, en = "为此前治疗的延续", "to continue earlier treatment"
    return Hit(
        places=tuple(visit.place for visit in met),
        codes=this.diagnoses[:1],
        measured=float(gap),
        ids=tuple(earlier.named(visit) for visit in met),
        values={
            "discharged": earlier.written(nearest.discharge_day),
            "after_zh": f"{gap}天后" if gap else "当天",
            "after_en": "the same day" if gap == 0 else "1 day later" if gap == 1 else f"{gap} days later",
            "same_zh": zh,
            "same_en": en,
        },
    )
