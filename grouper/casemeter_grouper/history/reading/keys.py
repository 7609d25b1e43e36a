"""What names a stay, as one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.history.reading.cells import integers, text
from casemeter_grouper.history.reading.columns import HOSPITAL, RECORD, VISIT

_MOST_VISITS = 9_999
# A record number of digits that a spreadsheet took for a number.
_ROUNDED = r"^\d(\.\d+)?[eE]\+?\d+$"

Bools = NDArray[np.bool_]


class Keys(NamedTuple):
    """Stays by numbers, ``n`` rows.

    Attributes:
        values: uint64, the hash of what names the stay.
        unnamed: rows that name none.
        rounded: rows whose record number was rounded by a spreadsheet.
    """

    values: NDArray[np.uint64]
    unnamed: Bools
    rounded: Bools


def keys_of(frame: pl.DataFrame, *, with_hospital: bool) -> Keys:
    """Return what names the stays of rows.

    Two stays among ten million have the same hash with a probability of 3 in a million.

    Args:
        frame: with the columns that name a stay.
        with_hospital: the hospital's code is part of the name.
    """
    record = text(frame[RECORD])
    visit = integers(frame[VISIT], 1, _MOST_VISITS)
    number = pl.Series(visit.values).cast(pl.Int64).cast(pl.String)
    parts = [record.fill_null(""), number]
    if with_hospital:
        parts.append(text(frame[HOSPITAL]).fill_null(""))
    names = pl.select(pl.concat_str(parts, separator="\x1f")).to_series()
    unnamed = record.is_null().to_numpy() | ~visit.known
    rounded = record.str.contains(_ROUNDED).fill_null(False).to_numpy()
    return Keys(names.hash().to_numpy(), unnamed, rounded)


def repeated(parts: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Return the numbers that stand in parts more than once, in their order, each once."""
    numbers = np.sort(np.concatenate((*parts, np.zeros(0, np.uint64))))
    return np.unique(numbers[1:][numbers[1:] == numbers[:-1]])


def among(values: NDArray[np.uint64], numbers: NDArray[np.uint64]) -> Bools:
    """Return which values are among numbers, which are in their order."""
    if not len(numbers):
        return np.zeros(len(values), np.bool_)
    places = np.minimum(np.searchsorted(numbers, values), len(numbers) - 1)
    return np.asarray(numbers[places] == values)
