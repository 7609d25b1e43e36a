"""What was charged on each day of settled stays, and what was known of them from when.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.case_files import CodeNumbers
from casemeter_grouper.history.reading import cells
from casemeter_grouper.history.reading.columns import COURSE, DAYS, HOSPITAL
from casemeter_grouper.history.reading.drops import Drops, Finding, examples_of
from casemeter_grouper.history.reading.faults import HistoryError, HistoryFault
from casemeter_grouper.history.reading.grouping import PackGrouping
from casemeter_grouper.history.reading.keys import Keys, keys_of
from casemeter_grouper.history.reading.rows import Rows
from casemeter_grouper.history.reading.stays import Choices
from casemeter_grouper.history.reading.tables import Table, open_tables

KINDS: Final = ("principal", "other", "planned", "done")
"""Kinds of the course by their numbers: two of diagnoses, then two of procedures."""

TO_THE_END: Final = -1
NO_DAY: Final = 0
NO_DATE: Final = -1

_MOST_DAYS: Final = 100_000
_MOST_POSITIONS: Final = 10_000
_DIAGNOSES: Final = 2

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class DayChunk:
    """What was charged, ``n`` rows; a stay may have several rows of one day.

    Attributes:
        key: uint64, as of :class:`~casemeter_grouper.history.settled.SettledChunk`.
        day: of the stay, the day of admission is 1; 0: the row has a date instead.
        date: days since 1970-01-01; -1: the row has a day instead.
        total_fen: int64; below 0 what was taken back.
    """

    key: NDArray[np.uint64]
    day: Ints
    date: Ints
    total_fen: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, eq=False)
class CourseChunk:
    """What was known of stays from when to when, ``n`` rows.

    Attributes:
        key: uint64, as of :class:`~casemeter_grouper.history.settled.SettledChunk`.
        from_day: day of the stay at whose end it was known first.
        until_day: last day at whose end it stood; -1: it stood to the end.
        kind: uint8, number in :data:`KINDS`.
        code: number among the pack's diagnoses or procedures, by kind; 0: unknown.
        position: place among those of its kind, as the file counts.
    """

    key: NDArray[np.uint64]
    from_day: Ints
    until_day: Ints
    kind: NDArray[np.uint8]
    code: Ints
    position: Ints

    def __len__(self) -> int:
        return len(self.key)


Chunk = TypeVar("Chunk", DayChunk, CourseChunk)


class BesidePages(Generic[Chunk]):
    """Rows of tables that stand beside the pages.

    Attributes:
        files: in the order in which they are read.
        ignored: by file, titles of columns that are not read.
        drops: what became of the rows; filled while :meth:`chunks` runs.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        read: Callable[[Rows, Keys], tuple[Chunk, list[Finding]]],
        *,
        with_hospital: bool,
    ) -> None:
        self._tables = tuple(tables)
        self._read: Callable[[Rows, Keys], tuple[Chunk, list[Finding]]] = read
        self._with_hospital = with_hospital
        self.files = tuple(table.path for table in tables)
        self.ignored = {table.path: table.header.ignored for table in tables}
        self.drops = Drops()

    def chunks(self, progress: Callable[[int], object] = bool) -> Iterator[Chunk]:
        """Yield the rows, file by file, from 1 to 100,000 at a time; may be called again.

        Args:
            progress: told how many rows were read.
        """
        self.drops = Drops()
        for table in self._tables:
            for rows in table.rows():
                self.drops.note_broken(table.path, rows.broken)
                keys = keys_of(rows.frame, with_hospital=self._with_hospital)
                chunk, findings = self._read(rows, keys)
                findings.append(Finding("no_stay_number", keys.unnamed, "A48"))
                findings.append(Finding("stay_number_rounded", keys.rounded, "A48"))
                kept = self.drops.note(len(rows.frame), findings, examples_of(table, rows))
                progress(len(rows.frame) + len(rows.broken))
                if kept.any():
                    yield type(chunk)(*(getattr(chunk, name)[kept] for name in chunk.__dataclass_fields__))


def read_days(paths: Iterable[Path], *, with_hospital: bool = False) -> BesidePages[DayChunk]:
    """Open tables of daily charges.

    Args:
        paths: as :func:`~casemeter_grouper.history.settled.open_settled` takes them.
        with_hospital: as the pages were read.

    Raises:
        HistoryError: some file cannot be read; all faults of all files.
    """
    return BesidePages(_opened(paths, DAYS, with_hospital), _read_days, with_hospital=with_hospital)


def read_course(
    paths: Iterable[Path],
    pack: PackGrouping,
    choices: Choices | None = None,
    *,
    with_hospital: bool = False,
) -> BesidePages[CourseChunk]:
    """Open tables of what was known from when.

    Args:
        paths: as :func:`~casemeter_grouper.history.settled.open_settled` takes them.
        pack: whose numbers the codes become.
        choices: which editions the codes are written in.
        with_hospital: as the pages were read.

    Raises:
        HistoryError: some file cannot be read; all faults of all files.
    """
    choices = choices or Choices()
    diagnoses = CodeNumbers(pack.diagnoses, choices.clinical_diagnoses)
    procedures = CodeNumbers(pack.procedures, choices.clinical_procedures)

    def read(rows: Rows, keys: Keys) -> tuple[CourseChunk, list[Finding]]:
        return _read_course(rows, keys, diagnoses, procedures)

    return BesidePages(_opened(paths, COURSE, with_hospital), read, with_hospital=with_hospital)


def _opened(paths: Iterable[Path], kind: str, with_hospital: bool) -> list[Table]:
    tables = open_tables(paths, kind)
    faults: list[HistoryFault] = []
    for table in tables:
        if with_hospital and HOSPITAL not in table.header.codes:
            faults.append(HistoryFault("missing_columns", table.path, {"columns": HOSPITAL}))
        if kind == DAYS and table.header.codes >= {"amount", "c01"}:
            details = {"first": table.title_of("amount"), "second": table.title_of("c01")}
            faults.append(HistoryFault("column_twice", table.path, details))
    if faults:
        raise HistoryError(faults)
    return tables


def _read_days(rows: Rows, keys: Keys) -> tuple[DayChunk, list[Finding]]:
    frame, count = rows.frame, len(rows.frame)
    day, date = np.full(count, float(NO_DAY)), np.full(count, float(NO_DATE))
    findings, known = [], np.zeros(count, np.bool_)
    if "date" in frame.columns:
        read = cells.days(frame["date"])
        findings.append(Finding("date_wrong", read.bad, "date"))
        date, known = np.where(read.known, read.values, NO_DATE), read.known | read.bad
    if "day" in frame.columns:
        read = cells.integers(frame["day"], 1, _MOST_DAYS)
        findings.append(Finding("day_wrong", read.bad, "day"))
        day, known = np.where(read.known, read.values, NO_DAY), known | read.known | read.bad
        # A row has either; the day needs no admission to be counted from.
        date = np.where(read.known, NO_DATE, date)
    findings.append(Finding("day_wrong", ~known))
    total, filled = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    for name in frame.columns:
        if name == "amount":
            amount = cells.fen(frame[name])
        elif name.startswith("c"):
            amount = cells.integers(frame[name], -cells.MAX_FEN, cells.MAX_FEN)
        else:
            continue
        findings.append(Finding("amount_wrong", amount.bad, name))
        filled |= ~amount.missing
        total += amount.values.astype(np.int64)
    findings.append(Finding("amount_wrong", ~filled))
    return DayChunk(keys.values, day.astype(np.int32), date.astype(np.int32), total), findings


def _read_course(
    rows: Rows, keys: Keys, diagnoses: CodeNumbers, procedures: CodeNumbers
) -> tuple[CourseChunk, list[Finding]]:
    frame = rows.frame
    first = cells.integers(frame["from_day"], 1, _MOST_DAYS)
    last = cells.integers(frame["until_day"], 1, _MOST_DAYS)
    position = cells.integers(frame["position"], 0, _MOST_POSITIONS)
    written, code = cells.text(frame["kind"]), cells.text(frame["code"])
    kind = np.full(len(frame), len(KINDS), np.uint8)
    for number, name in enumerate(KINDS):
        kind[(written == name).fill_null(False).to_numpy()] = number
    findings = [
        Finding("span_wrong", ~first.known, "from_day"),
        Finding("span_wrong", last.bad | (last.known & (last.values < first.values)), "until_day"),
        Finding("kind_unknown", kind == len(KINDS), "kind"),
        Finding("code_empty", code.is_null().to_numpy(), "code"),
        Finding("position_wrong", ~position.known, "position"),
    ]
    filled = code.fill_null("?")
    numbers = np.where(kind < _DIAGNOSES, diagnoses.of(filled), procedures.of(filled))
    chunk = CourseChunk(
        keys.values,
        first.values.astype(np.int32),
        np.where(last.known, last.values, TO_THE_END).astype(np.int32),
        kind,
        numbers.astype(np.int32),
        position.values.astype(np.int32),
    )
    return chunk, findings
