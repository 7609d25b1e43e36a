"""Reading the CSV tables of a pack, with every fault of a table's form named."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from casemeter_grouper.pack.faults import Fault, nearest


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one kind of table.

    Attributes:
        filled: must be there and hold a value in every row.
        present: must be there; a cell may be empty.
        optional: may be missing altogether.
    """

    filled: tuple[str, ...]
    present: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(slots=True)
class Record:
    """One row of a table: its 1-based line in the file and its cells, blanks at the ends dropped."""

    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_text(folder: Path, file: str, faults: list[Fault]) -> str | None:
    """Return a file of the pack as text, or ``None`` with the fault noted. A byte order mark is dropped."""
    try:
        data = (folder / file).read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        faults.append(Fault("missing_file", file))
        return None
    except OSError as error:
        faults.append(Fault("unreadable_file", file, details={"reason": error.strerror or str(error)}))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.append(Fault("not_utf8", file, data.count(b"\n", 0, error.start) + 1))
        return None


def read_table(folder: Path, file: str, columns: Columns, faults: list[Fault]) -> list[Record]:
    """Read one table; rows with a fault in their form are noted and left out."""
    text = read_text(folder, file, faults)
    return [] if text is None else table_of(text, file, columns, faults)


def table_of(text: str, file: str, columns: Columns, faults: list[Fault]) -> list[Record]:
    """Read the text of a table; rows with a fault in their form are noted and left out."""
    if "\0" in text:
        faults.append(Fault("not_text", file, text.count("\n", 0, text.index("\0")) + 1))
        return []
    lines = _Lines(text)
    rows = csv.reader(lines, strict=True)
    start = 1
    table: list[list[str]] = []
    starts: list[int] = []
    try:
        for row in rows:
            table.append(row)
            starts.append(start)
            start = lines.taken + 1
    except csv.Error as error:
        faults.append(Fault("not_csv", file, start, details={"reason": str(error)}))
        return []
    header = [cell.strip() for cell in table[0]] if table else []
    if not _header_is_sound(file, header, columns, faults):
        return []
    return list(_records(zip(starts[1:], table[1:], strict=True), file, header, columns, faults))


def _header_is_sound(file: str, header: Sequence[str], columns: Columns, faults: list[Fault]) -> bool:
    required = columns.filled + columns.present
    allowed = required + columns.optional
    missing = [name for name in required if name not in header]
    faults += [
        Fault("missing_column", file, 1, name, {"column": name, "found": ", ".join(header) or "-"})
        for name in missing
    ]
    for place, name in enumerate(header):
        if name in header[:place]:
            faults.append(Fault("column_twice", file, 1, name, {"column": name}))
            missing.append(name)
        elif name not in allowed:
            details = {"column": name, "known": nearest(name, allowed)}
            faults.append(Fault("unknown_column", file, 1, name, details))
    return not missing


class _Lines:
    """The lines of a text, counting those that were taken."""

    def __init__(self, text: str) -> None:
        self._lines = iter(io.StringIO(text, newline=""))
        self.taken = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken += 1
        return line


def _records(
    rows: Iterable[tuple[int, list[str]]],
    file: str,
    header: Sequence[str],
    columns: Columns,
    faults: list[Fault],
) -> Iterator[Record]:
    width = len(header)
    for line, row in rows:
        if not row:
            continue
        if len(row) != width:
            faults.append(Fault("ragged_row", file, line, details={"cells": len(row), "columns": width}))
            continue
        cells = dict(zip(header, map(str.strip, row), strict=True))
        empty = [name for name in columns.filled if not cells[name]]
        faults += [Fault("empty_cell", file, line, name, {"column": name}) for name in empty]
        if not empty:
            yield Record(line, cells)


def whole_number(record: Record, column: str, file: str, faults: list[Fault]) -> int | None:
    """Return the cell as a whole number of at most nine digits, or ``None`` with the fault noted."""
    text = record[column]
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    faults.append(Fault("not_a_whole_number", file, record.line, column, {"value": text}))
    return None
