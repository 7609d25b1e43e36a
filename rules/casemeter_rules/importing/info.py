"""What of the official rule types a rules pack has, by kind and state."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from casemeter_rules.finding import RuleState
from casemeter_rules.official import OfficialType, official_types
from casemeter_rules.pack.load import load_rules

States = Mapping[RuleState, int]


@dataclass(frozen=True, slots=True)
class Held:
    """What holds rows of an official type.

    Attributes:
        kinds: of rules that can hold them; none: no kind can.
        why_zh: where none can, or they hold a part only: why, in Chinese.
        why_en: the same in English.
    """

    kinds: tuple[str, ...]
    why_zh: str
    why_en: str


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """One official type in a pack.

    Attributes:
        type: number, code and name.
        states: number of rules by their state.
        kinds: number of rules by their kind.
        held: the kinds that can hold such rules.
    """

    type: OfficialType
    states: States
    kinds: Mapping[str, int]
    held: Held


@dataclass(frozen=True, slots=True)
class PackInfo:
    """What a rules pack has.

    Attributes:
        id: of the pack.
        types: each of the official types, in the framework's order.
        kinds: number of rules by kind and state.
        without_type: number of rules that belong to no official type, by state.
    """

    id: str
    types: tuple[TypeInfo, ...]
    kinds: Mapping[str, States]
    without_type: States

    @property
    def types_with_rules(self) -> tuple[TypeInfo, ...]:
        """The types that have rules, shown or not."""
        return tuple(each for each in self.types if each.states)


@cache
def holders() -> Mapping[str, Held]:
    """Return which kinds of rules can hold rows of each official type, by its name."""
    text = resources.files(__package__).joinpath("type_kinds.csv").read_text("utf-8")
    return {
        row["type"]: Held(tuple(filter(None, row["kinds"].split("|"))), row["why_zh"], row["why_en"])
        for row in csv.DictReader(text.splitlines())
    }


def info(pack: Path) -> PackInfo:
    """Return what a rules pack has.

    Raises:
        PackError: the pack has errors.
    """
    loaded = load_rules(pack)
    states: dict[str, Counter[RuleState]] = {}
    by_type: dict[str, Counter[str]] = {}
    by_kind: dict[str, Counter[RuleState]] = {}
    for rule in loaded.rules.values():
        states.setdefault(rule.official_type, Counter())[rule.state] += 1
        by_type.setdefault(rule.official_type, Counter())[rule.kind] += 1
        by_kind.setdefault(rule.kind, Counter())[rule.state] += 1
    types = tuple(
        TypeInfo(each, states.get(name, {}), by_type.get(name, {}), holders()[name])
        for name, each in official_types().items()
    )
    return PackInfo(loaded.header.id, types, dict(sorted(by_kind.items())), states.get("", {}))
