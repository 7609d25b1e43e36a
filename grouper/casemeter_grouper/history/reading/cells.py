"""Cells of a column as numbers: what is there, what is not, and what cannot be read."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

MAX_YUAN: Final = 1e9
"""Amounts of one stay lie below it; hundredths of them are exact as floating numbers."""

MAX_FEN: Final = int(MAX_YUAN) * 100

_FIRST_DAY: Final = -3653  # 1960-01-01
_LAST_DAY: Final = 47_482  # 2100-01-01
_FIRST_BIRTH: Final = -36_524  # 1870-01-01
_NUMBER: Final = r"^[+-]?\d{1,15}(\.\d*)?$"
_TIME: Final = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$"
_DAY: Final = r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{8})" + _TIME
# Half a fen beyond what a floating number of this size cannot tell from a whole one.
_FEN_SLACK: Final = 1e-3

Bools = NDArray[np.bool_]


class Numbers(NamedTuple):
    """A column as numbers, ``n`` rows.

    Attributes:
        values: 0 where there is none.
        missing: empty cells.
        bad: cells that hold something else.
    """

    values: NDArray[np.float64]
    missing: Bools
    bad: Bools

    @property
    def known(self) -> Bools:
        """Cells that hold a number."""
        return ~(self.missing | self.bad)


def text(cells: pl.Series) -> pl.Series:
    """Return a column as text without blanks at its ends; an empty cell is null."""
    return cells.cast(pl.String).str.strip_chars().replace("", None)


def numbers(cells: pl.Series) -> Numbers:
    """Return a column as finite numbers."""
    if not cells.dtype.is_numeric():
        cells = text(cells)
        sound = cells.set(~cells.str.contains(_NUMBER), None)
        read = sound.cast(pl.Float64)
    else:
        read = cells.cast(pl.Float64)
    missing = cells.is_null().to_numpy()
    values = read.fill_null(np.nan).to_numpy().copy()
    known = np.isfinite(values)
    values[~known] = 0
    return Numbers(values, missing, ~known & ~missing)


def integers(cells: pl.Series, low: int, high: int) -> Numbers:
    """Return a column as whole numbers within bounds."""
    found = numbers(cells)
    outside = (found.values != np.rint(found.values)) | (found.values < low) | (found.values > high)
    return _without(found, outside & found.known)


def within(cells: pl.Series, low: float, high: float) -> Numbers:
    """Return a column as numbers within bounds."""
    found = numbers(cells)
    return _without(found, ((found.values < low) | (found.values > high)) & found.known)


def fen(cells: pl.Series) -> Numbers:
    """Return a column of yuan as whole fen; what is finer than a fen cannot be read."""
    found = numbers(cells)
    scaled = found.values * 100
    whole = np.rint(scaled)
    odd = (np.abs(scaled - whole) > _FEN_SLACK) | (np.abs(found.values) >= MAX_YUAN)
    return _without(Numbers(whole, found.missing, found.bad), odd & found.known)


def days(cells: pl.Series, *, birth: bool = False) -> Numbers:
    """Return a column of dates as days since 1970-01-01; a time of day is left out."""
    if not cells.dtype.is_temporal():
        cells = text(cells)
        written = cells.str.extract(_DAY).str.replace_all("[/.]", "-")
        read = written.str.to_date("%Y-%m-%d", strict=False)
        plain = written.str.to_date("%Y%m%d", strict=False)
        read = read.zip_with(read.is_not_null(), plain)
    else:
        read = cells.dt.date() if isinstance(cells.dtype, pl.Datetime) else cells
    missing = cells.is_null().to_numpy()
    unread = read.is_null().to_numpy()
    values = read.to_physical().fill_null(0).to_numpy().astype(np.float64)
    found = Numbers(values, missing, unread & ~missing)
    first = _FIRST_BIRTH if birth else _FIRST_DAY
    return _without(found, ((values < first) | (values >= _LAST_DAY)) & found.known)


def _without(found: Numbers, bad: Bools) -> Numbers:
    return Numbers(np.where(bad, 0, found.values), found.missing, found.bad | bad)
