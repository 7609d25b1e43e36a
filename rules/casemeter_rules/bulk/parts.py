"""The files a table of pairs is in, and their rows in batches, with what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from casemeter_grouper.pack.faults import Fault, nearest

COLUMNS: Final = ("item_code", "diagnosis_code", "basis")
BATCH: Final = 1 << 20
"""Rows of a Parquet file that are read at a time."""

BLOCK: Final = 32 << 20
"""Bytes of a CSV file that are read at a time."""

ROW: Final = " row"
"""Column of the rows' numbers as whoever opens the file counts: the header of a CSV file is its line 1."""

MOST_NAMED: Final = 1000
"""How many bad rows are named one by one. Those beyond are counted."""


class BadRows:
    """What is wrong with the rows of a table: each by its file and row, up to a limit, and the count of all.

    Attributes:
        faults: of everything so far.
        count: of the cells that cannot be used.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.count = 0

    def note(self, fault: Fault) -> None:
        """Note a cell that cannot be used."""
        self.count += 1
        if self.count <= MOST_NAMED:
            self.faults.append(fault)

    def count_only(self, cells: int) -> None:
        """Note cells beyond the limit, which are not named."""
        self.count += cells

    @property
    def room(self) -> int:
        """How many more are named."""
        return max(0, MOST_NAMED - self.count)

    def all(self, name: str) -> list[Fault]:
        """Return every fault, the last one telling how many there are in the table of a name."""
        if self.count <= MOST_NAMED:
            return self.faults
        rest = self.count - MOST_NAMED
        details = {
            "problem_en": f"{self.count:,} cells of the table cannot be used; {rest:,} of them are not named",
            "problem_zh": f"该表共有 {self.count:,} 个单元格无法使用，其中 {rest:,} 个未逐一列出",
        }
        return [*self.faults, Fault("bad_row", name, details=details)]


def batches(folder: Path, path: Path, bad: BadRows) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file as text, with their numbers in a column :data:`ROW`.

    What is wrong with the file as a whole is noted, and nothing more of it comes.
    """
    file = path.relative_to(folder).as_posix()
    pieces = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    sound = False
    try:
        for piece in pieces:
            if not sound:
                sound = _header_is_sound(file, piece.columns, bad.faults)
                if not sound:
                    return
            written = {name.strip(): name for name in piece.columns}
            cells = [pl.col(written[name]).cast(pl.String).alias(name) for name in COLUMNS]
            yield piece.select(ROW, *cells)
    except _NotCsv as error:
        bad.faults.append(Fault(error.kind, file, error.row, details={"reason": error.reason}))
    except (pl.exceptions.PolarsError, OSError) as error:
        bad.faults.append(Fault("unreadable_file", file, details={"reason": _first_line(error)}))


class _NotCsv(Exception):
    """A piece of a CSV file cannot be read.

    Attributes:
        kind: of the fault.
        row: line of the file.
        reason: why.
    """

    def __init__(self, kind: str, row: int, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.row = row
        self.reason = reason


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    frame = pl.scan_parquet(path)
    rows = frame.select(pl.len()).collect().item()
    for start in range(0, max(rows, 1), BATCH):
        yield frame.slice(start, BATCH).collect().with_row_index(ROW, start + 1)


def _csv(path: Path) -> Iterator[pl.DataFrame]:
    """Yield pieces of a CSV file; rows without anything are left out."""
    with path.open("rb") as file:
        header = file.readline()
        line = 2
        rest = b""
        while True:
            block = file.read(BLOCK)
            piece, rest = _whole_rows(rest + block) if block else (rest, b"")
            if piece or line == 2:
                yield _read_csv(header, piece, line)
                line += piece.count(b"\n")
            if not block:
                return


def _whole_rows(block: bytes) -> tuple[bytes, bytes]:
    """Cut a block behind its last line end that stands in no quotes."""
    end = block.rfind(b"\n") + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.rfind(b"\n", 0, end - 1) + 1
    return block[:end], block[end:]


def _read_csv(header: bytes, piece: bytes, line: int) -> pl.DataFrame:
    try:
        found = pl.read_csv(header + piece, infer_schema=False).with_row_index(ROW, line)
    except pl.exceptions.NoDataError:
        return pl.DataFrame({ROW: []})
    except pl.exceptions.PolarsError as error:
        try:
            (header + piece).decode()
        except UnicodeDecodeError as wrong:
            row = line - 1 + (header + piece).count(b"\n", 0, wrong.start)
            raise _NotCsv("not_utf8", row, "") from None
        raise _NotCsv("not_csv", line, _first_line(error)) from None
    if piece and len(found) != piece.count(b"\n") + (not piece.endswith(b"\n")):
        found = found.with_columns(_starts(piece, line).alias(ROW))
    return found.filter(pl.any_horizontal(pl.exclude(ROW).is_not_null()))


def _starts(piece: bytes, line: int) -> pl.Series:
    """Return the lines at which rows begin, where some rows are longer than a line."""
    starts: list[int] = []
    quotes = 0
    for at, text in enumerate(piece.removesuffix(b"\n").split(b"\n")):
        if quotes % 2 == 0:
            starts.append(line + at)
        quotes += text.count(b'"')
    return pl.Series(starts, dtype=pl.UInt32)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _header_is_sound(file: str, names: Sequence[str], faults: list[Fault]) -> bool:
    found = [name.strip() for name in names if name != ROW]
    listed = ", ".join(found) or "-"
    missing = [name for name in COLUMNS if name not in found]
    twice = {name for name in found if found.count(name) > 1}
    faults += [Fault("missing_column", file, 1, name, {"column": name, "found": listed}) for name in missing]
    faults += [Fault("column_twice", file, 1, name, {"column": name}) for name in sorted(twice)]
    faults += [
        Fault("unknown_column", file, 1, name, {"column": name, "known": nearest(name, COLUMNS)})
        for name in found
        if name not in COLUMNS
    ]
    return not missing and not twice
