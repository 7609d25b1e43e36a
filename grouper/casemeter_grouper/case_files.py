"""Files of cases, whatever groups them: tables read and written in chunks, every unusable row named.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.codes import normalise
from casemeter_grouper.compiled.codes import UNKNOWN, Codes

CHUNK_ROWS: Final = 100_000

NO_CODE: Final = r"^\||\|\s*\||\|$"
"""A list of codes with nothing between two separators, or before or after one."""


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

    def add(self, result: pl.DataFrame) -> None:
        """Count the results of a chunk."""
        self.cases += len(result)
        for status, count in result["status"].value_counts().iter_rows():
            self.by_status[status] = self.by_status.get(status, 0) + count

    def note(self, frame: pl.DataFrame, problems: Mapping[str, tuple[pl.Expr, str]]) -> NDArray[np.bool_]:
        """Note every value that makes a row of the next chunk invalid.

        Args:
            frame: the chunk.
            problems: by column, what is true of a value that cannot be used, and the problem in words.

        Returns:
            Which rows are invalid.
        """
        masks = frame.select(bad.fill_null(False).alias(name) for name, (bad, _) in problems.items())
        invalid = masks.select(pl.any_horizontal(pl.all())).to_series().to_numpy()
        for at in np.flatnonzero(invalid).tolist():
            for name, (_, problem) in problems.items():
                if masks[name][at]:
                    case_id, value = frame["case_id"][at] or "", frame[name][at] or ""
                    self.faults.append(RowFault(self.cases + at + 1, case_id, name, value, problem))
        return invalid


def chunks(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file as text, an empty cell as null.

    Args:
        source: CSV (gzip too) or Parquet.
        columns: that must be there.
        optional: that are null where they are missing.

    Raises:
        CaseFileError: the file is missing, not of these kinds, or lacks columns.
    """
    try:
        for frame in _scan(source, columns, optional).collect_batches(
            chunk_size=CHUNK_ROWS, maintain_order=True
        ):
            if len(frame):
                yield frame
    except pl.exceptions.PolarsError as error:
        raise CaseFileError(f"{source}: cannot be read: {error}") from None


def count_cases(source: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> int:
    """Return the number of cases of a file, for a progress bar; the arguments are those of :func:`chunks`."""
    return int(_scan(source, columns, optional).select(pl.len()).collect().item())


def _scan(source: Path, columns: Sequence[str], optional: Sequence[str]) -> pl.LazyFrame:
    try:
        if source.suffix == ".parquet":
            frame = pl.scan_parquet(source)
        else:
            frame = pl.scan_csv(source, infer_schema=False, empty_string_is_null=True)
        names = frame.collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CaseFileError(f"{source}: cannot be read as CSV or Parquet: {error}") from None
    missing = [name for name in columns if name not in names]
    if missing:
        known = ", ".join(columns) + (f", and may have {', '.join(optional)}" if optional else "")
        raise CaseFileError(f"{source}: missing column(s) {', '.join(missing)}; a file of cases has {known}")
    frame = frame.with_columns(pl.lit(None).alias(name) for name in optional if name not in names)
    wanted = (*columns, *optional)
    return frame.select(pl.col(name).cast(pl.String).str.strip_chars().replace("", None) for name in wanted)


def write(frames: Iterable[pl.DataFrame], target: Path, columns: Sequence[str]) -> None:
    """Write frames to a CSV (``.csv``, ``.csv.gz``) or Parquet file, whole or not at all.

    Args:
        frames: of text.
        target: an existing file is replaced in one step.
        columns: of the frames.
    """
    partial = target.with_name(f".{target.name}.partial")
    empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
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


class CodeNumbers:
    """Numbers of codes as written in the file; each spelling is looked up once."""

    def __init__(self, codes: Codes, clinical: bool) -> None:
        self._codes = codes
        self._clinical = clinical

    def of(self, written: pl.Series) -> NDArray[np.int32]:
        """Return the number of each code of a series of texts."""
        known = written.unique()
        numbers = [self._number(code) for code in known.to_list()]
        translated = written.replace_strict(known, pl.Series(numbers, dtype=pl.Int32))
        # polars gives no codes at all as text, and others as an array that cannot be written: another type to
        # the kernel, for which it would be compiled anew.
        return np.array(translated, np.int32)

    def of_lists(self, lists: pl.Series) -> NDArray[np.int32]:
        """Return the numbers of a series of lists of codes, one list after the other."""
        return self.of(lists.explode(empty_as_null=False, keep_nulls=False))

    def _number(self, written: str) -> int:
        code = normalise(written)
        if self._clinical:
            code = self._codes.map.get(code, "")
        return self._codes.number.get(code, UNKNOWN)


def starts_of(lists: pl.Series) -> NDArray[np.int64]:
    """Return the place where each list begins when all stand one after the other, and the end of the last."""
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lists.list.len().fill_null(0).to_numpy(), out=starts[1:])
    return starts
