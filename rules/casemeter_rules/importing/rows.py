"""From a row of a national table to rows of rules, or to what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from casemeter_grouper.pack.dictionaries import shipped_dictionary
from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.tables import Record
from casemeter_rules.columns import CellError
from casemeter_rules.finding import RuleState
from casemeter_rules.importing.sources import Source, Target
from casemeter_rules.importing.widen import Equivalents, widened
from casemeter_rules.kind import Context, sets_all_aside
from casemeter_rules.kinds import kinds
from casemeter_rules.pack.rows import COMMON, WORKING, rule_id

_ASIDE: Final = (
    "its kind sets all its codes aside (disorders of sex development): no stay can break it",
    "该类规则不适用于其全部编码（性发育异常），任何病例都不会触发",
)
_NOT_PLAIN: Final = re.compile(r"[\\.*+?\[\]{}^$()]")


@dataclass(slots=True)
class Row:
    """A row of a rule table.

    Attributes:
        kind: of the rule.
        cells: as text.
        place: file and line it comes from.
        shadow: it is working material.
        widened: it was widened.
        join: the column in which rows are joined; empty: they are not.
    """

    kind: str
    cells: dict[str, str]
    place: tuple[str, int]
    shadow: bool = False
    widened: bool = False
    join: str = ""


def rows_of(record: Record, source: Source, equivalents: Equivalents, faults: list[Fault]) -> list[Row]:
    """Return the rows that a row of a source makes; with a fault in any of them it makes none."""
    before = len(faults)
    rows = [
        _row(record, source, target, equivalents, faults)
        for target in source.targets
        if _is_meant(record, target)
    ]
    return [] if len(faults) > before else rows


def _is_meant(record: Record, target: Target) -> bool:
    for column, values in target.when.items():
        cell = record[column]
        without = [value[1:] for value in values if value.startswith("!")]
        if without:
            if cell in without:
                return False
        elif cell not in values and not (cell and "*" in values):
            return False
    return True


def _row(
    record: Record, source: Source, target: Target, equivalents: Equivalents, faults: list[Fault]
) -> Row:
    said: list[Fault] = []
    for column, known in target.known.items():
        if record[column] not in known:
            said.append(_unknown_value(record, source, column, known))
    cells = dict(target.constants)
    for column, own in target.columns.items():
        becomes = _becomes(record[own], column, target)
        if becomes is None:
            known = tuple(value for value in target.values[column] if value)
            said.append(_unknown_value(record, source, own, known))
        else:
            cells[column] = becomes
    for column in target.plain:
        if _NOT_PLAIN.search(cells.get(column, "")):
            details = _details(cells[column], "words with | between", "以 | 分隔的词", "重症感染|败血症")
            said.append(Fault("bad_cell", source.file, record.line, target.columns[column], details))
    for first, second in target.unordered[:1]:
        if cells[first] > cells[second]:
            for one, other in target.unordered:
                cells[one], cells[other] = cells[other], cells[one]
    cells["basis"] = record["basis"]
    row = Row(target.kind, cells, (source.file, record.line), join=target.join)
    row.widened = target.widen and widened(cells, equivalents)
    working = cells["basis"].startswith(WORKING)
    row.shadow = working or any(record[column] in values for column, values in source.shadow.items())
    if row.shadow and not cells.get("state"):
        cells["state"] = RuleState.SHADOW
    faults += said or _faults(row, target)
    return row


def _becomes(cell: str, column: str, target: Target) -> str | None:
    """Return what a cell becomes; ``None``: its value is not known."""
    if column not in target.values:
        return cell
    own = target.values[column]
    if cell in own:
        return own[cell]
    if "|" in cell and all(part in own for part in cell.split("|")):
        return "|".join(own[part] for part in cell.split("|"))
    for pattern, becomes in target.patterns.get(column, ()):
        match = pattern.fullmatch(cell)
        if match is not None:
            return match.expand(becomes)
    return target.otherwise.get(column)


def _unknown_value(record: Record, source: Source, column: str, known: tuple[str, ...]) -> Fault:
    listed = [value for value in known if value]
    details = {"value": record[column][:60], "known": ", ".join(listed)}
    return Fault("not_a_choice", source.file, record.line, column, details)


def _details(value: str, english: str, chinese: str, example: str) -> Mapping[str, object]:
    return {"value": value[:60], "expected_en": english, "expected_zh": chinese, "example": example}


def _faults(row: Row, target: Target) -> Iterator[Fault]:
    """Read the row as its table will be read, and say what is wrong, by the columns of its source."""
    kind = kinds()[row.kind]
    cells: dict[str, Any] = {}
    sound = True
    for column in (*kind.columns, *COMMON):
        cell = row.cells.get(column.name, "")
        cells[column.name] = column.empty
        try:
            if cell:
                cells[column.name] = column.read(cell)
        except CellError as error:
            sound = False
            details = _details(cell, error.expected_en, error.expected_zh, error.example)
            yield Fault("bad_cell", *row.place, target.columns.get(column.name, column.name), details)
    if sound and kind.check_row is not None:
        for name, english, chinese in kind.check_row(cells):
            details = {"problem_en": english, "problem_zh": chinese}
            yield Fault("bad_row", *row.place, target.columns.get(name, name), details)
    if sound and kind.unless is not None and kind.triggers is not None:
        triggers = list(kind.triggers(cells, Context(shipped_dictionary(), {})))
        if sets_all_aside(kind, triggers):
            details = {"problem_en": _ASIDE[0], "problem_zh": _ASIDE[1]}
            yield Fault("bad_row", *row.place, target.columns.get(kind.columns[0].name, ""), details)


def id_of(row: Row) -> str:
    """Return the id of the rule that a sound row makes."""
    kind = kinds()[row.kind]
    cells = {
        column.name: column.read(row.cells[column.name]) if row.cells.get(column.name) else column.empty
        for column in kind.columns
    }
    return rule_id(kind, cells)
