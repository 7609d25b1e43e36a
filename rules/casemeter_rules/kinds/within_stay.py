"""Days and hours of care that cannot be more than the stay has."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from casemeter_rules.coding.examples import DAYS, duration_text, written
from casemeter_rules.coding.fields import duration, entries, number
from casemeter_rules.columns import choice, text, words
from casemeter_rules.facts import MINUTES_PER_DAY, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words


def _most(stay: Stay, unit: str) -> Decimal | None:
    if stay.admission is None or stay.discharge is None or stay.discharge < stay.admission:
        return None
    if unit == "days":
        # The day of admission and the day of discharge may both count.
        return Decimal(stay.discharge // MINUTES_PER_DAY - stay.admission // MINUTES_PER_DAY + 1)
    minutes = Decimal(stay.discharge - stay.admission)
    return minutes if unit == "duration" else minutes / 60


def _amount(text: str, unit: str) -> Decimal | None:
    if unit != "duration":
        return number(text)
    minutes = duration(text)
    return None if minutes is None else Decimal(minutes)


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    unit = values["unit"]
    most = _most(stay, unit)
    if most is None:
        yield Undecided("discharge" if stay.discharge is None else "admission")
        return
    total = Decimal(0)
    places: list[str] = []
    missing = ""
    for field in values["fields"].split("|"):
        found = entries(stay, field.strip())
        missing = missing or ("" if found else field.strip())
        for each in found:
            amount = None if each.says_nothing else _amount(each.text, unit)
            if amount:
                total += amount
                places.append(each.place)
    if total > most:
        scale = 60 if unit == "duration" else 1
        said = {"most": f"{most / scale:.4g}", "total": f"{total / scale:.4g}"}
        yield Hit(tuple(places), measured=float(total), values=said)
    elif missing:
        yield Undecided(missing)


def _say(values: Values, _: Hit) -> Values:
    return {"listed": ", ".join(values["fields"].split("|"))}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    most = {"days": DAYS + 1, "hours": DAYS * 24, "duration": DAYS * MINUTES_PER_DAY}[values["unit"]]
    spelt = duration_text if values["unit"] == "duration" else str
    first, *rest = (field.strip() for field in values["fields"].split("|"))
    for amount in (most, most + 1):
        yield written(amount > most, {first: spelt(amount), **dict.fromkeys(rest, spelt(0))})


KIND = Kind(
    name="within_stay",
    title_zh="时长超过住院时长",
    title_en="longer than the stay",
    finding_class=FindingClass.VALIDITY,
    subclass="within_stay",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields", "admission", "discharge"),
    columns=(
        *(words("fields", required=True), choice("unit", ("days", "hours", "duration"))),
        text("name", required=True),
    ),
    key=("fields", "unit"),
    decide=_decide,
    examples=_examples,
    say=_say,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{name}共{total}{unit_zh}，住院时间为{most}{unit_zh}",
        en="{listed} add up to {total} {unit_en}; the stay is {most} {unit_en} long",
        resolve_zh="核对{name}与入出院时间",
        resolve_en="check {listed} and the times of admission and discharge",
    ),
)
