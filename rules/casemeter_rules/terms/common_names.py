"""How common a name is, judged by how many other names are made of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_LONGEST = 16
_BASE = np.uint64(1_000_003)


def commonness(names: Sequence[str]) -> NDArray[np.float64]:
    """Return the logarithm of how often each name stands inside the names, 0 for long ones."""
    result = np.zeros(len(names))
    if not names:
        return result
    signs = np.frombuffer("\n".join(names).encode("utf-32-le"), np.uint32).astype(np.uint64)
    lengths = np.array([len(name) for name in names])
    starts = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
    hashes = signs.copy()
    for length in range(2, _LONGEST + 1):
        hashes = hashes[:-1] * _BASE + signs[length - 1 :]
        mine = np.flatnonzero(lengths == length)
        if not mine.size:
            continue
        wanted = hashes[starts[mine]]
        ordered = np.sort(hashes)
        counts = np.searchsorted(ordered, wanted, "right") - np.searchsorted(ordered, wanted, "left")
        result[mine] = np.log(counts)
    return result
