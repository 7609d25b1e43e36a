"""Counts of the families that stays ended in, by what they had in common on a day."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.keys import LEVEL_SHIFT, Parts, keys_of

FAMILY_BITS: Final = 14

Floats = NDArray[np.float64]


class Counts(NamedTuple):
    """The counts of one level of contexts: ``C`` contexts and ``E`` pairs of a context and a final family.

    Attributes:
        keys: of the contexts, ascending, ``C``, int64.
        at: context ``i`` has the pairs ``at[i]`` to ``at[i + 1] - 1``, int64.
        first_row: a row that stands in each context.
        family: final family of each pair, ascending within a context, int32.
        counted: stays of each pair, float64.
    """

    keys: NDArray[np.int64]
    at: NDArray[np.int64]
    first_row: NDArray[np.int64]
    family: NDArray[np.int32]
    counted: Floats

    @property
    def cases(self) -> Floats:
        """Stays of each context."""
        whole: Floats = np.add.reduceat(self.counted, self.at[:-1])
        return whole


def count(
    level: int, mask: NDArray[np.int32], parts: Parts, final: NDArray[np.int32], stay: NDArray[np.int64]
) -> Counts:
    """Count the final families of one level of contexts; a stay counts once in each context.

    Args:
        level: of the contexts.
        mask: of the contexts.
        parts: of the days.
        final: family that the stay of each day ended in.
        stay: of each day, ascending.
    """
    # The widths of a key leave room for a family in 64 bits.
    pairs = keys_of(0, mask, parts).astype(np.uint64) << np.uint64(FAMILY_BITS) | final.astype(np.uint64)
    # Days come by stay, and the sort keeps their order: those of one stay stand side by side.
    order = np.argsort(pairs, kind="stable")
    pairs, stay = pairs[order], stay[order]
    new_pair = np.concatenate([[True], pairs[1:] != pairs[:-1]])
    new_stay = new_pair | np.concatenate([[True], stay[1:] != stay[:-1]])
    firsts = np.flatnonzero(new_pair)
    pairs = pairs[firsts]
    keys = pairs >> np.uint64(FAMILY_BITS)
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return Counts(
        keys[starts].astype(np.int64) + (level << LEVEL_SHIFT),
        np.append(starts, len(pairs)),
        order[firsts[starts]],
        (pairs & np.uint64((1 << FAMILY_BITS) - 1)).astype(np.int32),
        np.add.reduceat(new_stay.astype(np.float64), firsts),
    )
