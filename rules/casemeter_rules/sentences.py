"""From a broken rule to a finding: sentences in Chinese and English with the values filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from casemeter_rules.compiled.book import Told
from casemeter_rules.finding import Finding, FindingClass, RuleState
from casemeter_rules.kind import Hit, Kind


@cache
def _labels() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    text = resources.files("casemeter_rules").joinpath("labels.toml").read_text("utf-8")
    return {
        column: {value: (zh, en) for value, (zh, en) in labels.items()}
        for column, labels in tomllib.loads(text).items()
    }


def finding_of(told: Told, kind: Kind, hit: Hit, state: RuleState, pack: str) -> Finding:
    """Return the finding of a broken rule.

    Args:
        told: the rule.
        kind: its kind.
        hit: what broke it.
        state: of the rule now.
        pack: id of its pack.
    """
    values = _values(told, kind, hit)
    return Finding(
        rule=told.id,
        kind=told.kind,
        official_type=told.official_type,
        tier=hit.tier or told.tier,
        finding_class=hit.finding_class or FindingClass(told.values.get("class", kind.finding_class)),
        subclass=hit.subclass or told.values.get("subclass", kind.subclass),
        state=state,
        fields=hit.places,
        codes=hit.codes,
        evidence=tuple(sorted(hit.ids or hit.places)),
        bases=told.bases,
        text_zh=told.values.get("text_zh") or kind.words.zh.format_map(values),
        text_en=told.values.get("text_en") or kind.words.en.format_map(values),
        resolve_zh=told.values.get("resolve_zh") or kind.words.resolve_zh.format_map(values),
        resolve_en=told.values.get("resolve_en") or kind.words.resolve_en.format_map(values),
        overrides=tuple(told.values["overrides"].split("|"))
        if "overrides" in told.values
        else kind.overrides,
        pack=pack,
        band=hit.band
        or (kind.band(told.values, hit.measured) if kind.band and hit.measured is not None else ""),
    )


def _values(told: Told, kind: Kind, hit: Hit) -> dict[str, str]:
    values = dict.fromkeys((column.name for column in kind.columns), "")
    values |= told.values
    labels = _labels()
    for column in kind.columns:
        own = labels.get(column.name)
        if own is None:
            continue
        said = [own.get(part, (part, part)) for part in values[column.name].split("|")]
        values[f"{column.name}_zh"] = "、".join(zh for zh, _ in said)
        values[f"{column.name}_en"] = ", ".join(en for _, en in said)
    values["recorded"] = "、".join(hit.codes)
    if hit.measured is not None:
        values["measured"] = f"{hit.measured:g}"
    if "name" in values and not values["name"]:
        values["name"] = hit.codes[0] if hit.codes else ""
    if kind.say is not None:
        values |= kind.say(told.values, hit)
    return values | dict(hit.values)
