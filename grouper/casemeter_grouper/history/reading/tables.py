"""Files as tables: which columns they have, whether these can be used, and their rows in frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.history.reading.columns import Column, Header, header_of, table_of
from casemeter_grouper.history.reading.faults import HistoryFault

CHUNK_ROWS: Final = 100_000

_NUMERIC: Final = ("whole numbers", "numbers", "decimals", "text")
_TYPES: Final = {
    "text": ("text", "whole numbers"),
    "integer": _NUMERIC,
    "number": _NUMERIC,
    "money": _NUMERIC,
    "fen": _NUMERIC,
    "date": ("dates", "text"),
}


class Rows(NamedTuple):
    """Rows of a file.

    Attributes:
        numbers: int64, the places of the rows in the file, counted from 1.
        frame: the columns that are read, named by their codes.
        broken: places of rows that stand among or before these and are no rows of the table.
    """

    numbers: NDArray[np.int64]
    frame: pl.DataFrame
    broken: tuple[int, ...] = ()


class Source(Protocol):
    """What a file is read with.

    Attributes:
        path: of the file.
        titles: of its columns.
    """

    path: Path
    titles: tuple[str, ...]

    def types(self) -> Sequence[pl.DataType]:
        """Types of the columns."""

    def rows(self, titles: Sequence[str]) -> Iterator[Rows]:
        """Yield the rows with these columns, named by their titles."""


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
        for rows in self.source.rows(list(chosen)):
            yield rows._replace(frame=rows.frame.rename(chosen))


class ParquetSource:
    """A Parquet file; see :class:`Source`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._schema = pl.scan_parquet(path).collect_schema()
        self.titles = tuple(self._schema.names())

    def types(self) -> Sequence[pl.DataType]:
        """See :class:`Source`."""
        return self._schema.dtypes()

    def rows(self, titles: Sequence[str]) -> Iterator[Rows]:
        """See :class:`Source`."""
        done = 0
        batches = (
            pl.scan_parquet(self.path)
            .select(titles)
            .collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True)
        )
        for batch in batches:
            for frame in batch.iter_slices(CHUNK_ROWS):
                yield Rows(np.arange(done + 1, done + len(frame) + 1), frame)
                done += len(frame)


def open_table(path: Path) -> tuple[Table | None, list[HistoryFault]]:
    """Open a file.

    Returns:
        The table, and every fault of the file; with any the table cannot be read.
    """
    source, faults = _source_of(path)
    if source is None:
        return None, faults
    kind = table_of(source.titles)
    header = header_of(source.titles, kind)
    faults += [
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
    return Table(source, kind, header), faults


def _source_of(path: Path) -> tuple[Source | None, list[HistoryFault]]:
    try:
        if path.stat().st_size == 0:
            return None, [HistoryFault("empty_file", path)]
        return ParquetSource(path), []
    except FileNotFoundError:
        return None, [HistoryFault("missing_file", path)]
    except OSError as error:
        return None, [HistoryFault("unreadable", path, {"why": error.strerror or str(error)})]
    except pl.exceptions.PolarsError:
        return None, [HistoryFault("not_parquet", path)]


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
