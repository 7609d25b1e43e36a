"""Settled stays as hospitals have them: front pages in HQMS columns, read in chunks of numbers.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.history.reading.codes import picked
from casemeter_grouper.history.reading.columns import HOSPITAL, PAGES
from casemeter_grouper.history.reading.drops import Drops, Example, examples_of, reasons
from casemeter_grouper.history.reading.faults import HistoryError, HistoryFault
from casemeter_grouper.history.reading.grouping import NONE, STATUSES, PackGrouping, Ragged
from casemeter_grouper.history.reading.keys import among, keys_of, repeated
from casemeter_grouper.history.reading.rows import Rows
from casemeter_grouper.history.reading.stays import (
    CATEGORIES,
    FEMALE,
    MALE,
    UNKNOWN,
    Choices,
    PageReader,
    absent_fees,
)
from casemeter_grouper.history.reading.tables import SUFFIXES, Table, headers_again, open_tables
from casemeter_grouper.history.settled_days import (
    KINDS,
    NO_DATE,
    NO_DAY,
    TO_THE_END,
    BesidePages,
    CourseChunk,
    DayChunk,
    read_course,
    read_days,
)

__all__ = [
    "CATEGORIES",
    "FEMALE",
    "KINDS",
    "MALE",
    "NONE",
    "NO_DATE",
    "NO_DAY",
    "STATUSES",
    "SUFFIXES",
    "TO_THE_END",
    "UNKNOWN",
    "BesidePages",
    "Choices",
    "CourseChunk",
    "DayChunk",
    "Drops",
    "Example",
    "HistoryError",
    "HistoryFault",
    "PackGrouping",
    "Ragged",
    "SettledChunk",
    "SettledHistory",
    "open_settled",
    "read_course",
    "read_days",
    "reasons",
]

Ints = NDArray[np.int32]
Fen = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SettledChunk:
    """Stays that can be learned from, ``n`` of them in the order of their file.

    Attributes:
        file: number of the file in :attr:`SettledHistory.files`.
        row: int64, rows of the file counted from 1; the header does not count.
        key: uint64, hash of what names the stay; the same in the daily charges and the course.
        group: number in :attr:`PackGrouping.groups`.
        adrg: number in :attr:`PackGrouping.adrgs`; -1: none.
        status: uint8, number in :data:`STATUSES`. Stays that end in no group are not here.
        discharge: day of discharge, days since 1970-01-01.
        year: of the discharge.
        cost_fen: int64, above 0.
        los_days: length of stay, at least 1.
        age_years: completed years on admission; -1: unknown.
        sex: uint8, 1 male, 2 female, 0 unknown.
        department: number in :attr:`SettledHistory.departments`; -1: unknown.
        fees_fen: int64, ``n x 10``: by front-page category; -1: the file has no column of it.
        principal: number of the principal diagnosis in :attr:`PackGrouping.diagnoses`; 0: unknown.
        others: numbers of the other diagnoses, in the order of the page; 0: unknown.
        procedures: numbers in :attr:`PackGrouping.procedures`, the main one first; 0: unknown.
        newborn: ``n x 2``: age on admission in days, birth weight in grams; NaN: unknown.
    """

    file: int
    row: NDArray[np.int64]
    key: NDArray[np.uint64]
    group: Ints
    adrg: Ints
    status: NDArray[np.uint8]
    discharge: Ints
    year: Ints
    cost_fen: Fen
    los_days: Ints
    age_years: Ints
    sex: NDArray[np.uint8]
    department: Ints
    fees_fen: Fen
    principal: Ints
    others: Ragged
    procedures: Ragged
    newborn: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.key)


class SettledHistory:
    """Settled stays of files, which were looked through once: nothing but rows can be wrong any more.

    Attributes:
        files: of front pages, in the order in which they are read.
        pack: that stays are grouped by.
        rows: number of rows of all files.
        drops: what became of the rows; filled while :meth:`chunks` runs.
        departments: names as they are written, in the order in which they were met; grows likewise.
        encodings: by file, as Python names them.
        ignored: by file, titles of columns that are not read.
        absent: by file, codes of fees that it has no columns for, though it has some of their category.
        with_hospital: whether the hospital's code is part of what names a stay; what is to be joined with
            these stays must be read with the same.
    """

    def __init__(self, tables: Sequence[Table], pack: PackGrouping, choices: Choices) -> None:
        self._tables = tuple(tables)
        self.files = tuple(table.path for table in tables)
        self.pack = pack
        self.encodings = {table.path: table.source.encoding for table in tables}
        self.ignored = {table.path: table.header.ignored for table in tables}
        self.absent = {table.path: absent_fees(table.header.codes) for table in tables}
        self.with_hospital = all(HOSPITAL in table.header.codes for table in tables)
        self._reader = PageReader(pack, choices)
        self.drops = Drops()
        self.departments: list[str] = []
        self._department_numbers: dict[str, int] = {}
        self.rows, self._duplicates = self._look_through()

    def chunks(self, progress: Callable[[int], object] = bool) -> Iterator[SettledChunk]:
        """Yield the stays, file by file, from 1 to 100,000 at a time.

        May be called again: counts and departments begin anew.

        Args:
            progress: told how many rows were read.
        """
        self.drops = Drops()
        self.departments.clear()
        self._department_numbers.clear()
        for number, table in enumerate(self._tables):
            for rows in table.rows():
                self.drops.note_broken(table.path, rows.broken)
                chunk = self._chunk(number, table, rows)
                progress(len(rows.numbers) + len(rows.broken))
                if len(chunk):
                    yield chunk

    def _look_through(self) -> tuple[int, NDArray[np.uint64]]:
        """Count the rows, and return the keys that stand in several."""
        found, count = list[NDArray[np.uint64]](), 0
        faults: list[HistoryFault] = []
        for table in self._tables:
            for rows in table.rows(("hospital", "record", "visit")):
                keys = keys_of(rows.frame, with_hospital=self.with_hospital)
                found.append(keys.values[~keys.unnamed])
                count += len(rows.numbers) + len(rows.broken)
                faults += headers_again(table, rows)
        if not count:
            faults += [HistoryFault("empty_history", path) for path in self.files]
        if faults:
            raise HistoryError(faults)
        return count, repeated(found)

    def _chunk(self, number: int, table: Table, rows: Rows) -> SettledChunk:
        frame = rows.frame
        keys = keys_of(frame, with_hospital=self.with_hospital)
        stays = self._reader.read(frame, keys, among(keys.values, self._duplicates) & ~keys.unnamed)

        kept = self.drops.note(len(frame), stays.findings, examples_of(table, rows))
        return SettledChunk(
            number,
            rows.numbers[kept],
            keys.values[kept],
            stays.ends.group[kept],
            stays.ends.adrg[kept],
            stays.ends.status[kept],
            stays.discharge[kept],
            stays.year[kept],
            stays.cost_fen[kept],
            stays.los_days[kept],
            stays.age_years[kept],
            stays.sex[kept],
            self._departments(stays.department)[kept],
            stays.fees_fen[kept],
            stays.principal[kept],
            picked(stays.others, kept),
            picked(stays.procedures, kept),
            stays.newborn[kept],
        )

    def _departments(self, written: pl.Series) -> Ints:
        names = written.unique(maintain_order=True).drop_nulls()
        for name in names:
            if name not in self._department_numbers:
                self._department_numbers[name] = len(self.departments)
                self.departments.append(name)
        numbers = written.replace_strict(self._department_numbers, default=UNKNOWN, return_dtype=pl.Int32)
        return np.array(numbers.fill_null(UNKNOWN), np.int32)


def open_settled(paths: Iterable[Path], pack: PackGrouping, choices: Choices | None = None) -> SettledHistory:
    """Open files of front pages and look through them once, for stays that stand in several rows.

    Args:
        paths: files (Parquet, CSV, CSV packed by gzip), and folders of them; of a folder the files that hold
            front pages are taken, in the order of their names.
        pack: that stays are grouped by.
        choices: how they are to be read.

    Raises:
        HistoryError: some file cannot be read; all faults of all files.
    """
    return SettledHistory(open_tables(paths, PAGES), pack, choices or Choices())
