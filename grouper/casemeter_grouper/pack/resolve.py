"""From the rows of the code tables to the codes they name: what is known, and who is a member of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from casemeter_grouper.dictionary import Dictionary
from casemeter_grouper.pack.domains import COMPLICATIONS, EXCLUSIONS, SETS, TRAUMA, VALID, Domain, Domains
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.members import PREFIX, CodeRow, CodeTable
from casemeter_grouper.scheme import LEVELS, VALID_PROCEDURES, CodeTables

MAX_SITES = 64
"""The most body sites a scheme may tell apart: one bit each."""

Known = Mapping[Domain, Sequence[str]]
"""The known codes of each domain, sorted."""


def known_codes(
    tables: Mapping[str, CodeTable], domains: Domains, dictionary: Dictionary
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Codes of the dictionary and those the pack names, diagnoses and procedures, each sorted."""
    known = (set(dictionary.diagnoses), set(dictionary.procedures))
    for table in tables.values():
        for key, rows in table.by_key.items():
            domain = domains.of(table.file, key)
            for row in rows:
                if row.match != PREFIX:
                    known[domain.kind(row.code)].add(row.code)
    return tuple(sorted(known[0])), tuple(sorted(known[1]))


def resolve(
    tables: Mapping[str, CodeTable],
    set_names: Iterable[str],
    domains: Domains,
    known: Known,
    faults: list[Fault],
) -> CodeTables:
    """Return what the code tables say of every code, with prefixes and exceptions worked out.

    Args:
        tables: the five tables by file name.
        set_names: names of all sets, those without rows among them.
        domains: which codes each set speaks of.
        known: the known codes.
        faults: where contradictions are noted.
    """
    sets: dict[str, frozenset[str]] = {}
    for name in sorted(set_names):
        codes = known[domains.of(SETS, (name,))]
        sets[name] = frozenset(tables[SETS].members((name,), codes, faults))
    for row in tables[SETS].by_key.get((VALID_PROCEDURES,), []):
        faults.append(Fault("set_defined_twice", SETS, row.line, "set", {"set": VALID_PROCEDURES}))
    sets[VALID_PROCEDURES] = frozenset(tables[VALID].members((), known[Domain.PROCEDURES], faults))
    diagnoses = known[Domain.DIAGNOSES]
    exclusions = _one_table_each(tables[EXCLUSIONS], tables[EXCLUSIONS].by_key, diagnoses, faults)
    return CodeTables(
        sets=sets,
        complications=_complications(tables[COMPLICATIONS], diagnoses, faults),
        exclusions={code: name for code, (name, _) in exclusions.items()},
        trauma_sites=_trauma_sites(tables[TRAUMA], diagnoses, faults),
        known=(frozenset(diagnoses), frozenset(known[Domain.PROCEDURES])),
    )


def _trauma_sites(table: CodeTable, known: Sequence[str], faults: list[Fault]) -> dict[str, frozenset[str]]:
    sites: dict[str, set[str]] = {}
    for key in table.by_key:
        for code in table.members(key, known, faults):
            sites.setdefault(code, set()).add(key[0])
    beyond = list(table.by_key.values())[MAX_SITES:]
    if beyond:
        details = {"count": len(table.by_key), "limit": MAX_SITES}
        faults.append(Fault("too_many_sites", table.file, beyond[0][0].line, "site", details))
    return {code: frozenset(found) for code, found in sites.items()}


def _complications(table: CodeTable, known: Sequence[str], faults: list[Fault]) -> dict[str, dict[str, str]]:
    for key, rows in table.by_key.items():
        if key[0] not in LEVELS:
            faults += [Fault("bad_level", table.file, row.line, "level", {"value": key[0]}) for row in rows]
    found = {
        level: _one_table_each(table, [key for key in table.by_key if key[0] == level], known, faults)
        for level in LEVELS
    }
    for code, (_, row) in found["CC"].items():
        if code in found["MCC"]:
            details = {"code": code, "first": found["MCC"][code][1].line}
            faults.append(Fault("both_levels", table.file, row.line, "level", details))
    return {level: {code: name for code, (name, _) in codes.items()} for level, codes in found.items()}


def _one_table_each(
    table: CodeTable, keys: Iterable[tuple[str, ...]], known: Sequence[str], faults: list[Fault]
) -> dict[str, tuple[str, CodeRow]]:
    """Exclusion table by code, with its row; a code under two is an error, for which one counts is open."""
    found: dict[str, tuple[str, CodeRow]] = {}
    for key in keys:
        for code, row in table.members(key, known, faults).items():
            other, first = found.setdefault(code, (key[-1], row))
            if other != key[-1]:
                details = {"code": code, "table": key[-1], "other": other, "first": first.line}
                faults.append(Fault("two_tables", table.file, row.line, "exclusion_table", details))
    return found
