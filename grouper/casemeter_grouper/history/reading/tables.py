"""Files as tables: which columns they have, whether these can be used, and their rows in frames."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from casemeter_grouper.history.reading.cells import text
from casemeter_grouper.history.reading.columns import RECORD, Column, Header, header_of, table_of
from casemeter_grouper.history.reading.csv_files import CsvSource
from casemeter_grouper.history.reading.encodings import encoding_of
from casemeter_grouper.history.reading.faults import HistoryError, HistoryFault
from casemeter_grouper.history.reading.rows import Rows, Source

CHUNK_ROWS: Final = 100_000

SUFFIXES: Final = (".parquet", ".csv", ".csv.gz")
"""Endings of files that can be read."""

_NUMERIC: Final = ("whole numbers", "numbers", "decimals", "text")
_TYPES: Final = {
    "text": ("text", "whole numbers"),
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "money": _NUMERIC,
    "fen": _NUMERIC,
    "date": ("dates", "text"),
}


@dataclass(frozen=True)
class Table:
    """A file that can be read.

    Attributes:
        kind: of the table.
        header: what its titles say.
    """

    source: Source
    kind: str
    header: Header

    @property
    def path(self) -> Path:
        """Path of the file."""
        return self.source.path

    def title_of(self, code: str) -> str:
        """Title of a column in the file; its code where it is not there."""
        return next((title for title, column in self.header.columns.items() if column.code == code), code)

    def rows(self, fields: Sequence[str] | None = None) -> Iterator[Rows]:
        """Yield the rows in order, :data:`CHUNK_ROWS` at most at a time.

        Args:
            fields: read only the columns that are for these; ``None``: all.
        """
        chosen = {
            title: column.code
            for title, column in self.header.columns.items()
            if fields is None or column.field in fields
        }
        for rows in self._read(list(chosen)):
            frame, broken = rows.frame.rename(chosen), rows.broken
            for first in range(0, max(len(frame), 1), CHUNK_ROWS):
                part = slice(first, first + CHUNK_ROWS)
                yield Rows(rows.numbers[part], frame[part], broken)
                broken = ()

    def _read(self, titles: Sequence[str]) -> Iterator[Rows]:
        try:
            yield from self.source.rows(titles)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            # Its end was sound, or it would not have been opened: it is damaged further inside. Some damage
            # makes polars stumble over itself.
            raise HistoryError([HistoryFault("not_parquet", self.path)]) from None


class ParquetSource:
    """A Parquet file; see :class:`Source`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.encoding = "utf-8"
        self._schema = pl.scan_parquet(path).collect_schema()
        self.titles = tuple(self._schema.names())

    def types(self) -> Sequence[pl.DataType]:
        """See :class:`Source`."""
        return self._schema.dtypes()

    def rows(self, titles: Sequence[str]) -> Iterator[Rows]:
        """See :class:`Source`."""
        frame = pl.scan_parquet(self.path).select(titles)
        rows: int = pl.scan_parquet(self.path).select(pl.len()).collect().item()
        # Slice by slice: read at once, a file would be in memory by whole row groups, and several of them.
        for first in range(0, rows, CHUNK_ROWS):
            part = frame.slice(first, CHUNK_ROWS).collect()
            yield Rows(np.arange(first + 1, first + len(part) + 1), part)


def open_tables(paths: Iterable[Path], kind: str) -> list[Table]:
    """Open the tables of a kind.

    Args:
        paths: files (Parquet, CSV, CSV packed by gzip), and folders of them, whose files are taken in the
            order of their names. Files that hold another kind of table are left alone.
        kind: one of :data:`~casemeter_grouper.history.reading.columns.TABLES`.

    Raises:
        HistoryError: some file cannot be read, or there is no such table; all faults of all files.
    """
    tables: list[Table] = []
    faults: list[HistoryFault] = []
    seen: set[Path] = set()
    given = list(paths)
    for path in given:
        for file in _files(path):
            if file.resolve() in seen:
                faults.append(HistoryFault("file_twice", file))
                continue
            seen.add(file.resolve())
            table, found = _open(file, kind)
            faults += found
            tables += [table] if table else []
    if not tables and not faults:
        faults = [HistoryFault("no_files", path, {"table": kind}) for path in given]
    if faults:
        raise HistoryError(faults)
    return tables


def headers_again(table: Table, rows: Rows) -> list[HistoryFault]:
    """The faults of rows that repeat the header, as in files that were put together."""
    repeated = text(rows.frame[RECORD]) == table.title_of(RECORD)
    places = rows.numbers[repeated.fill_null(False).to_numpy()]
    return [HistoryFault("header_again", table.path, row=row) for row in places.tolist()]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.name.lower().endswith(SUFFIXES))


def _open(path: Path, kind: str) -> tuple[Table | None, list[HistoryFault]]:
    """Return a table, or its faults; neither: it is of another kind."""
    source, fault = _source_of(path)
    if source is None:
        return None, [fault] if fault else []
    header = header_of(source.titles, kind)
    if table_of(source.titles) != kind:
        return None, []
    faults = [
        HistoryFault("column_twice", path, {"first": first, "second": second})
        for first, second in header.twice
    ]
    if header.missing:
        wanted = ", ".join("/".join((column.code, *column.titles)) for column in header.missing)
        faults.append(HistoryFault("missing_columns", path, {"columns": wanted}))
    for title, dtype in zip(source.titles, source.types(), strict=True):
        column = header.columns.get(title)
        if column is not None and not _fits(column, dtype):
            details = {"column": title, "found": dtype, "expected": " or ".join(_TYPES[column.type])}
            faults.append(HistoryFault("wrong_type", path, details))
    return (None if faults else Table(source, kind, header)), faults


def _source_of(path: Path) -> tuple[Source | None, HistoryFault | None]:
    name = path.name.lower()
    try:
        if path.stat().st_size == 0:
            return None, HistoryFault("empty_file", path)
        if name.endswith(".parquet"):
            return ParquetSource(path), None
        if not name.endswith(SUFFIXES):
            return None, HistoryFault("other_suffix", path, {"suffix": path.suffix or path.name})
        encoding, fault = encoding_of(path)
        if fault:
            return None, fault
        source = CsvSource(path, encoding)
        return (source, None) if source.titles else (None, HistoryFault("empty_file", path))
    except FileNotFoundError:
        return None, HistoryFault("missing_file", path)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return None, HistoryFault("gzip_damaged", path)
    except OSError as error:
        return None, HistoryFault("unreadable", path, {"why": error.strerror or str(error)})
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None, HistoryFault("not_parquet", path)


def _fits(column: Column, dtype: pl.DataType) -> bool:
    """Whether cells of a type can be read as what a column is for."""
    if dtype == pl.Null:
        return True
    kinds = {
        "text": dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum),
        "whole numbers": dtype.is_integer(),
        "numbers": dtype.is_float(),
        "decimals": dtype.is_decimal(),
        "dates": dtype == pl.Date or isinstance(dtype, pl.Datetime),
    }
    return any(kinds[name] for name in _TYPES[column.type])
