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
        self._dtype = pl.Categorical(pl.Categories.random())
        self._by_cell = np.empty(0, np.int32)
        self._by_value: dict[str, int] = {}
        self.values: list[str] = []

    def numbers(self, cells: pl.Series) -> NDArray[np.int32]:
        """Return the number of each cell's value."""
        held = cells.cast(self._dtype)
        places = held.to_physical().fill_null(0xFFFFFFFF).to_numpy().astype(np.int64)
        filled = held.is_not_null().to_numpy()
        most = int(places[filled].max(initial=-1))
        if most >= len(self._by_cell):
            self._learn(held, places, filled, most)
        places[~filled] = len(self._by_cell)
        return np.asarray(np.append(self._by_cell, np.int32(BAD))[places])

    def _learn(
        self, held: pl.Series, places: NDArray[np.int64], filled: NDArray[np.bool_], most: int
    ) -> None:
        known = len(self._by_cell)
        grown = np.full(most + 1, BAD, np.int32)
        grown[:known] = self._by_cell
        fresh = np.flatnonzero(filled & (places >= known))
        different, first = np.unique(places[fresh], return_index=True)
        cells = held.gather(fresh[first]).cast(pl.String).to_list()
        for place, cell in zip(different.tolist(), cells, strict=True):
            try:
                value = self._read(cell.strip())
            except CellError:
                continue
            number = self._by_value.setdefault(value, len(self.values))
            if number == len(self.values):
                self.values.append(value)
            grown[place] = number
        self._by_cell = grown
