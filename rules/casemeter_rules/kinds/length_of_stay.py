"""The length of stay that is written, and the one that admission and discharge give."""

from __future__ import annotations

from collections.abc import Iterator

from casemeter_rules.coding.examples import DAYS, written
from casemeter_rules.coding.fields import entry, number
from casemeter_rules.coding.moments import moment
from casemeter_rules.columns import text, whole
from casemeter_rules.facts import MINUTES_PER_DAY, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    days, first, last = (entry(stay, name) for name in (values["field"], "adm_time", "dscg_time"))
    written = None if days is None or days.says_nothing else number(days.text)
    came, left = (None if found is None else moment(found) for found in (first, last))
    if days is None or written is None:
        yield Undecided(values["field"])
    elif came is None or left is None:
        yield Undecided("adm_time" if came is None else "dscg_time")
    else:
        real = max(1, left.minute // MINUTES_PER_DAY - came.minute // MINUTES_PER_DAY)
        if left.minute >= came.minute and abs(written - real) > int(values.get("tolerance", "0")):
            yield Hit((days.place,), measured=float(written), values={"real": str(real)})


def _examples(values: Values, _: Context) -> Iterator[Example]:
    more = int(values.get("tolerance", "0"))
    for days in (DAYS + more, DAYS + more + 1):
        yield written(days > DAYS + more, {values["field"]: str(days)})
    if more < DAYS:
        yield written(False, {values["field"]: str(DAYS - more)})
        yield written(True, {values["field"]: str(DAYS - more - 1)})


KIND = Kind(
    name="length_of_stay",
    title_zh="实际住院天数",
    title_en="length of stay",
    finding_class=FindingClass.VALIDITY,
    subclass="length_of_stay",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields", "admission", "discharge"),
    columns=(text("field", required=True), whole("tolerance", high=3)),
    key=("field", "tolerance"),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="住院天数填写为{measured}，按入出院日期为{real}",
        en="{measured} days are written as the length of stay; admission and discharge give {real}",
        resolve_zh="核对入出院时间与住院天数",
        resolve_en="check the times of admission and discharge and the length of stay",
    ),
)
