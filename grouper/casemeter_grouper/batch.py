"""Grouping files of cases: tables in, tables out, in chunks, with every unusable row named.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import numpy as np
import polars as pl

from casemeter_grouper.codes import normalise
from casemeter_grouper.compiled.codes import UNKNOWN, Codes
from casemeter_grouper.compiled.scheme import NUMBERS
from casemeter_grouper.condition.nodes import FIELDS
from casemeter_grouper.grouping import Grouper, Status
from casemeter_grouper.kernel import Batch

COLUMNS: Final = ("case_id", *FIELDS, *NUMBERS, "diagnoses", "procedures")
"""The columns that are read; others are left alone."""

RESULT_COLUMNS: Final = ("case_id", "status", "mdc", "adrg", "group")
CHUNK_ROWS: Final = 100_000

_RANGES: Final = {
    "age_years": (0, 150),
    "age_days": (0, 55_000),
    "birth_weight_g": (100, 15_000),
    "los_days": (1, 100_000),
    "icu_hours": (0, 100_000),
}
_VALUES: Final = {"sex": ("M", "F"), "discharge_way": ("1", "2", "3", "4", "5", "9")}


class CaseFileError(Exception):
    """A file of cases that cannot be read at all."""


class RowFault(NamedTuple):
    """One value that makes a row invalid.

    Attributes:
        row: 1-based row among the cases; the header does not count.
    """

    row: int
    case_id: str
    column: str
    value: str
    problem: str


@dataclass
class Report:
    """What became of a file.

    Attributes:
        cases: number of rows.
        by_status: number of rows by status.
        faults: every value that made a row invalid, in the order of the rows.
    """

    cases: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    faults: list[RowFault] = field(default_factory=list)


def group_file(
    grouper: Grouper,
    source: Path,
    *,
    clinical_diagnoses: bool = False,
    clinical_procedures: bool = False,
    report: Report,
    progress: Callable[[int], object] = bool,
) -> Iterator[pl.DataFrame]:
    """Group every case of a file, chunk by chunk.

    Args:
        grouper: the scheme to group by.
        source: CSV (gzip too) or Parquet with the columns :data:`COLUMNS`.
        clinical_diagnoses: the diagnoses are written in the clinical edition.
        clinical_procedures: likewise the procedures.
        report: filled as the file is read.
        progress: told how many rows were done.

    Yields:
        Frames with the columns :data:`RESULT_COLUMNS`, in the order of the file.

    Raises:
        CaseFileError: the file is missing, not of these kinds, or lacks columns.
    """
    translate = (
        _Numbers(grouper.scheme.diagnoses, clinical_diagnoses),
        _Numbers(grouper.scheme.procedures, clinical_procedures),
    )
    ends = _ends(grouper)
    for frame in _chunks(source):
        invalid = _check(frame, report)
        batch = _encode(frame, grouper, *translate)
        leaves, _ = grouper.run(batch)
        # The last two ends stand for what the kernel was never asked.
        leaves[frame["diagnoses"].is_null().to_numpy()] = len(ends) - 2
        leaves[invalid] = len(ends) - 1
        result = pl.concat([frame.select("case_id"), ends[leaves]], how="horizontal")
        report.cases += len(frame)
        for status, count in result["status"].value_counts().iter_rows():
            report.by_status[status] = report.by_status.get(status, 0) + count
        progress(len(frame))
        yield result


def write(frames: Iterator[pl.DataFrame], target: Path) -> None:
    """Write frames to a CSV (``.csv``, ``.csv.gz``) or Parquet file, whole or not at all."""
    partial = target.with_name(f".{target.name}.partial")
    empty = pl.DataFrame(schema=dict.fromkeys(RESULT_COLUMNS, pl.String))
    try:
        if target.suffix == ".parquet":
            pl.concat([empty, *frames]).write_parquet(partial)
        else:
            with _create(partial, compressed=target.suffix == ".gz") as file:
                empty.write_csv(file)
                for frame in frames:
                    frame.write_csv(file, include_header=False)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _create(path: Path, *, compressed: bool) -> Iterator[IO[bytes]]:
    with path.open("wb") as file:
        if compressed:
            with gzip.GzipFile(fileobj=file, mode="wb") as packed:
                yield cast("IO[bytes]", packed)
        else:
            yield file


def count_cases(source: Path) -> int:
    """Return the number of cases of a file, for a progress bar."""
    return int(_scan(source).select(pl.len()).collect().item())


def _scan(source: Path) -> pl.LazyFrame:
    try:
        if source.suffix == ".parquet":
            frame = pl.scan_parquet(source)
        else:
            frame = pl.scan_csv(source, infer_schema=False, empty_string_is_null=True)
        names = frame.collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CaseFileError(f"{source}: cannot be read as CSV or Parquet: {error}") from None
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise CaseFileError(
            f"{source}: missing column(s) {', '.join(missing)}; a file of cases has {', '.join(COLUMNS)}"
        )
    return frame.select(pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in COLUMNS)


def _chunks(source: Path) -> Iterator[pl.DataFrame]:
    try:
        for frame in _scan(source).collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
            if len(frame):
                yield frame
    except pl.exceptions.PolarsError as error:
        raise CaseFileError(f"{source}: cannot be read: {error}") from None


def _ends(grouper: Grouper) -> pl.DataFrame:
    """One row per leaf of the kernel, then one for cases without a diagnosis, and one for invalid ones."""
    rows = [
        (str(grouper.status_of(at)), *((leaf.mdc.name, leaf.rule.adrg, leaf.group) if leaf else ("", "", "")))
        for at, leaf in enumerate(grouper.scheme.leaves)
    ]
    rows += [(str(status), "", "", "") for status in (Status.NOT_YET, Status.INVALID)]
    return pl.DataFrame(rows, schema=dict.fromkeys(RESULT_COLUMNS[1:], pl.String), orient="row")


def _check(frame: pl.DataFrame, report: Report) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which rows are invalid; note every value that makes them so."""
    problems: dict[str, tuple[pl.Expr, str]] = {}
    for name, (low, high) in _RANGES.items():
        number = pl.col(name).cast(pl.Float64, strict=False)
        # Null means that a filled cell is no number; NaN lies in no range.
        sound = number.is_between(low, high) & number.is_not_nan()
        problems[name] = (pl.col(name).is_not_null() & ~sound.fill_null(False), f"not {low} to {high}")
    for name, values in _VALUES.items():
        problems[name] = (~pl.col(name).is_in(values), f"not one of {', '.join(values)}")
    for name in ("diagnoses", "procedures"):
        holes = pl.col(name).str.contains(r"^\||\|\s*\||\|$")
        problems[name] = (holes, "an empty code")
    years, days = (pl.col(name).cast(pl.Float64, strict=False) for name in ("age_years", "age_days"))
    # As casemeter_grouper.stay.years_fit_days has it.
    fits = (days >= 365 * years) & (days < 366 * (years + 1))
    problems["age_years"] = (
        problems["age_years"][0] | (~fits).fill_null(False),
        f"{problems['age_years'][1]}, or does not fit age_days",
    )
    masks = frame.select(bad.fill_null(False).alias(name) for name, (bad, _) in problems.items())
    invalid = masks.select(pl.any_horizontal(pl.all())).to_series().to_numpy()
    for at in np.flatnonzero(invalid).tolist():
        for name, (_, problem) in problems.items():
            if masks[name][at]:
                case_id, value = frame["case_id"][at] or "", frame[name][at] or ""
                report.faults.append(RowFault(report.cases + at + 1, case_id, name, value, problem))
    return invalid


class _Numbers:
    """Numbers of codes as written in the file; each spelling is looked up once."""

    def __init__(self, codes: Codes, clinical: bool) -> None:
        self._codes = codes
        self._clinical = clinical

    def of(self, lists: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """Return the numbers of a series of lists of codes, one list after the other."""
        written = lists.explode(empty_as_null=False, keep_nulls=False)
        known = written.unique()
        numbers = [self._number(code) for code in known.to_list()]
        translated = written.replace_strict(known, pl.Series(numbers, dtype=pl.Int32))
        # polars gives no codes at all as text, and others as an array that cannot be written: another type to
        # the kernel, for which it would be compiled anew.
        return np.array(translated, np.int32)

    def _number(self, written: str) -> int:
        code = normalise(written)
        if self._clinical:
            code = self._codes.map.get(code, "")
        return self._codes.number.get(code, UNKNOWN)


def _encode(frame: pl.DataFrame, grouper: Grouper, diagnoses: _Numbers, procedures: _Numbers) -> Batch:
    # A case without a diagnosis is run with an unknown one and its answer is not used.
    diagnosis_lists = frame["diagnoses"].fill_null("?").str.split("|")
    procedure_lists = frame["procedures"].str.split("|")
    values = [
        frame[name].replace_strict(dict(grouper.scheme.value_numbers(name)), default=0, return_dtype=pl.Int32)
        for name in FIELDS
    ]
    numbers = frame.select(pl.col(name).cast(pl.Float64, strict=False).fill_null(np.nan) for name in NUMBERS)
    return Batch(
        diagnoses.of(diagnosis_lists),
        _starts(diagnosis_lists),
        procedures.of(procedure_lists),
        _starts(procedure_lists),
        np.ascontiguousarray(numbers.to_numpy()),
        np.ascontiguousarray(pl.DataFrame(values).to_numpy()),
    )


def _starts(lists: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lists.list.len().fill_null(0).to_numpy(), out=starts[1:])
    return starts
