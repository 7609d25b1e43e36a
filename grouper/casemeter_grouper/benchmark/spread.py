"""The quantiles of a benchmark: which there are, in which columns they stand, and that they do not cross."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Final

from casemeter_grouper.payment.cells import Cells

PERCENTS: Final = (10, 25, 50, 75, 90)
"""The quantiles that a benchmark may tell."""


def _columns(what: str) -> dict[int, str]:
    return {percent: f"median_{what}" if percent == 50 else f"p{percent}_{what}" for percent in PERCENTS}


COST_COLUMNS: Final[Mapping[int, str]] = _columns("cost_yuan")
LOS_COLUMNS: Final[Mapping[int, str]] = _columns("los_days")


def read_spread(cells: Cells, columns: Mapping[int, str], *, zero: bool = True) -> dict[int, Fraction]:
    """Return the quantiles of a row by percent, those of empty cells left out.

    Args:
        cells: the row.
        columns: by percent, rising.
        zero: whether a quantile may be 0.
    """
    read = {percent: cells.number(column, zero=zero) for percent, column in columns.items()}
    found = {percent: value for percent, value in read.items() if value is not None}
    for low, high in pairwise(found):
        if found[high] < found[low]:
            value, other = cells.record[columns[high]], cells.record[columns[low]]
            cells.note("quantiles_cross", columns[high], value=value, lower=columns[low], other=other)
    return found
