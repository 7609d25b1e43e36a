"""Contexts: what the stays that are counted together have in common, written as one whole number.

The same layout is used by the fit (numpy), the kernel (numba) and the walker (plain Python).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

PARTS: Final = {
    "code": 0,
    "subcategory": 1,
    "category": 2,
    "family": 3,
    "department": 4,
    "state": 5,
    "bucket": 6,
}
"""What a context may name, and its place among the parts of a day of stay."""

FIELDS: Final = (0, 0, 0, 1, 2, 3, 4)
"""Field of the number that each part is written in; those of one field are never named together."""

WIDTHS: Final = (17, 15, 11, 2, 5)
"""Bits of each field: principal diagnosis, family, department, state, bucket of days."""

LEVEL_SHIFT: Final = sum(WIDTHS)
_SHIFTS: Final = tuple(sum(WIDTHS[at + 1 :]) for at in range(len(WIDTHS)))

SHIFTS: Final = tuple(_SHIFTS[field] for field in FIELDS)
"""How far to the left each part is written."""


class Parts(NamedTuple):
    """What a day of stay has, as numbers; 0 where something is not known."""

    code: NDArray[np.int32]
    subcategory: NDArray[np.int32]
    category: NDArray[np.int32]
    family: NDArray[np.int32]
    department: NDArray[np.int32]
    state: NDArray[np.int32]
    bucket: NDArray[np.int32]


def masks_of(contexts: Sequence[Sequence[str]]) -> NDArray[np.int32]:
    """Return which parts each context names: one row for each, one column for each part, 0 or 1."""
    masks = np.zeros((len(contexts), len(PARTS)), np.int32)
    for level, names in enumerate(contexts):
        masks[level, [PARTS[name] for name in names]] = 1
    return masks


def keys_of(level: int, mask: NDArray[np.int32], parts: Parts) -> NDArray[np.int64]:
    """Return the key of one context of many days of stay.

    Args:
        level: place of the context.
        mask: its row of :func:`masks_of`.
        parts: of the days.
    """
    keys = np.full(len(parts.code), level << LEVEL_SHIFT, np.int64)
    for place in np.flatnonzero(mask).tolist():
        keys += parts[place].astype(np.int64) << SHIFTS[place]
    return keys


def places_of(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each wanted key among ascending keys; -1 where it is not there."""
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    there = keys[at] == wanted if len(keys) else np.zeros(len(wanted), np.bool_)
    return np.where(there, at, -1).astype(np.int64)
