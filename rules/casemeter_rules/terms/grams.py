"""Names as bags of characters and pairs of characters, kept as arrays and looked up backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PAIR = 21  # bits of a code point


@dataclass(frozen=True, slots=True)
class Grams:
    """The grams of a query: those that must be explained, and those that may be passed over."""

    required: NDArray[np.int64]
    optional: NDArray[np.int64]


def split_grams(text: str, passed_over: Sequence[bool]) -> Grams:
    """Return the grams of a text; a gram that touches a character passed over is optional."""
    signs = [ord(sign) for sign in text]
    required, optional = set[int](), set[int]()
    for place, sign in enumerate(signs):
        (optional if passed_over[place] else required).add(sign)
        if place:
            pair = (signs[place - 1] << _PAIR) | sign
            (optional if passed_over[place] or passed_over[place - 1] else required).add(pair)
    optional -= required
    return Grams(np.array(sorted(required), np.int64), np.array(sorted(optional), np.int64))


class GramIndex:
    """An inverted index from grams to names. Read only once built."""

    def __init__(self, names: Sequence[str], said: Sequence[str]) -> None:
        """Index names; ``said`` is the part of each that a query should have."""
        owners, grams = _owned(names)
        # A name counts a gram once.
        kinds, gram_of = np.unique(grams, return_inverse=True)
        cells = _once(gram_of * np.int64(max(len(names), 1)) + owners)
        gram_of, owners = np.divmod(cells, max(len(names), 1))
        self._kinds = kinds
        self._starts = np.searchsorted(gram_of, np.arange(len(kinds) + 1))
        self._rows = owners.astype(np.int32)
        counts = np.diff(self._starts)
        self._weights = np.log((len(names) + 1) / (counts + 0.5)).astype(np.float64)
        # A pair says less than its two characters together, which are counted already.
        self._weights[kinds >= 1 << _PAIR] *= 0.5
        self._unknown = float(np.log((len(names) + 1) / 0.5)) * 0.6
        owners, grams = _owned(said)
        cells = _once(np.searchsorted(kinds, grams) * np.int64(max(len(names), 1)) + owners)
        gram_of, owners = np.divmod(cells, max(len(names), 1))
        # A pair across what was left out may be in no name.
        gram_of = np.minimum(gram_of, max(len(kinds) - 1, 0))
        self.totals = np.bincount(owners, self._weights[gram_of], len(names))
        self.size = len(names)

    def overlap(self, grams: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
        """Return for every name the weight of the grams it shares, and the weight of all the grams."""
        places = np.searchsorted(self._kinds, grams)
        places[places == len(self._kinds)] = 0
        known = places[self._kinds[places] == grams] if len(self._kinds) else places[:0]
        shared = np.zeros(self.size)
        for place in known:
            shared[self._rows[self._starts[place] : self._starts[place + 1]]] += self._weights[place]
        unknown = grams.size - known.size
        return shared, float(self._weights[known].sum()) + unknown * self._unknown * 0.5

    def knows_pair(self, first: str, second: str) -> bool:
        """Whether any name holds the two characters side by side."""
        pair = (ord(first) << _PAIR) | ord(second)
        place = int(np.searchsorted(self._kinds, pair))
        return place < len(self._kinds) and int(self._kinds[place]) == pair


def _owned(names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the grams of all names, and beside each the row of its name."""
    joined = "\n".join(names)
    signs = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.int64)
    ends = signs == ord("\n")
    rows = np.cumsum(ends)
    inside = ~ends
    pairs = (signs[:-1] << _PAIR) | signs[1:]
    whole = inside[:-1] & inside[1:]
    grams = np.concatenate([signs[inside], pairs[whole]])
    owners = np.concatenate([rows[inside], rows[:-1][whole]])
    return owners, grams


def _once(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the different values in order; for so many values a sort is faster than what np.unique does."""
    values = np.sort(values)
    first = np.ones(values.size, bool)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return values[first]
