"""Sums of money on the front page: a total and its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from casemeter_rules.coding.examples import written
from casemeter_rules.coding.fields import Entry, entry, number
from casemeter_rules.columns import choice, text, words
from casemeter_rules.facts import Stay
from casemeter_rules.finding import FindingClass, Tier
from casemeter_rules.kind import CODING, Context, Example, Hit, Kind, Sets, Undecided, Values, Words

_EACH: Final = "[]"
"""In an item's name: of each of several, such as ``iteminfo[].amt``."""

_RELATIONS: Final = ("covers", "equals")


def _decide(stay: Stay, values: Values, _: Sets) -> Iterator[Hit | Undecided]:
    total, parts = values["total"], [part.strip() for part in values["parts"].split("|")]
    for at in _numbers(stay, total):
        yield from _one(stay, total.replace(_EACH, at), [part.replace(_EACH, at) for part in parts], values)


def _numbers(stay: Stay, total: str) -> list[str]:
    if _EACH not in total:
        return [_EACH]
    begin, _, end = total.partition(_EACH)
    form = re.compile(re.escape(begin) + r"(\[\d+\])" + re.escape(end) + r"\Z", re.ASCII)
    return sorted(match[1] for field in stay.fields or {} if (match := form.match(field)))


def _one(stay: Stay, total: str, parts: list[str], values: Values) -> Iterator[Hit | Undecided]:
    whole = entry(stay, total)
    amount = None if whole is None or whole.says_nothing else number(whole.text)
    if whole is None or amount is None:
        yield Undecided(total)
        return
    known: list[Entry] = []
    missing = None
    added = Decimal(0)
    for part in parts:
        found = entry(stay, part)
        value = None if found is None else number(found.text)
        if found is None or value is None:
            missing = missing or part
            continue
        known.append(found)
        added += value
    # Parts that are not known can only add to the sum: what is known may decide all the same.
    broken = added > amount or (values["relation"] == "equals" and missing is None and added != amount)
    if broken:
        filled = [found.place for found in known if not found.says_nothing]
        yield Hit(
            (whole.place, *filled),
            measured=float(added),
            values={"amount": f"{amount:.2f}", "added": f"{added:.2f}", "title": values.get("name", total)},
        )
    elif missing is not None:
        yield Undecided(missing)


def _examples(values: Values, _: Context) -> Iterator[Example]:
    total = values["total"].replace(_EACH, "[0]")
    first, *rest = (part.strip().replace(_EACH, "[0]") for part in values["parts"].split("|"))
    for added in ("99.99", "100.00", "100.01"):
        fires = added == "100.01" or (added != "100.00" and values["relation"] == "equals")
        yield written(fires, {total: "100.00", first: added, **dict.fromkeys(rest, "0")})


KIND = Kind(
    name="fee_sum",
    title_zh="费用合计",
    title_en="sums of fees",
    finding_class=FindingClass.VALIDITY,
    subclass="fee_sum",
    official_type="医保结算清单信息异常",
    tier=Tier.WARN,
    phases=CODING,
    facts=("fields",),
    columns=(
        *(text("total", required=True), words("parts", required=True)),
        *(choice("relation", _RELATIONS), text("name")),
    ),
    key=("total", "parts", "relation"),
    decide=_decide,
    examples=_examples,
    overrides=("data_will_be_corrected", "does_not_apply"),
    words=Words(
        zh="{title}为{amount}元，其各项之和为{added}元，{relation_zh}",
        en="{total} is {amount} yuan and its parts add up to {added} yuan: {relation_en}",
        resolve_zh="核对费用汇总",
        resolve_en="check how the fees were added up",
    ),
)
