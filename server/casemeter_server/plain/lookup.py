"""Finding a text of a request among texts in order, in compiled code."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray


class Texts(NamedTuple):
    """Texts one after the other.

    Attributes:
        data: uint8, their bytes.
        starts: uint32, the place where each begins, and the end of the last.
    """

    data: NDArray[np.uint8]
    starts: NDArray[np.uint32]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Lay out texts as they come."""
        written = [text.encode() for text in texts]
        starts = np.fromiter(accumulate(map(len, written), initial=0), np.uint32)
        return cls(np.frombuffer(b"".join(written), np.uint8), starts)


@njit(cache=True, nogil=True)
def place_of(data, at, end, texts, starts, low, high):  # type: ignore[no-untyped-def]
    """Return the place of a text among others, from 0; -1: it is none of them.

    Args:
        data: the bytes that the text is in.
        at: its first byte.
        end: the place after its last.
        texts: the others, see :class:`Texts`.
        starts: likewise.
        low: place of the first that is looked at.
        high: place after the last; the texts between are in order.
    """
    while low < high:
        middle = (low + high) // 2
        place = int(starts[middle])
        stop = int(starts[middle + 1])
        sent = at
        while sent < end and place < stop and data[sent] == texts[place]:
            sent += 1
            place += 1
        if sent == end and place == stop:
            return middle
        if sent == end or (place < stop and data[sent] < texts[place]):
            high = middle
        else:
            low = middle + 1
    return -1
