"""More stays of one person in a number of days than a limit."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules import earlier
from casemeter_rules.columns import whole
from casemeter_rules.common import limit_band
from casemeter_rules.earlier_examples import TODAY, elsewhere, passing, person, set_aside, visited
from casemeter_rules.facts import EarlierStay, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, values: Values, sets: Sets) -> Iterator[Hit | Undecided]:
    visits = earlier.history(stay)
    if isinstance(visits, Undecided):
        yield visits
        return
    this = earlier.as_visit(stay)
    after = this.admission_day - int(values["period_days"])
    met: list[EarlierStay] = []
    missing: list[Undecided] = []
    before = [visit for visit in visits if visit.admission_day <= this.admission_day]
    for previous, visit in earlier.one_after_another(before, this):
        if visit.admission_day <= after:
            continue
        counts = earlier.all_of(
            (
                visit is this or earlier.in_scope(visit, this, values),
                earlier.negated(earlier.excused(previous, visit, values, sets)),
            )
        )
        if visit is this and counts is not True:
            # The stay itself is what is asked about: one that is set aside is no reason to count the others.
            if isinstance(counts, Undecided) and len(met) + len(missing) >= int(values["most"]):
                yield counts
            return
        if isinstance(counts, Undecided):
            missing.append(counts)
        elif counts:
            met.append(visit)
    most = int(values["most"])
    if len(met) > most:
        others = [visit for visit in met if visit is not this]
        yield Hit(
            places=tuple(visit.place for visit in others),
            measured=float(len(met)),
            ids=tuple(earlier.named(visit) for visit in others),
        )
    elif len(met) + len(missing) > most:
        yield missing[0]


def _examples(values: Values, context: Context) -> Iterator[Example]:
    most, first = int(values["most"]), TODAY - int(values["period_days"]) + 1
    days = [min(first + at, TODAY) for at in range(most)]
    often = person(*(visited(at, day, day) for at, day in enumerate(days)))
    yield Example(True, often)
    yield Example(False, person(visited(0, first - 1, first), *(often.earlier or ())[1:]))
    yield from passing(set_aside(often, values, context.sets))
    yield from passing(elsewhere(often, values))


KIND = Kind(
    name="frequent_stays",
    title_zh="频繁住院",
    title_en="many stays",
    finding_class=FindingClass.INTEGRITY,
    subclass="frequent_stays",
    official_type="频繁住院",
    tier=Tier.HINT,
    phases=CODING,
    facts=("person", "earlier", "admission", "diagnoses", "campus", "discharge_way", "readmission_planned"),
    columns=(
        *(
            whole("most", required=True, low=1, high=366),
            whole("period_days", required=True, low=1, high=3660),
        ),
        *earlier.COLUMNS,
    ),
    key=("most", "period_days", *earlier.KEY),
    sets=earlier.SET_COLUMNS,
    decide=_decide,
    examples=_examples,
    band=limit_band("most"),
    overrides=("bilateral_or_staged", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="患者{period_days}天内住院{measured}次（含本次），提示值为{most}次；请核对住院必要性",
        en="the patient has been admitted {measured} times in {period_days} days, this stay included; above "
        "{most} please check that each was needed",
        resolve_zh="核对各次住院的原因；属计划内治疗的请在首页和病历中写明",
        resolve_en="check the reason for each stay; record those that were planned",
    ),
)
