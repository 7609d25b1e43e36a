"""Columns of codes as lists of the pack's numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from casemeter_grouper.case_files import CodeNumbers
from casemeter_grouper.history.reading.cells import text
from casemeter_grouper.history.reading.grouping import Ragged


def code_lists(columns: Sequence[pl.Series], numbers: CodeNumbers, rows: int) -> Ragged:
    """Return the codes of each row, in the order of the columns; empty cells are left out.

    Args:
        columns: of ``rows`` cells each.
        numbers: of the pack.
        rows: number of rows.
    """
    counts = np.zeros(rows, np.int64)
    found = []
    for column in columns:
        if column.null_count() == rows:
            continue
        cells = text(column)
        places = np.flatnonzero(cells.is_not_null().to_numpy())
        found.append((places, counts[places], cells.drop_nulls()))
        counts[places] += 1
    at = np.zeros(rows + 1, np.int64)
    np.cumsum(counts, out=at[1:])
    values = np.zeros(at[-1], np.int32)
    if found:
        written = numbers.of(pl.concat([cells for _, _, cells in found]))
        targets = np.concatenate([at[places] + before for places, before, _ in found])
        values[targets] = written
    return Ragged(values, at)


def picked(lists: Ragged, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Ragged:
    """Return the lists of some rows."""
    lengths = np.diff(lists.at)
    at = np.zeros(int(rows.sum()) + 1, np.int64)
    np.cumsum(lengths[rows], out=at[1:])
    return Ragged(lists.values[np.repeat(rows, lengths)], at)
