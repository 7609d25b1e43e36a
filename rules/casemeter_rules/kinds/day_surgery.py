"""Day surgery: an operation, and a stay of a day."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import page
from casemeter_rules.columns import Cells, choice, whole
from casemeter_rules.facts import Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    if stay.visit_kind is None:
        yield Undecided("visit_kind")
    elif stay.visit_kind != "day_surgery":
        return
    elif values["check"] == "no_procedure":
        if not stay.procedures:
            yield Hit(("encounter.visit_kind",), finding_class=FindingClass.COMPLETENESS)
    elif stay.admission is None or stay.discharge is None:
        yield Undecided("admission" if stay.admission is None else "discharge")
    else:
        hours = (stay.discharge - stay.admission) / 60
        if hours > int(values["most_hours"]):
            yield Hit(("encounter.visit_kind",), measured=hours)


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if cells["check"] == "too_long" and cells["most_hours"] is None:
        yield "most_hours", "a limit is needed", "需要填写时限"


def _examples(values: Values, _: Context) -> Iterator[Example]:
    stay = page(visit_kind="day_surgery")
    done = stay._replace(procedures=(Procedure("1", "encounter.procedures[0]"),))
    if values["check"] == "no_procedure":
        yield Example(True, stay)
        yield Example(False, done)
        yield Example(False, page())
        return
    for late in (0, 1):
        discharge = (done.admission or 0) + int(values["most_hours"]) * 60 + late
        yield Example(late > 0, done._replace(discharge=discharge))
        yield Example(False, done._replace(discharge=discharge, visit_kind="inpatient"))


KIND = Kind(
    name="day_surgery",
    title_zh="日间手术",
    title_en="day surgery",
    finding_class=FindingClass.VALIDITY,
    subclass="day_surgery",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("visit_kind", "procedures", "admission", "discharge"),
    columns=(choice("check", ("no_procedure", "too_long")), whole("most_hours", high=240)),
    key=("check", "most_hours"),
    decide=_decide,
    examples=_examples,
    check_row=_check_row,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="日间手术{check_zh}",
        en="day surgery {check_en}",
        resolve_zh="核对住院医疗类型、手术操作与入出院时间",
        resolve_en="check the kind of stay, the procedures and the times",
    ),
)
