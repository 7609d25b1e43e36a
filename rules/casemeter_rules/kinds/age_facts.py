"""The age that is written, and the one that birth and admission give."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from casemeter_rules.coding.examples import page, written
from casemeter_rules.coding.fields import entry, number
from casemeter_rules.coding.moments import moment
from casemeter_rules.columns import EPOCH, choice
from casemeter_rules.facts import MINUTES_PER_DAY, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    written = {name: entry(stay, name) for name in ("brdy", "adm_time", values["field"])}
    for name, found in written.items():
        if found is None or (name != values["field"] and moment(found) is None):
            yield Undecided(name)
            return
    birth, admission, age = (found for found in written.values() if found is not None)
    stated = None if age.says_nothing else number(age.text)
    born, came = moment(birth), moment(admission)
    if stated is None or born is None or came is None:
        return
    first = EPOCH.fromordinal(EPOCH.toordinal() + born.minute // MINUTES_PER_DAY)
    last = EPOCH.fromordinal(EPOCH.toordinal() + came.minute // MINUTES_PER_DAY)
    real = (last - first).days if values["field"] == "nwb_age" else _years(first, last)
    if real >= 0 and int(stated) != real:
        said = {"written": age.text, "real": str(real)}
        yield Hit((age.place, birth.place), measured=float(stated), values=said)


def _years(first: date, last: date) -> int:
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def _examples(values: Values, _: Context) -> Iterator[Example]:
    stay = page()
    came = EPOCH.fromordinal(EPOCH.toordinal() + (stay.admission or 0) // MINUTES_PER_DAY)
    born = came - timedelta(days=10) if values["field"] == "nwb_age" else came.replace(year=came.year - 40)
    real = 10 if values["field"] == "nwb_age" else 40
    for age in (real - 1, real, real + 1):
        yield written(age != real, {"brdy": born.isoformat(), values["field"]: str(age)}, stay)


KIND = Kind(
    name="age_facts",
    title_zh="年龄与出生日期",
    title_en="age and date of birth",
    finding_class=FindingClass.VALIDITY,
    subclass="age",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields", "age_years", "age_days", "admission"),
    columns=(choice("field", ("age", "nwb_age")),),
    key=("field",),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected",),
    words=Words(
        zh="{field_zh}填写为{written}，按出生日期与入院日期为{real}",
        en="{written} is written as {field_en}; birth and admission give {real}",
        resolve_zh="核对出生日期与年龄",
        resolve_en="check the date of birth and the age",
    ),
)
