"""The files a table of pairs is in, and their rows in batches, with what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from casemeter_grouper.pack.faults import Fault, nearest

COLUMNS: Final = ("item_code", "diagnosis_code", "basis")
BATCH: Final = 1 << 21
"""Rows that are read at a time."""

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


def batches(folder: Path, path: Path, bad: BadRows) -> Iterator[tuple[int, pl.DataFrame]]:
    """Yield the rows of a file as text, and the number of rows before them. Faults of the file are noted."""
    file = path.relative_to(folder).as_posix()
    try:
        frame = _scan(path)
        names = frame.collect_schema().names()
        if not _header_is_sound(file, names, bad.faults):
            return
        written = {name.strip(): name for name in names}
        wanted = [pl.col(written[name]).cast(pl.String).alias(name) for name in COLUMNS]
        before = 0
        for batch in frame.select(wanted).collect_batches(chunk_size=BATCH, maintain_order=True):
            yield before, batch
            before += len(batch)
    except pl.exceptions.NoDataError:
        _header_is_sound(file, [], bad.faults)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        bad.faults.append(Fault("unreadable_file", file, details={"reason": reason}))


def _scan(path: Path) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    return pl.scan_csv(path, infer_schema=False)


def row_number(path: str, row: int) -> int:
    """Return the number of a row, counted from 0, as its reader counts: a CSV file begins with its header."""
    return row + (1 if path.endswith(".parquet") else 2)


def _header_is_sound(file: str, names: Sequence[str], faults: list[Fault]) -> bool:
    found = [name.strip() for name in names]
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
