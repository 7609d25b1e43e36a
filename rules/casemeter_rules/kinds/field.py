"""Items of the front page and the settlement list, each by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from casemeter_rules.coding.examples import applying, coded, duration_text, field_of, in_order, one_of
from casemeter_rules.coding.fields import Entry, duration, entries, in_case, number
from casemeter_rules.coding.groups import applies, terms
from casemeter_rules.coding.moments import chain, out_of_order
from casemeter_rules.coding.tables import aliases, value_sets
from casemeter_rules.columns import CellError, Cells, Column, choice, text, words
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE

Outcome = Hit | Undecided

_RANGE: Final = re.compile(r"(-?\d+(?:\.\d+)?)?\s*(?:\.\.|>=)\s*(-?\d+(?:\.\d+)?)?")
_UNITS: Final = {"days": "_days", "hours": "_h_cnt", "minutes": "_m_cnt"}
_SEVERAL: Final = re.compile(r"[,，]")
_NO_CODES: Final = ("national", "")
_MINUTES_PER_HOUR: Final = 60


def _required(entry: Entry, _field: str, _limit: str) -> bool:
    return not entry.filled


def _empty(entry: Entry, _field: str, _limit: str) -> bool:
    return not entry.says_nothing and entry.text not in ("0", "0/0/0")


def _digits_only(entry: Entry, _field: str, _limit: str) -> bool:
    return not entry.says_nothing and not (entry.text.isascii() and entry.text.isdigit())


def _length(entry: Entry, _field: str, limit: str) -> bool:
    return not entry.says_nothing and len(entry.text) != int(limit)


def _range(entry: Entry, field: str, limit: str) -> bool:
    low, high = _bounds(limit, field)
    if entry.says_nothing or (low is None and high is None):
        return False
    found = [number(part.strip()) for part in _SEVERAL.split(entry.text)]
    return any(
        value is None or (low is not None and value < low) or (high is not None and value > high)
        for value in found
    )


def _duration(entry: Entry, _field: str, limit: str) -> bool:
    if entry.says_nothing:
        return False
    minutes = duration(entry.text)
    if minutes is None or any(
        int(part) > most for part, most in zip(entry.text.split("/")[1:], (23, 59), strict=True)
    ):
        return True
    low, high = _bounds(limit, "")
    hours = Decimal(minutes) / _MINUTES_PER_HOUR
    return (low is not None and hours < low) or (high is not None and hours > high)


def _bounds(limit: str, field: str) -> tuple[Decimal | None, Decimal | None]:
    """Return the least and the most of a limit ``200..20000 g``, or of its part for a field."""
    for part in limit.split(";"):
        unit = next((unit for unit in _UNITS if part.strip().startswith(unit)), None)
        found = _RANGE.search(part)
        if found is not None and (unit is None or field.endswith(_UNITS[unit])):
            low = found[1] if ">=" not in found[0] else found[2]
            high = found[2] if ">=" not in found[0] else None
            return Decimal(low) if low else None, Decimal(high) if high else None
    return None, None


_BROKEN: Final[Mapping[str, Callable[[Entry, str, str], bool]]] = {
    "required": _required,
    "empty": _empty,
    "digits_only": _digits_only,
    "length": _length,
    "range": _range,
    "duration": _duration,
}
_SUBCLASSES: Final = {
    "required": (FindingClass.COMPLETENESS, "required_field"),
    "empty": (FindingClass.VALIDITY, "field_conflict"),
    "in_value_set": (FindingClass.VALIDITY, "value_set"),
    "digits_only": (FindingClass.VALIDITY, "field_format"),
    "length": (FindingClass.VALIDITY, "field_format"),
    "duration": (FindingClass.VALIDITY, "field_format"),
    "range": (FindingClass.VALIDITY, "value_range"),
    "time_order": (FindingClass.VALIDITY, "time_order"),
    "exactly_one_principal": (FindingClass.COMPLETENESS, "principal_count"),
}
CHECKS: Final = tuple(_SUBCLASSES)


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Outcome]:
    applied = applies(stay, values.get("applies_to", ""))
    if applied is not True:
        if isinstance(applied, Undecided):
            yield applied
        return
    check, limit = values["check"], values.get("limit", "")
    finding_class, subclass = _SUBCLASSES[check]
    if check == "required" and "applies_to" in values:
        subclass = "conditional_field"
    for outcome in _found(stay, values["field"], check, limit):
        if isinstance(outcome, Hit):
            outcome = outcome._replace(
                finding_class=FindingClass(values.get("class", finding_class)),
                subclass=values.get("subclass", subclass),
            )
        yield outcome


def _found(stay: Stay, named: str, check: str, limit: str) -> Iterator[Outcome]:
    if check == "time_order":
        yield from (_told(outcome) for outcome in out_of_order(stay, chain(limit)))
        return
    if check == "exactly_one_principal":
        yield from _principals(stay)
        return
    for each in named.split("|"):
        field = aliases().get(each.strip(), each.strip())
        found = entries(stay, field)
        if not found:
            yield Undecided(field)
        for entry in found:
            if check == "in_value_set":
                yield from _value(entry, field, limit)
            elif _BROKEN[check](entry, field, limit):
                yield _hit(entry, _said(entry, limit))


def _value(entry: Entry, field: str, limit: str) -> Iterator[Outcome]:
    if entry.says_nothing:
        return
    if field.endswith("_code") and entry.text.startswith(UNUSABLE):
        yield _hit(entry, _said(entry._replace(text=entry.text.removeprefix(UNUSABLE)), ""))
        return
    listed = _listed(field, limit)
    if listed is None:
        yield Undecided(f"value_set:{field}")
    elif entry.text not in listed:
        yield _hit(entry, _said(entry, "|".join(sorted(listed))))


def _listed(field: str, limit: str) -> frozenset[str] | None:
    """Return the values that an item may have; ``None``: they are not known."""
    if limit and not limit.startswith("national"):
        return frozenset(limit.split("|"))
    return value_sets().get(field)


def _principals(stay: Stay) -> Iterator[Outcome]:
    found = in_case(stay)
    if not found:
        yield Undecided("diagnoses")
        return
    principals = [each for each in found if each.role == "principal"]
    if len(principals) != 1:
        places = tuple(each.place for each in principals) or ("encounter.diagnoses",)
        yield Hit(places, values={"said_zh": f"：{len(principals)} 个", "said_en": f": {len(principals)}"})


def _told(outcome: Outcome) -> Outcome:
    if isinstance(outcome, Undecided):
        return outcome
    zh = "：{later}早于{earlier}".format_map(outcome.values)
    en = ": {later} is not after {earlier}".format_map(outcome.values)
    return outcome._replace(values={"said_zh": zh, "said_en": en})


def _hit(entry: Entry, said: Values) -> Hit:
    return Hit((entry.place,), values=said)


def _said(entry: Entry, limit: str) -> Values:
    if not entry.text:
        return {}
    return {
        "said_zh": f"：{entry.text}" + (f"（应为{limit}）" if limit else ""),
        "said_en": f": {entry.text}" + (f" (must be {limit})" if limit else ""),
    }


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    check, limit = cells["check"], cells["limit"]
    if check == "length" and not limit.isdigit():
        yield "limit", "a length is needed", "需要填写长度"
    if check == "range" and _RANGE.search(limit) is None:
        yield "limit", "a range such as 200..20000 is needed", "需要填写范围，如 200..20000"
    if check == "time_order":
        try:
            chain(limit)
        except CellError as error:
            yield "limit", error.expected_en, error.expected_zh


def _terms(cell: str) -> str:
    terms(cell)
    return cell


def _say(values: Values, hit: Hit) -> Values:
    item = hit.places[0].rpartition("fields.")[2]
    written: dict[str, Any] = {"item": item, "title": values.get("name", values["field"])}
    return {"said_zh": "", "said_en": "", **written}


def _examples(values: Values, _: Context) -> Iterator[Example]:
    stay = applying(values.get("applies_to", ""))
    check, limit, fields = values["check"], values.get("limit", ""), values["field"].split("|")
    if check == "time_order":
        yield from in_order(chain(limit), stay)
    elif check == "exactly_one_principal":
        yield Example(False, stay)
        for role in ("principal", "other"):
            first = stay.diagnoses[0]._replace(role=role)
            yield Example(True, stay._replace(diagnoses=(first, coded("1", 1, role=role))))
    else:
        for field in fields:
            for bad, good in _pairs(check, field_of(field), limit):
                others = {other for other in fields if other != field}
                yield from one_of([field], bad, good, _blank(stay, others, check))


def _blank(stay: Stay, fields: Iterable[str], check: str) -> Stay:
    """Return the page on which items say that there is nothing, or hold something where they must."""
    said = "1" if check == "required" else "-"
    return stay._replace(fields={**(stay.fields or {}), **{field_of(field): said for field in fields}})


def _pairs(check: str, field: str, limit: str) -> Iterator[tuple[str, str]]:
    """Yield what breaks a check, each with what just does not; nothing where that is not known."""
    low, high = _bounds(limit, field)
    match check:
        case "required":
            yield "", "1"
        case "empty":
            yield "1", "-"
        case "digits_only":
            yield "1a", "1"
        case "length":
            yield "1" * (int(limit) + 1), "1" * int(limit)
            yield "1" * (int(limit) - 1) or "11", "1" * int(limit)
        case "duration":
            yield "1/24/0", "-"
            if low:
                minutes = int(low * _MINUTES_PER_HOUR)
                yield duration_text(minutes - 1), duration_text(minutes)
            if high is not None:
                minutes = int(high * _MINUTES_PER_HOUR)
                yield duration_text(minutes + 1), duration_text(minutes)
        case "range":
            if low is not None:
                yield f"{low - 1}", f"{low}"
            if high is not None:
                yield f"{high + 1}", f"{high}"
        case _:
            if field.endswith("_code"):
                yield f"{UNUSABLE}1", "-"
            elif listed := _listed(field, limit):
                for good in sorted(listed):
                    yield "".join(sorted(listed)) + "1", good


KIND = Kind(
    name="field",
    title_zh="首页与清单项目",
    title_en="items of the front page",
    finding_class=FindingClass.VALIDITY,
    subclass="value_set",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields",),
    columns=(
        *(words("field", required=True), text("name"), choice("check", CHECKS), text("limit")),
        *(Column("applies_to", _terms, empty=""), text("subclass")),
        choice("class", tuple(FindingClass), required=False),
    ),
    key=("field", "check", "limit", "applies_to"),
    decide=_decide,
    examples=_examples,
    check_row=_check_row,
    say=_say,
    overrides=("data_will_be_corrected", "not_yet_known", "does_not_apply"),
    words=Words(
        zh="{title}{check_zh}{said_zh}",
        en="{field} {check_en}{said_en}",
        resolve_zh="按病历核对{title}",
        resolve_en="check {field} against the record",
    ),
)
