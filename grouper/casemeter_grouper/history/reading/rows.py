"""Rows of a file, whatever kind of file it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray


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
        encoding: of its text, as Python names it.
    """

    path: Path
    titles: tuple[str, ...]
    encoding: str

    def types(self) -> Sequence[pl.DataType]:
        """Types of the columns."""

    def rows(self, titles: Sequence[str]) -> Iterator[Rows]:
        """Yield the rows with these columns, named by their titles."""
