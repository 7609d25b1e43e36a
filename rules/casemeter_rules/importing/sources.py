"""Reading ``sources.toml``: which national tables there are and what their rows become."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from casemeter_grouper.pack.tables import Columns

Words = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Target:
    """What a row becomes; the parts are those that ``sources.toml`` explains."""

    kind: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    patterns: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]]
    otherwise: Mapping[str, str]
    when: Words
    known: Words
    plain: tuple[str, ...]
    widen: bool
    unordered: tuple[tuple[str, str], ...]
    join: str


@dataclass(frozen=True)
class Source:
    """One table that can be imported."""

    file: str
    columns: Columns
    shadow: Words
    widens: bool
    targets: tuple[Target, ...]


@cache
def sources() -> Mapping[str, Source]:
    """Return the tables that can be imported, by the names of their files."""
    text = resources.files(__package__).joinpath("sources.toml").read_text("utf-8")
    return {file: _source(file, said) for file, said in tomllib.loads(text)["files"].items()}


def _source(file: str, said: Mapping[str, Any]) -> Source:
    optional = (*said.get("optional", ()), *said.get("ignored", ()))
    return Source(
        file,
        Columns(tuple(said["filled"]), (), optional),
        _words(said.get("shadow", {})),
        said.get("widens", False),
        tuple(map(_target, said.get("rows", ()))),
    )


def _target(said: Mapping[str, Any]) -> Target:
    patterns = said.get("patterns", {})
    return Target(
        said["kind"],
        said["columns"],
        said.get("constants", {}),
        said.get("values", {}),
        {
            column: tuple((re.compile(pattern), becomes) for pattern, becomes in pairs.items())
            for column, pairs in patterns.items()
        },
        said.get("otherwise", {}),
        _words(said.get("when", {})),
        _words(said.get("known", {})),
        tuple(said.get("plain", ())),
        said.get("widen", False),
        tuple((first, second) for first, second in said.get("unordered", ())),
        said.get("join", ""),
    )


def _words(said: Mapping[str, list[str]]) -> Words:
    return {column: tuple(values) for column, values in said.items()}
