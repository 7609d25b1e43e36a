"""Planting rules, rows and MDCs into a copy of a pack, for tests of what no case can reach."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from casemeter_grouper.condition import parse
from casemeter_grouper.pack.load import LoadedPack
from casemeter_grouper.scheme import CodeTables, Mdc, Row, Rule, Tree

FIRST_LINE = 100_000
"""Planted rules and rows stand in lines from here on."""

_Part = TypeVar("_Part", bound=Mdc | Rule | Row)


def plant(pack: LoadedPack, plants: Iterable[Mapping[str, Any]]) -> LoadedPack:
    """Return a copy of a pack with plants in it, as ``data/planted.toml`` describes them."""
    tables, tree, places = pack.scheme.tables, pack.scheme.tree, copy.deepcopy(pack.places)
    sets = dict(tables.sets)
    line = FIRST_LINE
    for one in plants:
        for name, text in one.get("sets", {}).items():
            sets[name] = members(text, sets, tables)
        for owner, after, name, text in one["add"]:
            line += 1
            tree = _with(tree, owner, after, name, text, line)
            places.rules[name] = places.rows[owner, line] = line
    for rule in (rule for mdc in tree.mdcs for rule in mdc.rules if rule.seq > FIRST_LINE):
        if not rule.rows:
            line += 1
            tree = _with(tree, rule.name, "", f"{rule.name}9", "always", line)
            places.rows[rule.name, line] = line
    scheme = replace(pack.scheme, tree=tree, tables=replace(tables, sets=sets))
    return replace(pack, scheme=scheme, places=places)


def members(text: str, sets: Mapping[str, frozenset[str]], tables: CodeTables) -> frozenset[str]:
    """Work out a set: names, perhaps with a slice, joined by ``|``, ``&`` and ``-`` from left to right."""
    found: frozenset[str] = frozenset()
    for join, name, cut in re.findall(r"([|&-]?)([\w#]+)(?:\[([\d:]+)\])?", text):
        kind, _, table = name.partition("#")
        if kind == "P":
            codes = frozenset(code for code, of in tables.exclusions.items() if of == table)
        elif kind in tables.complications:
            of_level = tables.complications[kind].items()
            codes = frozenset(code for code, of in of_level if of == table or not table)
        else:
            codes = sets[name]
        if cut:
            codes = frozenset(sorted(codes)[slice(*(int(part) if part else None for part in cut.split(":")))])
        assert codes, f"{name} is empty"
        found = found & codes if join == "&" else found - codes if join == "-" else found | codes
    assert found or not text, f"{text} is empty"
    return found


def _with(tree: Tree, owner: str, after: str, name: str, text: str, line: int) -> Tree:
    """Add a part to its owner: the tree, an MDC or a rule."""
    condition = parse(text)
    if not owner:
        return replace(tree, mdcs=_inserted(tree.mdcs, Mdc(line, name, condition, text, ()), after))
    mdcs = list(tree.mdcs)
    for at, mdc in enumerate(mdcs):
        if mdc.name == owner:
            rule = Rule(line, name, name, condition, text, None, ())
            mdcs[at] = replace(mdc, rules=_inserted(mdc.rules, rule, after))
            return replace(tree, mdcs=tuple(mdcs))
        rules = list(mdc.rules)
        for place, rule in enumerate(rules):
            if rule.name == owner:
                rows = _inserted(rule.rows, Row(line, name, condition, text), after)
                rules[place] = replace(rule, rows=rows)
                mdcs[at] = replace(mdc, rules=tuple(rules))
                return replace(tree, mdcs=tuple(mdcs))
    raise LookupError(owner)


def _inserted(parts: tuple[_Part, ...], part: _Part, after: str) -> tuple[_Part, ...]:
    names = [other.group if isinstance(other, Row) else other.name for other in parts]
    at = names.index(after) + 1 if after else 0
    return (*parts[:at], part, *parts[at:])
