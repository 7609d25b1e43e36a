"""What differs between two schemes, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from casemeter_grouper.compiled.decompiler import scheme_of
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.condition import Condition
from casemeter_grouper.pack import changes
from casemeter_grouper.pack.changes import Change, Moved
from casemeter_grouper.pack.groups import groups_of
from casemeter_grouper.scheme import LEVELS, Mdc, Rule, Scheme

_GONE = " (old)"
"""Marks an exclusion table of the first side whose name another table has on the second."""


@dataclass(frozen=True, slots=True)
class SchemeDiff:
    """Every difference between two schemes; all parts empty when they mean the same.

    Attributes:
        header: title, version, dates, code systems, options and the dictionary's hash.
        groups: groups added and removed, their names and weights.
        mdcs: entry conditions and order.
        rules: conditions, ADRG, ``otherwise``, MDC, and order inside the MDC.
        rows: subdivisions of rules that stand on both sides, named ``RULE → GROUP``.
        sets: sets added and removed, with the number of their codes.
        members: codes that moved, for sets on both sides.
        known: known diagnoses and procedures.
        exclusion_tables: tables that have another name on the second side; what follows uses the new names.
        complications: level and exclusion table of a code, as ``CC 12``.
        exclusions: exclusion table of a principal diagnosis.
        trauma_sites: body sites of a code.
    """

    header: tuple[Change, ...]
    groups: tuple[Change, ...]
    mdcs: tuple[Change, ...]
    rules: tuple[Change, ...]
    rows: tuple[Change, ...]
    sets: tuple[Change, ...]
    members: tuple[Moved, ...]
    known: tuple[Moved, ...]
    exclusion_tables: tuple[Change, ...]
    complications: tuple[Change, ...]
    exclusions: tuple[Change, ...]
    trauma_sites: tuple[Change, ...]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return any(getattr(self, part.name) for part in fields(self))

    def to_dict(self) -> dict[str, Any]:
        """The differences as plain JSON values."""
        return asdict(self)


def diff(a: Scheme | CompiledScheme, b: Scheme | CompiledScheme) -> SchemeDiff:
    """Compare two schemes, each as read from a pack or opened from a bundle.

    A bundle holds only the sets that its conditions test; beside a bundle only those are compared.
    """
    tested_only = isinstance(a, CompiledScheme) or isinstance(b, CompiledScheme)
    first, second = (scheme_of(side) if isinstance(side, CompiledScheme) else side for side in (a, b))
    sets = (_sets(first, tested_only), _sets(second, tested_only))
    tables = _table_names(first, second)
    sizes = ({name: str(len(codes)) for name, codes in side.items()} for side in sets)
    return SchemeDiff(
        header=tuple(changes.columns("", _header(first), _header(second))),
        groups=tuple(_groups(first, second)),
        mdcs=tuple(_mdcs(first, second)),
        rules=tuple(_rules(first, second)),
        rows=tuple(_rows(first, second)),
        sets=tuple(changes.presence(*sizes)),
        members=tuple(changes.members(*sets)),
        known=tuple(changes.members(_known(first), _known(second))),
        exclusion_tables=tuple(
            Change(old, "table", old, new)
            for old, new in sorted(tables.items())
            if old != new and not new.endswith(_GONE)
        ),
        complications=tuple(
            changes.values("complication", _complications(first, tables), _complications(second, {}))
        ),
        exclusions=tuple(
            changes.values("exclusion_table", _exclusions(first, tables), _exclusions(second, {}))
        ),
        trauma_sites=tuple(changes.values("site", _sites(first), _sites(second))),
    )


def _header(scheme: Scheme) -> dict[str, str]:
    return {
        **asdict(scheme.header),
        "retry_each_procedure_when_ungroupable": str(scheme.tree.retry_each_procedure).lower(),
        "dictionary_sha256": scheme.dictionary_sha256,
    }


def _groups(a: Scheme, b: Scheme) -> Iterator[Change]:
    names = [{group: side.names.get(group, "") for group in groups_of(side.tree)} for side in (a, b)]
    yield from changes.presence(*names)
    for group in names[0]:
        if group in names[1]:
            sides = ({"name": s.names.get(group, ""), "weight": s.weights.get(group, "")} for s in (a, b))
            yield from changes.columns(group, *sides)


def _condition(name: str, what: str, a: tuple[Condition, str], b: tuple[Condition, str]) -> Iterator[Change]:
    """Compare two conditions as parsed, so that blanks make no difference."""
    if a[0] != b[0]:
        yield Change(name, what, a[1], b[1])


def _mdcs(a: Scheme, b: Scheme) -> Iterator[Change]:
    before, after = ({mdc.name: mdc for mdc in side.tree.mdcs} for side in (a, b))
    yield from changes.presence(*({name: mdc.text for name, mdc in s.items()} for s in (before, after)))
    for name, mdc in before.items():
        if other := after.get(name):
            yield from _condition(name, "entry", (mdc.entry, mdc.text), (other.entry, other.text))
    yield from changes.order(list(before), list(after))


def _rules_of(scheme: Scheme) -> dict[str, tuple[Mdc, Rule]]:
    return {rule.name: (mdc, rule) for mdc in scheme.tree.mdcs for rule in mdc.rules}


def _rules(a: Scheme, b: Scheme) -> Iterator[Change]:
    before, after = _rules_of(a), _rules_of(b)
    yield from changes.presence(
        *({name: rule.text for name, (_, rule) in side.items()} for side in (before, after))
    )
    for name in before:
        if name in after:
            (mdc, rule), (other_mdc, other) = before[name], after[name]
            yield from changes.columns(
                name, {"mdc": mdc.name, **_rule(rule)}, {"mdc": other_mdc.name, **_rule(other)}
            )
            yield from _condition(name, "when", (rule.when, rule.text), (other.when, other.text))
    orders = ({mdc.name: [rule.name for rule in mdc.rules] for mdc in side.tree.mdcs} for side in (a, b))
    yield from _orders(*orders)


def _rule(rule: Rule) -> dict[str, str]:
    return {"adrg": rule.adrg, "otherwise": "next" if rule.otherwise is None else rule.otherwise}


def _orders(a: Mapping[str, list[str]], b: Mapping[str, list[str]]) -> Iterator[Change]:
    for owner, names in a.items():
        yield from changes.order(names, b.get(owner, []))


def _rows(a: Scheme, b: Scheme) -> Iterator[Change]:
    before, after = _rules_of(a), _rules_of(b)
    for name in before:
        if name in after:
            first, second = (
                dict(
                    zip(
                        changes.numbered([f"{name} → {row.group}" for row in rule.rows]),
                        rule.rows,
                        strict=True,
                    )
                )
                for rule in (before[name][1], after[name][1])
            )
            yield from changes.presence(
                *({n: row.text for n, row in side.items()} for side in (first, second))
            )
            for row_name, row in first.items():
                if other := second.get(row_name):
                    yield from _condition(row_name, "when", (row.when, row.text), (other.when, other.text))
            yield from changes.order(list(first), list(second))


def _sets(scheme: Scheme, tested_only: bool) -> dict[str, frozenset[str]]:
    tested = frozenset().union(*scheme.tree.sets_used)
    return {name: codes for name, codes in scheme.tables.sets.items() if not tested_only or name in tested}


def _known(scheme: Scheme) -> dict[str, tuple[str, ...]]:
    return {"diagnoses": scheme.diagnoses, "procedures": scheme.procedures}


def _table_names(a: Scheme, b: Scheme) -> dict[str, str]:
    """Name on the second side of each exclusion table of the first: the table that has most of its codes.

    Only whether two tables are the same counts for grouping, so other names alone are no change of a code.
    """
    before, after = ((s.tables.exclusions, *s.tables.complications.values()) for s in (a, b))
    found = changes.counterparts(
        (old[code], new[code]) for old, new in zip(before, after, strict=True) for code in old if code in new
    )
    taken = {table for part in after for table in part.values()}
    gone = {table for part in before for table in part.values()} - found.keys()
    return found | {table: f"{table}{_GONE}" if table in taken else table for table in gone}


def _exclusions(scheme: Scheme, tables: Mapping[str, str]) -> dict[str, str]:
    return {code: tables.get(table, table) for code, table in scheme.tables.exclusions.items()}


def _complications(scheme: Scheme, tables: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for level in LEVELS:
        for code, table in scheme.tables.complications[level].items():
            found.setdefault(code, []).append(f"{level} {tables.get(table, table)}".rstrip())
    return {code: ", ".join(levels) for code, levels in found.items()}


def _sites(scheme: Scheme) -> dict[str, str]:
    return {code: ", ".join(sorted(sites)) for code, sites in scheme.tables.trauma_sites.items()}
