"""A table of pairs as numbers on disk: the first of the two ways through it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.pack.faults import Fault
from casemeter_grouper.pack.progress import advance
from casemeter_rules.bulk.files import parts_of
from casemeter_rules.bulk.numbers import BAD, Numbered
from casemeter_rules.bulk.parts import COLUMNS, ROW, BadRows, batches
from casemeter_rules.bulk.spill import Spill
from casemeter_rules.codes import Space
from casemeter_rules.columns import CellError, code_text, text
from casemeter_rules.kind import Kind
from casemeter_rules.pack.rows import rule_id

_READERS: Final = (
    code_text("item_code", Space.ITEM),
    code_text("diagnosis_code", Space.DIAGNOSIS),
    text("basis", required=True),
)


class Pairs:
    """The pairs of one table.

    Attributes:
        items: codes of the items, by number.
        diagnoses: codes of the diagnoses, by number.
        bases: by number.
        hashes: uint64, the hash in the id of each item's rule, by the item's number.
        bases_of: numbers of the bases of each item.
        spill: the pairs, ``item << 32 | diagnosis``, in buckets by the first byte of the item's hash.
        rows: how many were read.
        bad: what is wrong with the table.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._items, self._diagnoses, self._bases = (
            Numbered(partial(_filled, column.read)) for column in _READERS
        )
        self.items, self.diagnoses, self.bases = (
            self._items.values,
            self._diagnoses.values,
            self._bases.values,
        )
        self.hashes = np.empty(0, np.uint64)
        self.bases_of: dict[int, set[int]] = {}
        self.spill = Spill()
        self.rows = 0
        self.bad = BadRows()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.spill.__exit__(kind, error, trace)

    def read(self, folder: Path) -> None:
        """Read every file of the table."""
        parts = parts_of(folder, self.kind.name)
        sizes = [path.stat().st_size for path in parts]
        for at, path in enumerate(parts):
            file = path.relative_to(folder).as_posix()
            for batch in batches(folder, path, self.bad):
                self._take(file, batch)
                advance(f"{self.kind.name}: {self.rows:,}", sum(sizes[:at]), sum(sizes))
        advance(f"{self.kind.name}: {self.rows:,}", sum(sizes), sum(sizes))

    def _take(self, file: str, batch: pl.DataFrame) -> None:
        self.rows += len(batch)
        columns = (self._items, self._diagnoses, self._bases)
        numbers = [column.numbers(batch[name]) for column, name in zip(columns, COLUMNS, strict=True)]
        sound = np.logical_and.reduce([found != BAD for found in numbers])
        if not sound.all():
            self._note(file, batch, numbers)
            numbers = [found[sound] for found in numbers]
        if self.bad.faults:
            return  # there will be no bundle: only what else is wrong is looked for
        items, diagnoses, bases = numbers
        self._hash_new_items()
        told = pl.DataFrame({"item": items, "basis": bases}).unique()
        for item, basis in told.iter_rows():
            self.bases_of.setdefault(item, set()).add(basis)
        packed = items.astype(np.uint64) << np.uint64(32) | diagnoses.astype(np.uint64)
        self.spill.add(packed, (self.hashes[items] >> np.uint64(56)).astype(np.uint8))

    def _hash_new_items(self) -> None:
        known = len(self.hashes)
        ids = [rule_id(self.kind, {"item_code": code}) for code in self.items[known:]]
        fresh = np.array([int(number.rpartition(":")[2], 16) for number in ids], np.uint64)
        self.hashes = np.concatenate([self.hashes, fresh])

    def _note(self, file: str, batch: pl.DataFrame, numbers: list[NDArray[np.int32]]) -> None:
        for name, reader, found in zip(COLUMNS, _READERS, numbers, strict=True):
            wrong = np.flatnonzero(found == BAD)
            named = wrong[: self.bad.room]
            for row in named.tolist():
                cell = (batch[name][row] or "").strip()
                self.bad.note(_fault(file, batch[ROW][row], name, cell, reader.read))
            self.bad.count_only(len(wrong) - len(named))


def _filled(read: Callable[[str], Any], cell: str) -> str:
    if not cell:
        raise CellError("filled", "非空", "")
    return str(read(cell))


def _fault(file: str, row: int, column: str, cell: str, read: Callable[[str], Any]) -> Fault:
    if cell:
        try:
            read(cell)
        except CellError as error:
            details = {
                "value": cell[:60],
                "expected_en": error.expected_en,
                "expected_zh": error.expected_zh,
                "example": error.example,
            }
            return Fault("bad_cell", file, row, column, details)
    return Fault("empty_cell", file, row, column, {"column": column})
