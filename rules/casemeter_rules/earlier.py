"""What rules about a person's earlier stays share: which of them count, and what sets one aside."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from typing import Final

from casemeter_rules.codes import CodeSet
from casemeter_rules.columns import EPOCH, Column, choice, choices, words
from casemeter_rules.facts import MINUTES_PER_DAY, EarlierStay, Phase, Stay
from casemeter_rules.kind import Sets, Undecided, Values
from casemeter_rules.recorded import UNUSABLE

Answer = bool | Undecided
"""Yes, no, or the fact that is missing."""

CATEGORY: Final = 3
"""So many characters of a diagnosis code are its category."""

TRANSFER: Final = "2"
WITHOUT_ORDER: Final = "4"

CIRCUMSTANCES: Final = ("planned", "planned_surgery", "campus_transfer", "left_without_order")
"""What may set a return aside, beside codes:

- planned: a return was planned when the earlier stay ended
- planned_surgery: it was planned, and this stay has a procedure (staged surgery)
- campus_transfer: the earlier stay ended with a transfer, and this one is at another campus
- left_without_order: the patient had left without the physician's order
"""

SET_COLUMNS: Final = ("exempt_sets",)

COLUMNS: Final[tuple[Column, ...]] = (
    *(words("exempt_sets"), choices("exempt_when", CIRCUMSTANCES, required=False)),
    *(choice("scope", ("any", "campus"), required=False), choices("phases", tuple(Phase), required=False)),
)
"""Columns of every table about earlier stays.

- exempt_sets: sets of ``code_sets.csv``; a principal diagnosis or a procedure in one sets a stay aside
- exempt_when: some of :data:`CIRCUMSTANCES`
- scope: only stays at the same campus count, or any that were sent (empty: any)
- phases: where they are others than the kind's
"""

KEY: Final = ("exempt_sets", "exempt_when", "scope")


def history(stay: Stay) -> tuple[EarlierStay, ...] | Undecided:
    """Return earlier stays and visits, or what is missing. They count only where a person key joined them."""
    if not stay.person:
        return Undecided("person")
    if stay.earlier is None:
        return Undecided("earlier")
    if stay.admission is None:
        return Undecided("admission")
    return stay.earlier


def as_visit(stay: Stay) -> EarlierStay:
    """Return the stay itself in the form of the earlier ones; its day of admission must be known."""
    assert stay.admission is not None
    end = stay.now if stay.discharge is None else stay.discharge
    return EarlierStay(
        place="encounter",
        campus=stay.campus,
        admission_day=stay.admission // MINUTES_PER_DAY,
        discharge_day=end // MINUTES_PER_DAY,
        group=stay.group,
        diagnoses=in_case(stay),
        procedures=tuple(procedure.code for procedure in stay.procedures),
        discharge_way=stay.discharge_way,
    )


def in_case(stay: Stay) -> tuple[str, ...]:
    """Return the diagnoses of the case, the principal one first; empty: there is no principal one."""
    principal = [diagnosis.code for diagnosis in stay.diagnoses if diagnosis.role == "principal"]
    others = [diagnosis.code for diagnosis in stay.diagnoses if diagnosis.role == "other"]
    return (*principal, *others) if principal else ()


def all_of(answers: Iterable[Answer]) -> Answer:
    """Return whether all hold: one that does not decides, whatever is missing for the rest."""
    missing: Undecided | None = None
    for answer in answers:
        if isinstance(answer, Undecided):
            missing = missing or answer
        elif not answer:
            return False
    return missing or True


def any_of(answers: Iterable[Answer]) -> Answer:
    """Return whether one holds: it decides, whatever is missing for the rest."""
    return negated(all_of(negated(answer) for answer in answers))


def negated(answer: Answer) -> Answer:
    """Return the opposite; what is missing stays missing."""
    return answer if isinstance(answer, Undecided) else not answer


def in_scope(visit: EarlierStay, this: EarlierStay, values: Values) -> Answer:
    """Whether a visit is where the row looks."""
    if values.get("scope", "any") == "any":
        return True
    return same_campus(visit, this)


def same_campus(visit: EarlierStay, this: EarlierStay) -> Answer:
    """Whether two visits were at one campus."""
    if not visit.campus or not this.campus:
        return Undecided("campus")
    return visit.campus == this.campus


def same_category(visit: EarlierStay, this: EarlierStay) -> Answer:
    """Whether the principal diagnoses are of one category."""
    for facts, name in ((this, "diagnoses"), (visit, "earlier_diagnoses")):
        if not facts.diagnoses or facts.diagnoses[0].startswith(UNUSABLE):
            return Undecided(name)
    return visit.diagnoses[0][:CATEGORY] == this.diagnoses[0][:CATEGORY]


def same_group(visit: EarlierStay, this: EarlierStay) -> Answer:
    """Whether both are in one group."""
    if not this.group:
        return Undecided("group")
    if not visit.group:
        return Undecided("earlier_group")
    return visit.group == this.group


def excused(previous: EarlierStay | None, this: EarlierStay, values: Values, sets: Sets) -> Answer:
    """Whether a row sets a stay aside: by its codes, or by how the one before it ended.

    Args:
        previous: the stay before it; ``None``: none is known.
        this: the stay.
        values: of the row.
        sets: of the pack.
    """
    named = [name.strip() for name in values.get("exempt_sets", "").split("|") if name.strip()]
    answers = [excused_by_codes(this, [sets[name] for name in named])] if named else []
    if previous is not None:
        answers += [
            _CIRCUMSTANCE[name.strip()](previous, this)
            for name in values.get("exempt_when", "").split("|")
            if name.strip()
        ]
    return any_of(answers)


def excused_by_codes(this: EarlierStay, sets: Iterable[CodeSet]) -> Answer:
    """Whether the principal diagnosis or a procedure is in one of some sets."""
    codes = (*this.diagnoses[:1], *this.procedures)
    if any(code in codes_of for codes_of in sets for code in codes):
        return True
    if not this.diagnoses or this.diagnoses[0].startswith(UNUSABLE):
        return Undecided("diagnoses")
    if any(code.startswith(UNUSABLE) for code in this.procedures):
        return Undecided("procedures")
    return False


def _planned(previous: EarlierStay, _: EarlierStay) -> Answer:
    planned = previous.readmission_planned
    return Undecided("readmission_planned") if planned is None else planned


def _planned_surgery(previous: EarlierStay, this: EarlierStay) -> Answer:
    return all_of((bool(this.procedures), _planned(previous, this)))


def _campus_transfer(previous: EarlierStay, this: EarlierStay) -> Answer:
    way = previous.discharge_way
    transferred: Answer = Undecided("discharge_way") if way is None else way == TRANSFER
    return all_of((transferred, negated(same_campus(previous, this))))


def _left_without_order(previous: EarlierStay, _: EarlierStay) -> Answer:
    way = previous.discharge_way
    return Undecided("discharge_way") if way is None else way == WITHOUT_ORDER


_CIRCUMSTANCE: Final = dict(
    zip(CIRCUMSTANCES, (_planned, _planned_surgery, _campus_transfer, _left_without_order), strict=True)
)


def one_after_another(
    visits: Iterable[EarlierStay], this: EarlierStay
) -> Iterator[tuple[EarlierStay | None, EarlierStay]]:
    """Return each inpatient stay with the one before it, ``this`` as the last."""
    stays = [visit for visit in visits if visit.kind == "inpatient"]
    stays.sort(key=lambda visit: (visit.admission_day, visit.discharge_day, visit.place))
    yield from zip((None, *stays), (*stays, this), strict=True)


def named(visit: EarlierStay) -> str:
    """Return what a visit is called as evidence: the hospital's number of it, else its place."""
    return visit.id or visit.place


def written(day: int) -> str:
    """Return a day, in days since 1970, as YYYY-MM-DD."""
    return (EPOCH + datetime.timedelta(days=day)).isoformat()
