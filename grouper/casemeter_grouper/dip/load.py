"""From the folder of a DIP catalogue to the catalogue, with every fault of the folder at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from casemeter_grouper.dictionary import Dictionary
from casemeter_grouper.dip.catalogue import Catalogue, CatalogueGroup
from casemeter_grouper.dip.compiled import KIND
from casemeter_grouper.dip.header import CatalogueFile, read_header
from casemeter_grouper.dip.options import Options
from casemeter_grouper.dip.rows import (
    CATALOGUE,
    KINDS,
    GroupRow,
    decimal,
    millionths,
    read_groups,
    read_kinds,
)
from casemeter_grouper.pack.dictionaries import read_dictionary
from casemeter_grouper.pack.faults import ERROR, Fault, PackError, is_lost
from casemeter_grouper.pack.header import FILE
from casemeter_grouper.pack.load import source_files
from casemeter_grouper.pack.tables import Columns, Record, read_table, whole_number

MEASURES = "measures.csv"

_MEASURES: Final = Columns(
    ("group_code", "mean_cost_yuan"), (), ("mean_los_days", "cv", "cases", "upper_multiple")
)


@dataclass(frozen=True)
class LoadedCatalogue:
    """A catalogue as read, where its groups stand, and what was found on the way.

    Attributes:
        lines: line of ``catalogue.csv`` by group code.
        faults: warnings.
    """

    folder: Path
    catalogue: Catalogue
    lines: Mapping[str, int]
    faults: tuple[Fault, ...]


def load(folder: Path) -> LoadedCatalogue:
    """Read a catalogue.

    Args:
        folder: the folder of tables.

    Raises:
        PackError: the pack has errors; the exception holds every fault, warnings too.
    """
    faults: list[Fault] = []
    header = read_header(folder, KIND, faults)
    options = header.options if header else Options()
    dictionary = read_dictionary(folder, faults)
    rows = read_groups(folder, options, faults)
    kinds = read_kinds(folder, options, faults)
    measures = _read_measures(folder, faults)
    _note_codes(rows, kinds, dictionary, faults)
    # Rows with an error are left out, so what is missing can be said of a whole table only.
    is_whole = not any(fault.severity == ERROR and fault.file == CATALOGUE for fault in faults)
    if is_whole and not is_lost(MEASURES, faults):
        _note_measures(rows, measures, faults)
    if header and is_whole:
        _note_counts(header, rows, faults)
    if header is None or any(fault.severity == ERROR for fault in faults):
        raise PackError(faults)
    groups = [
        replace(row.group, **measures[row.group.code][0]) if row.group.code in measures else row.group
        for row in rows
    ]
    named = {code for row in rows for code in row.group.procedures}
    catalogue = Catalogue(
        header=header.header,
        options=options,
        groups=tuple(sorted(groups, key=lambda group: group.order)),
        kinds={code: kind for code, (kind, _) in sorted(kinds.items()) if kind},
        diagnoses=tuple(sorted(dictionary.diagnoses)),
        procedures=tuple(sorted({*dictionary.procedures, *kinds, *named})),
        code_names=(dictionary.diagnoses, dictionary.procedures),
        code_maps=(dictionary.diagnosis_map, dictionary.procedure_map),
        dictionary_sha256=dictionary.sha256,
        demonstration=header.demonstration,
        sources={path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source_files(folder)},
    )
    lines = {row.group.code: row.line for row in rows}
    return LoadedCatalogue(folder, catalogue, lines, tuple(faults))


_Measures = dict[str, tuple[dict[str, Any], int]]
"""What was measured, and the line, by group code."""


def _read_measures(folder: Path, faults: list[Fault]) -> _Measures:
    measures: _Measures = {}
    if not (folder / MEASURES).exists():
        faults.append(Fault("no_measures", MEASURES))
        return measures
    lines: dict[str, int] = {}
    for record in read_table(folder, MEASURES, _MEASURES, faults):
        code = record["group_code"]
        first = lines.setdefault(code, record.line)
        if first != record.line:
            details = {"group": code, "first": first}
            faults.append(Fault("group_twice", MEASURES, record.line, "group_code", details))
            continue
        measures[code] = _measured(record, faults), record.line
    return measures


def _measured(record: Record, faults: list[Fault]) -> dict[str, Any]:
    mean = decimal(record, "mean_cost_yuan", MEASURES, faults)
    if mean == 0:
        faults.append(Fault("mean_is_zero", MEASURES, record.line, "mean_cost_yuan"))
    values: dict[str, Any] = {"mean_cost": None if mean is None else millionths(mean)}
    for column in ("mean_los_days", "cv", "upper_multiple"):
        if record[column] and (number := decimal(record, column, MEASURES, faults)) is not None:
            values[column] = number if column == "upper_multiple" else float(number)
    if record["cases"]:
        values["cases"] = whole_number(record, "cases", MEASURES, faults)
    return values


def _note_codes(
    rows: Sequence[GroupRow],
    kinds: Mapping[str, tuple[str, int]],
    dictionary: Dictionary,
    faults: list[Fault],
) -> None:
    def note(file: str, line: int, column: str, code: str) -> None:
        if code not in dictionary.procedures:
            faults.append(Fault("unknown_code", file, line, column, {"code": code}))

    for code, (_, line) in kinds.items():
        note(KINDS, line, "code", code)
    for row in rows:
        for column, codes in _procedures(row.group):
            for code in codes:
                note(CATALOGUE, row.line, column, code)


def _procedures(group: CatalogueGroup) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("main_procedures", group.main_procedures), ("other_procedures", group.other_procedures)


def _note_measures(rows: Sequence[GroupRow], measures: _Measures, faults: list[Fault]) -> None:
    groups = {row.group.code for row in rows}
    for code, (_, line) in measures.items():
        if code not in groups:
            faults.append(Fault("measure_of_no_group", MEASURES, line, "group_code", {"group": code}))
    for row in rows:
        if measures and row.group.code not in measures:
            details = {"group": row.group.code, "file": MEASURES}
            faults.append(Fault("measure_missing", CATALOGUE, row.line, "group_code", details))


def _note_counts(header: CatalogueFile, rows: Sequence[GroupRow], faults: list[Fault]) -> None:
    for what, stated in header.counts.items():
        actual = len(rows) if what == "groups" else sum(row.group.kind == what for row in rows)
        if actual != stated:
            details = {"what": what, "stated": stated, "actual": actual}
            faults.append(Fault("count_differs", FILE, header.counts_line, "counts", details))
