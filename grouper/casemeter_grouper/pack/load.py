"""From the folder of a pack to a scheme, with every fault of the folder at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from casemeter_grouper.dictionary import Dictionary
from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_grouper.pack.domains import CODE_TABLES, SETS, Domains, by_domain
from casemeter_grouper.pack.faults import ERROR, Fault, PackError, is_lost
from casemeter_grouper.pack.groups import groups_of
from casemeter_grouper.pack.header import SchemeFile, read_header
from casemeter_grouper.pack.members import PREFIX, CodeTable, code_table
from casemeter_grouper.pack.resolve import known_codes, resolve
from casemeter_grouper.pack.tables import Columns, read_table
from casemeter_grouper.pack.tree import MDC_FILE, ROW_FILE, RULE_FILE, Places, read_tree
from casemeter_grouper.scheme import VALID_PROCEDURES, Scheme, Tree

NAME_FILE, WEIGHT_FILE = "drg_names.csv", "weights.csv"
_NAMES = Columns(("drg",), ("name",))
_WEIGHTS = Columns(("drg",), ("weight",), ("name",))
_WEIGHT = re.compile(r"\d{1,6}(\.\d{1,12})?\Z")


@dataclass(frozen=True)
class LoadedPack:
    """A pack as read: the scheme, where its parts stand, and what was found on the way."""

    folder: Path
    scheme: Scheme
    places: Places
    tables: Mapping[str, CodeTable]
    dictionary: Dictionary
    pin: str
    faults: tuple[Fault, ...]


def load(folder: Path) -> LoadedPack:
    """Read a pack.

    Args:
        folder: the folder of tables.

    Raises:
        PackError: the pack has errors; the exception holds every fault, warnings too.
    """
    faults: list[Fault] = []
    header = read_header(folder, faults)
    dictionary = read_dictionary(folder, faults)
    tables = {
        file: code_table(file, column, key, read_table(folder, file, columns, faults), faults)
        for file, (column, key, columns) in CODE_TABLES.items()
    }
    empty_sets = header.empty_sets if header else frozenset()
    set_names = {key[0] for key in tables[SETS].by_key} | empty_sets | {VALID_PROCEDURES}
    retry = header.retry_each_procedure if header else False
    sets_are_read = header is not None and not is_lost(SETS, faults)
    tree, places = read_tree(folder, set_names if sets_are_read else None, retry, faults)
    tree_is_whole = not any(
        fault.severity == ERROR and fault.file in (MDC_FILE, RULE_FILE, ROW_FILE) for fault in faults
    )
    names = _read_names(folder, faults)
    weights = _read_weights(folder, faults)
    domains = Domains.of_tree(tree)
    known = known_codes(tables, domains, dictionary)
    code_tables = resolve(tables, set_names, domains, by_domain(*known), faults)
    _note_unknown_codes(tables, dictionary, faults)
    if header:
        _note_header(header, tables, dictionary, faults)
    if tree_is_whole and not is_lost(NAME_FILE, faults):
        _note_names(tree, names, places, faults)
    if header and tree_is_whole:
        _note_counts(header, tree, places, faults)
    if header is None or any(fault.severity == ERROR for fault in faults):
        raise PackError(faults)
    scheme = Scheme(
        header=header.header,
        tree=tree,
        tables=code_tables,
        diagnoses=known[0],
        procedures=known[1],
        names={group: name for group, (name, _) in names.items() if name},
        weights=weights,
        code_names=(dictionary.diagnoses, dictionary.procedures),
        code_maps=(dictionary.diagnosis_map, dictionary.procedure_map),
        dictionary_sha256=dictionary.sha256,
        sources={path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source_files(folder)},
    )
    return LoadedPack(folder, scheme, places, tables, dictionary, header.pin, tuple(faults))


def _read_names(folder: Path, faults: list[Fault]) -> dict[str, tuple[str, int]]:
    names: dict[str, tuple[str, int]] = {}
    for record in read_table(folder, NAME_FILE, _NAMES, faults):
        name, first = names.setdefault(record["drg"], (record["name"], record.line))
        if first != record.line:
            details = {"group": record["drg"], "name": name, "first": first}
            faults.append(Fault("name_twice", NAME_FILE, record.line, "drg", details))
    return names


def _read_weights(folder: Path, faults: list[Fault]) -> dict[str, str]:
    weights: dict[str, str] = {}
    lines: dict[str, int] = {}
    if not (folder / WEIGHT_FILE).is_file():
        return weights
    for record in read_table(folder, WEIGHT_FILE, _WEIGHTS, faults):
        group, weight = record["drg"], record["weight"]
        first = lines.setdefault(group, record.line)
        if first != record.line:
            faults.append(
                Fault("weight_twice", WEIGHT_FILE, record.line, "drg", {"group": group, "first": first})
            )
        elif weight and not _WEIGHT.match(weight):
            faults.append(Fault("bad_weight", WEIGHT_FILE, record.line, "weight", {"value": weight}))
        elif weight:
            weights[group] = weight
    return weights


def _note_unknown_codes(tables: Mapping[str, CodeTable], dictionary: Dictionary, faults: list[Fault]) -> None:
    for table in tables.values():
        for row in table.rows:
            if (
                row.match != PREFIX
                and row.code not in dictionary.diagnoses
                and row.code not in dictionary.procedures
            ):
                faults.append(Fault("unknown_code", table.file, row.line, table.column, {"code": row.code}))


def _note_names(
    tree: Tree, names: Mapping[str, tuple[str, int]], places: Places, faults: list[Fault]
) -> None:
    given = groups_of(tree)
    for group, leaf in given.items():
        if not names.get(group, ("", 0))[0]:
            if leaf.row:
                place = (ROW_FILE, places.rows[leaf.rule.name, leaf.row.seq], "drg")
            else:
                place = (RULE_FILE, places.rules[leaf.rule.name], "otherwise")
            faults.append(Fault("name_missing", *place, {"group": group}))
    adrgs = {rule.adrg for mdc in tree.mdcs for rule in mdc.rules}
    for group, (_, line) in names.items():
        if group not in given and group not in adrgs:
            faults.append(Fault("name_of_no_group", NAME_FILE, line, "drg", {"group": group}))


def _note_header(
    header: SchemeFile, tables: Mapping[str, CodeTable], dictionary: Dictionary, faults: list[Fault]
) -> None:
    has_prefix = any(row.match == PREFIX for table in tables.values() for row in table.rows)
    if header.pin and header.pin != dictionary.sha256:
        if has_prefix:
            details = {"pinned": header.pin[:12], "actual": dictionary.sha256[:12]}
            faults.append(header.fault("dictionary_changed", "dictionary_sha256", details))
    elif has_prefix and not header.pin:
        faults.append(header.fault("dictionary_not_pinned", "dictionary_sha256", {}))
    for name in sorted(header.empty_sets):
        if (name,) in tables[SETS].by_key:
            faults.append(header.fault("empty_set_filled", "empty_sets", {"set": name}))


def _note_counts(header: SchemeFile, tree: Tree, places: Places, faults: list[Fault]) -> None:
    for mdc in tree.mdcs:
        if not mdc.rules:
            line = places.mdcs[mdc.name]
            faults.append(Fault("mdc_without_rules", MDC_FILE, line, "mdc", {"name": mdc.name}))
    rules = [rule for mdc in tree.mdcs for rule in mdc.rules]
    actual = {
        "mdc": len(tree.mdcs),
        "adrg": len({rule.adrg for rule in rules}),
        "drg": len({row.group for rule in rules for row in rule.rows}),
    }
    for what, stated in header.counts.items():
        if what in actual and actual[what] != stated:
            counted: dict[str, object] = {"what": what, "stated": stated, "actual": actual[what]}
            faults.append(header.fault("count_differs", what if what in header.lines else "counts", counted))


def source_files(folder: Path) -> list[Path]:
    """Return the files of a pack that its bundle records, sorted by name."""
    return sorted(path for ending in ("csv", "toml") for path in folder.glob(f"*.{ending}") if path.is_file())
