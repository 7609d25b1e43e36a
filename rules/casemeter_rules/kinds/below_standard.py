"""Short stays for little but examinations: whether the stay was needed is asked."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Final, NamedTuple

from casemeter_rules import earlier
from casemeter_rules.codes import CodeSet, Space
from casemeter_rules.columns import Cells, decimal, whole, words
from casemeter_rules.earlier import Answer, all_of, negated
from casemeter_rules.earlier_examples import passing, person, set_aside, with_a_code_of
from casemeter_rules.facts import EarlierStay, Item, Procedure, Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words
from casemeter_rules.recorded import UNUSABLE

_PER_CENT: Final = 100
_FEN: Final = 100


class _Amounts(NamedTuple):
    """What was charged, in fen: in all, what is neither, examinations, and what cannot be told."""

    total: int
    aside: int
    examined: int
    unknown: int


def _decide(stay: Stay, values: Values, sets: Sets) -> Iterator[Hit | Undecided]:
    if stay.icu_hours:
        return
    answer = all_of(
        (
            _among("visit_kind", stay.visit_kind, values.get("visit_kinds", "inpatient")),
            negated(_among("discharge_way", stay.discharge_way, values["exempt_ways"]))
            if "exempt_ways" in values
            else True,
            _short(stay, values),
            _untreated(stay, _sets(values, "examination_sets", sets)),
            _cheap(stay, values),
            _examined(stay, values, sets),
            negated(_exempt(stay, values, sets)),
        )
    )
    if isinstance(answer, Undecided):
        yield answer
    elif answer:
        assert stay.los_days is not None
        charges = [item for item in stay.items or () if not item.ordered]
        yield Hit(
            places=tuple(item.place for item in charges) or ("encounter",),
            codes=earlier.in_case(stay)[:1],
            measured=stay.los_days,
            ids=tuple(item.id or item.place for item in charges),
            values=_charged(values),
        )


def _charged(values: Values) -> Values:
    if "min_examination_share" in values:
        return {"charged_zh": "费用以检查为主", "charged_en": "charged with examinations for the most part"}
    return {"charged_zh": "费用较低", "charged_en": "charged with little"}


def _sets(values: Values, column: str, sets: Sets) -> list[CodeSet]:
    return [sets[name.strip()] for name in values.get(column, "").split("|") if name.strip()]


def _among(fact: str, value: str | None, listed: str) -> Answer:
    return Undecided(fact) if value is None else value in listed.split("|")


def _short(stay: Stay, values: Values) -> Answer:
    if stay.discharge is None:
        return Undecided("discharge")
    return Undecided("los_days") if stay.los_days is None else stay.los_days <= int(values["max_days"])


def _untreated(stay: Stay, diagnostic: list[CodeSet]) -> Answer:
    """Whether no procedure was done but those of the examinations."""
    others = [
        procedure.code
        for procedure in stay.procedures
        if not any(procedure.code in codes for codes in diagnostic)
    ]
    if others and all(code.startswith(UNUSABLE) for code in others):
        return Undecided("procedures")
    return not others


def _cheap(stay: Stay, values: Values) -> Answer:
    limit = values.get("max_cost_yuan")
    if limit is None:
        return True
    if stay.items is None:
        return Undecided("items")
    return _amounts(stay.items, (), (), []).total <= float(limit) * _FEN


def _examined(stay: Stay, values: Values, sets: Sets) -> Answer:
    """Whether examinations are most of what was charged, bed and nursing left out of the count."""
    share = values.get("min_examination_share")
    if share is None:
        return True
    if stay.items is None:
        return Undecided("items")
    sums = _amounts(
        stay.items,
        values.get("examination_categories", "").split("|"),
        values.get("neutral_categories", "").split("|"),
        _sets(values, "examination_sets", sets),
    )
    least = float(share) / _PER_CENT
    whole_sum = sums.total - sums.aside
    if whole_sum <= 0:
        return False
    if sums.examined >= least * whole_sum:
        return True
    return Undecided("item_category") if sums.examined + sums.unknown >= least * whole_sum else False


def _amounts(
    items: tuple[Item, ...],
    examination: list[str] | tuple[()],
    neutral: list[str] | tuple[()],
    sets: list[CodeSet],
) -> _Amounts:
    total = aside = examined = unknown = 0
    for item in items:
        if item.ordered:
            continue
        total += item.amount_fen
        if (item.category and item.category in examination) or any(item.code in codes for codes in sets):
            examined += item.amount_fen
        elif item.category and item.category in neutral:
            aside += item.amount_fen
        elif not item.category:
            unknown += item.amount_fen
    return _Amounts(total, aside, examined, unknown)


def _exempt(stay: Stay, values: Values, sets: Sets) -> Answer:
    exempt = _sets(values, "exempt_sets", sets)
    if not exempt:
        return False
    codes = tuple(procedure.code for procedure in stay.procedures)
    return earlier.excused_by_codes(
        EarlierStay("", diagnoses=earlier.in_case(stay), procedures=codes), exempt
    )


def _check_row(cells: Cells) -> Iterator[tuple[str, str, str]]:
    if cells["max_cost_yuan"] is None and cells["min_examination_share"] is None:
        yield (
            "min_examination_share",
            "a short stay alone is no reason to ask: fill max_cost_yuan or min_examination_share",
            "仅凭住院天数不足以提示：请填写 max_cost_yuan 或 min_examination_share",
        )
    if cells["min_examination_share"] is not None:
        if not 0 < cells["min_examination_share"] <= _PER_CENT:
            yield (
                "min_examination_share",
                "a share is above 0, up to 100 (%)",
                "占比应大于 0、不超过 100（%）",
            )
        if not cells["examination_categories"] and not cells["examination_sets"]:
            yield (
                "examination_categories",
                "what is an examination is not said: fill examination_categories or examination_sets",
                "没有写明哪些属于检查：请填写 examination_categories 或 examination_sets",
            )


def _examples(values: Values, context: Context) -> Iterator[Example]:
    days, kinds = int(values["max_days"]), values.get("visit_kinds", "inpatient").split("|")
    ways = values.get("exempt_ways", "").split("|")
    way = next(way for way in "1234569" if way not in ways)
    short = person(los_days=float(days), visit_kind=kinds[0], discharge_way=way, icu_hours=0.0)
    within, beyond = _charges(values, context.sets)
    stay = short._replace(items=within)
    yield Example(True, stay)
    yield Example(False, stay._replace(los_days=float(days + 1)))
    yield Example(False, stay._replace(icu_hours=1.0))
    yield Example(False, stay._replace(procedures=(Procedure("1", "encounter.procedures[0]"),)))
    yield from (Example(False, short._replace(items=items)) for items in beyond)
    yield from (Example(False, stay._replace(discharge_way=each)) for each in ways if each)
    yield from passing(set_aside(stay, values, context.sets))
    for codes in _sets(values, "examination_sets", context.sets):
        if all(key.space is Space.PROCEDURE for key in codes.keys):
            yield Example(True, with_a_code_of(stay, codes))


def _charges(values: Values, sets: Sets) -> tuple[tuple[Item, ...], list[tuple[Item, ...]]]:
    """Return charges that are low and for examinations enough, and such that are just not."""
    total = round(float(values.get("max_cost_yuan", _FEN * _PER_CENT)) * _FEN)
    least = ceil(total * float(values.get("min_examination_share", "0")) / _PER_CENT)
    code, category = "1", values.get("examination_categories", "").split("|")[0]
    if not category and "examination_sets" in values:
        code = min(_sets(values, "examination_sets", sets)[0].keys).text
    examined = Item(code, "encounter.charges.lines[0]", amount_fen=least, category=category or "-")
    rest = Item("2", "encounter.charges.lines[1]", amount_fen=total - least, category="--")
    beyond: list[tuple[Item, ...]] = []
    if "max_cost_yuan" in values:
        beyond.append((examined._replace(amount_fen=least + 1), rest))
    if "min_examination_share" in values:
        fewer = examined._replace(amount_fen=least - 1), rest._replace(amount_fen=rest.amount_fen + 1)
        beyond.append(fewer)
    return (examined, rest), beyond


KIND = Kind(
    name="below_standard",
    title_zh="低标准入院",
    title_en="admission below standard",
    finding_class=FindingClass.INTEGRITY,
    subclass="below_standard",
    official_type="无指征住院（低标准入院）",
    tier=Tier.HINT,
    phases=CODING,
    facts=("los_days", "discharge", "discharge_way", "visit_kind", "procedures", "items", "item_category"),
    columns=(
        *(whole("max_days", required=True, low=1, high=60), decimal("max_cost_yuan")),
        *(decimal("min_examination_share"), words("examination_categories"), words("neutral_categories")),
        *(words("examination_sets"), words("visit_kinds"), words("exempt_ways"), words("exempt_sets")),
    ),
    key=(
        *("max_days", "max_cost_yuan", "min_examination_share", "examination_categories"),
        *("neutral_categories", "examination_sets", "visit_kinds", "exempt_ways", "exempt_sets"),
    ),
    sets=("examination_sets", "exempt_sets"),
    decide=_decide,
    examples=_examples,
    check_row=_check_row,
    overrides=("record_supports_coding", "data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="住院{measured}天，{charged_zh}，未见手术操作；请核对住院指征",
        en="a stay of {measured} days without a procedure, {charged_en}; please check why it was needed",
        resolve_zh="补全已做的治疗与操作；确有住院指征的，请在病历中写明",
        resolve_en="record the treatment that was given; if the stay was indicated, state why in the record",
    ),
)
