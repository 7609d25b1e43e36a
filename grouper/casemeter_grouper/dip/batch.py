"""Grouping files of cases by a catalogue: tables in, tables out, in chunks, with every unusable row named.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.batch import CHUNK_ROWS, CaseFileError, Report, RowFault
from casemeter_grouper.codes import normalise
from casemeter_grouper.compiled.codes import UNKNOWN, Codes
from casemeter_grouper.dip.catalogue import MILLIONTHS, CatalogueGroup
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.dip.kernel import NO_COST, Batch
from casemeter_grouper.grouping import Status

COLUMNS: Final = ("case_id", "diagnoses", "procedures")
"""The columns that must be there; others are left alone."""

COST_COLUMN: Final = "running_cost_yuan"
"""Cost so far; it may be missing, in a row or altogether."""

RESULT_COLUMNS: Final = ("case_id", "status", "group", "kind", "score", "rivals")

_COST = r"^\d{1,11}(\.\d{1,2})?$"


def group_file(
    grouper: CatalogueGrouper,
    source: Path,
    *,
    clinical_diagnoses: bool = False,
    clinical_procedures: bool = False,
    report: Report,
    progress: Callable[[int], object] = bool,
) -> Iterator[pl.DataFrame]:
    """Group every case of a file, chunk by chunk.

    Args:
        grouper: the catalogue to group by.
        source: CSV (gzip too) or Parquet with the columns :data:`COLUMNS`, and :data:`COST_COLUMN` if known.
        clinical_diagnoses: the diagnoses are written in the clinical edition.
        clinical_procedures: likewise the procedures.
        report: filled as the file is read.
        progress: told how many rows were done.

    Yields:
        Frames with the columns :data:`RESULT_COLUMNS`, in the order of the file; rivals are group codes with
        ``|`` between them.

    Raises:
        CaseFileError: the file is missing, not of these kinds, or lacks columns.
    """
    compiled = grouper.compiled
    diagnoses = _Numbers(compiled.diagnoses, clinical_diagnoses)
    procedures = _Numbers(compiled.procedures, clinical_procedures)
    ends = _ends(compiled.groups)
    for frame in _chunks(source):
        invalid = _check(frame, report)
        batch = _encode(frame, invalid, diagnoses, procedures)
        groups, rivals = grouper.run(batch)
        # The last two ends stand for what the kernel was never asked.
        groups[frame["diagnoses"].is_null().to_numpy()] = len(ends) - 2
        groups[invalid] = len(ends) - 1
        rivals[groups >= len(ends) - 2] = 0
        names = pl.Series("rivals", _rivals(grouper, batch, rivals), dtype=pl.String)
        result = pl.concat([frame.select("case_id"), ends[groups]], how="horizontal").with_columns(names)
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
            with partial.open("wb") as file, _packed(file, target.suffix) as out:
                empty.write_csv(out)
                for frame in frames:
                    frame.write_csv(out, include_header=False)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def count_cases(source: Path) -> int:
    """Return the number of cases of a file, for a progress bar."""
    return int(_scan(source).select(pl.len()).collect().item())


@contextmanager
def _packed(file: IO[bytes], suffix: str) -> Iterator[IO[bytes]]:
    if suffix == ".gz":
        with gzip.GzipFile(fileobj=file, mode="wb") as packed:
            yield cast("IO[bytes]", packed)
    else:
        yield file


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
            f"{source}: missing column(s) {', '.join(missing)}; "
            f"a file of cases has {', '.join(COLUMNS)}, and {COST_COLUMN} if it is known"
        )
    if COST_COLUMN not in names:
        frame = frame.with_columns(pl.lit(None).alias(COST_COLUMN))
    columns = (*COLUMNS, COST_COLUMN)
    return frame.select(pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in columns)


def _chunks(source: Path) -> Iterator[pl.DataFrame]:
    try:
        for frame in _scan(source).collect_batches(chunk_size=CHUNK_ROWS, maintain_order=True):
            if len(frame):
                yield frame
    except pl.exceptions.PolarsError as error:
        raise CaseFileError(f"{source}: cannot be read: {error}") from None


def _ends(groups: tuple[CatalogueGroup | None, ...]) -> pl.DataFrame:
    """One row per group of the kernel, then one for cases without a diagnosis, and one for invalid ones."""
    rows = [
        (str(Status.GROUPED), group.code, str(group.kind), score_text(group.score))
        if group
        else (str(Status.UNGROUPABLE), "", "", "")
        for group in groups
    ]
    rows += [(str(status), "", "", "") for status in (Status.NOT_YET, Status.INVALID)]
    return pl.DataFrame(rows, schema=dict.fromkeys(RESULT_COLUMNS[1:-1], pl.String), orient="row")


def score_text(score: int) -> str:
    """Return millionths as a decimal number with six decimals."""
    return f"{score // MILLIONTHS}.{score % MILLIONTHS:06d}"


def _check(frame: pl.DataFrame, report: Report) -> NDArray[np.bool_]:
    """Return which rows are invalid; note every value that makes them so."""
    problems = {
        name: (pl.col(name).str.contains(r"^\||\|\s*\||\|$"), "an empty code")
        for name in ("diagnoses", "procedures")
    }
    sound = pl.col(COST_COLUMN).str.contains(_COST)
    problems[COST_COLUMN] = (~sound, "not an amount of yuan with two decimals at most")
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

    def of(self, written: pl.Series) -> NDArray[np.int32]:
        """Return the number of each code of a series of texts."""
        known = written.unique()
        numbers = [self._number(code) for code in known.to_list()]
        translated = written.replace_strict(known, pl.Series(numbers, dtype=pl.Int32))
        # polars gives an array that cannot be written: to the kernel another type, compiled anew.
        return np.array(translated, np.int32)

    def _number(self, written: str) -> int:
        code = normalise(written)
        if self._clinical:
            code = self._codes.map.get(code, "")
        return self._codes.number.get(code, UNKNOWN)


def _encode(
    frame: pl.DataFrame, invalid: NDArray[np.bool_], diagnoses: _Numbers, procedures: _Numbers
) -> Batch:
    # A case without a diagnosis is run with an unknown one; its answer is not used.
    principals = frame["diagnoses"].fill_null("?").str.split("|").list.first()
    lists = frame["procedures"].str.split("|")
    starts = np.zeros(len(frame) + 1, np.int64)
    np.cumsum(lists.list.len().fill_null(0).to_numpy(), out=starts[1:])
    costs = frame[COST_COLUMN].set(pl.Series(invalid), None)
    # Decimal yuan of two digits are whole fen.
    fen = costs.cast(pl.Decimal(18, 2)) * 100
    return Batch(
        diagnoses.of(principals),
        procedures.of(lists.explode(empty_as_null=False, keep_nulls=False)),
        starts,
        np.array(fen.cast(pl.Int64).fill_null(NO_COST), np.int64),
    )


def _rivals(grouper: CatalogueGrouper, batch: Batch, counts: NDArray[np.int32]) -> list[str]:
    """Codes of the rivals of each case; the few that have some are grouped once more, one by one."""
    names = [""] * len(counts)
    for at in np.flatnonzero(counts).tolist():
        procedures = batch.procedures[batch.procedure_at[at] : batch.procedure_at[at + 1]]
        codes = np.concatenate([batch.principals[at : at + 1], procedures])
        names[at] = "|".join(rival.code for rival in grouper.rivals_of(codes, int(batch.costs[at])))
    return names
