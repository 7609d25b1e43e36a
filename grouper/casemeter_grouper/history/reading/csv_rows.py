"""Where the rows of a CSV text begin and end, by RFC 4180, and which of them are none."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

MAX_ROW_BYTES: Final = 1 << 20
"""A quotation mark that is not closed within it is taken for a slip."""

_QUOTE: Final = 34
_NEWLINE: Final = 10
# Where in a cell a character stands.
_BEGIN, _PLAIN, _QUOTED, _AFTER_QUOTE = 0, 1, 2, 3


@njit(cache=True)
def find_rows(
    data: NDArray[np.uint8],
    delimiter: int,
    width: int,
    final: bool,
    places: NDArray[np.int64],
    sound: NDArray[np.bool_],
) -> tuple[int, int]:
    """Find the rows of a text.

    A row is broken when it has another number of cells than the header, or a quotation mark inside a cell.
    Of a broken row of several lines only the first line is taken: the others may be rows of their own.

    Args:
        data: UTF-8 with line feeds at the ends of lines; begins with a row.
        delimiter: byte between cells.
        width: number of cells of the header; 0: any.
        final: nothing follows the text.
        places: filled with the beginning and the end (without line feed) of each row, shape ``(n, 2)``, for
            as many rows as the text has lines. Empty lines are no rows.
        sound: filled with whether a row can be read.

    Returns:
        The number of rows, and how many bytes of the text they take; what is left needs more text.
    """
    count, start, at = 0, 0, 0
    cells, odd, state, first_line = 1, False, _BEGIN, -1
    while True:
        over = at >= len(data)
        if over and not (final and at > start):
            return count, start
        byte = _NEWLINE if over else data[at]
        ends = False
        if state == _QUOTED and not over:
            if byte == _QUOTE:
                state = _AFTER_QUOTE
            elif byte == _NEWLINE and first_line < 0:
                first_line = at
            if at - start > MAX_ROW_BYTES:
                ends = odd = True
        elif byte == _NEWLINE:
            ends, odd = True, odd or state == _QUOTED
        elif byte == delimiter:
            cells, state = cells + 1, _BEGIN
        elif byte == _QUOTE:
            if state in (_BEGIN, _AFTER_QUOTE):
                state = _QUOTED
            else:
                odd = True
        else:
            odd, state = odd or state == _AFTER_QUOTE, _PLAIN
        if ends:
            good = not odd and width in (0, cells)
            end = first_line if first_line >= 0 and not good else at
            if end > start:
                places[count, 0], places[count, 1], sound[count] = start, end, good
                count += 1
            start = at = min(end + 1, len(data))
            cells, odd, state, first_line = 1, False, _BEGIN, -1
        else:
            at += 1
