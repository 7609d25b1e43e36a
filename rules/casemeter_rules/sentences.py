"""From a broken rule to a finding: sentences in Chinese and English with the values filled in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from casemeter_rules.compiled.book import Told
from casemeter_rules.finding import Finding, FindingClass, RuleState
from casemeter_rules.kind import Hit, Kind
from casemeter_rules.kinds import kinds

Labels = Mapping[str, tuple[str, str]]
"""Chinese and English words by the value of a column."""


@cache
def _labels() -> Mapping[str, Labels]:
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
    own = told.values
    words = kind.words
    finding_class = hit.finding_class or kind.finding_class
    if "class" in own and not hit.finding_class:
        finding_class = FindingClass(own["class"])
    band = hit.band
    if not band and kind.band is not None and hit.measured is not None:
        band = kind.band(own, hit.measured)
    return Finding(
        told.id,
        told.kind,
        told.official_type,
        hit.tier or told.tier,
        finding_class,
        hit.subclass or own.get("subclass") or kind.subclass,
        state,
        hit.places,
        hit.codes,
        tuple(sorted(hit.ids or hit.places)),
        told.bases,
        own.get("text_zh") or words.zh.format_map(values),
        own.get("text_en") or words.en.format_map(values),
        own.get("resolve_zh") or words.resolve_zh.format_map(values),
        own.get("resolve_en") or words.resolve_en.format_map(values),
        tuple(own["overrides"].split("|")) if "overrides" in own else kind.overrides,
        pack,
        band,
    )


def _values(told: Told, kind: Kind, hit: Hit) -> dict[str, str]:
    """Return what the sentences are filled with."""
    blank, labelled = _form(kind.name)
    values = {**blank, **told.values}
    for column, labels in labelled:
        said = [labels.get(part, (part, part)) for part in values[column].split("|")]
        values[f"{column}_zh"] = "、".join([zh for zh, _ in said])
        values[f"{column}_en"] = ", ".join([en for _, en in said])
    values["recorded"] = "、".join(hit.codes)
    if hit.measured is not None:
        values["measured"] = f"{hit.measured:g}"
    if hit.codes and not values.get("name", "?"):
        values["name"] = hit.codes[0]
    if kind.say is not None:
        values.update(kind.say(told.values, hit))
    values.update(hit.values)
    return values


@cache
def _form(kind: str) -> tuple[dict[str, str], tuple[tuple[str, Labels], ...]]:
    """Return the empty cells of a kind's row, and the labels of the columns that have some."""
    names = [column.name for column in kinds()[kind].columns]
    return dict.fromkeys(names, ""), tuple((name, _labels()[name]) for name in names if name in _labels())
