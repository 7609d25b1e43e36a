"""Where the arrays of compiled rules lie in one run of bytes, for the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from casemeter_rules.compiled.layout import ARRAYS, ITEM_SIZES
from casemeter_rules.kernel import Mapped

assert set(ITEM_SIZES) == set(ARRAYS)
_BUCKET = ARRAYS.index("key_bucket")


def mapped(
    body: NDArray[np.uint8], first_bytes: Mapping[str, int], arrays: Mapping[str, NDArray[Any]]
) -> Mapped:
    """Return what the kernel reads.

    Args:
        body: the bytes in which all arrays lie.
        first_bytes: of each array in it.
        arrays: by name.
    """
    places = np.array([(first_bytes[name], arrays[name].size, 0) for name in ARRAYS], np.int64)
    bits = (len(arrays["key_bucket"]) - 1).bit_length() - 1
    places[_BUCKET, 2] = 64 - bits
    return Mapped(body, places)


def in_memory(arrays: Mapping[str, NDArray[Any]]) -> Mapped:
    """Return what the kernel reads of arrays that are in no bundle."""
    firsts: dict[str, int] = {}
    size = 0
    for name in ARRAYS:
        firsts[name] = size
        size += -(-arrays[name].nbytes // 8) * 8
    body = np.zeros(size, np.uint8)
    for name, first in firsts.items():
        body[first : first + arrays[name].nbytes] = (
            np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8)
        )
    return mapped(body, firsts, arrays)
