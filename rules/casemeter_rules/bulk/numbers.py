"""Codes as numbers: each different one is read once, however many rows name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_rules.columns import CellError

BAD: Final = -1
"""Number of a cell that cannot be used: an empty one, or one that is no code."""


class Numbered:
    """The different values of one column, in the order in which they were met.

    Attributes:
        values: by their numbers.
    """

    def __init__(self, read: Callable[[str], str]) -> None:
        self._read = read
        self._by_cell: dict[str, int] = {}
        self._by_value: dict[str, int] = {}
        self.values: list[str] = []

    def numbers(self, cells: pl.Series) -> NDArray[np.int32]:
        """Return the number of each cell's value."""
        different = cells.drop_nulls().unique()
        known = self._by_cell
        found = [known[cell] if cell in known else self._learn(cell) for cell in different.to_list()]
        places = cells.cast(pl.Enum(different)).to_physical().cast(pl.Int64).fill_null(len(found))
        return np.asarray(np.array([*found, BAD], np.int32)[places.to_numpy()])

    def _learn(self, cell: str) -> int:
        number = BAD
        try:
            value = self._read(cell.strip())
        except CellError:
            pass
        else:
            number = self._by_value.setdefault(value, len(self.values))
            if number == len(self.values):
                self.values.append(value)
        self._by_cell[cell] = number
        return number
