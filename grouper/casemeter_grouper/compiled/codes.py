"""The known codes of a compiled scheme: their numbers, names, and the map from the clinical edition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.bundle import BundleFile

UNKNOWN: Final = 0
"""Number of a code that neither the dictionary nor the pack knows."""


class Codes:
    """The diagnoses or the procedures of a compiled scheme.

    Attributes:
        number: number of each known code, from 1 in the order of the codes.
        texts: uint8, the bytes of all codes, one after the other.
        starts: uint32, the place where each code begins, and the end of the last.
    """

    def __init__(self, kind: str, file: BundleFile) -> None:
        self._kind = kind
        self._arrays = file.arrays
        self.texts: NDArray[np.uint8] = self._arrays[f"{kind}_codes"]
        self.starts: NDArray[np.uint32] = self._arrays[f"{kind}_code_at"]
        codes = _texts(self.texts, self.starts)
        self.number: dict[str, int] = {code: at for at, code in enumerate(codes, 1)}

    def name(self, code: str) -> str:
        """Name of a code in the dictionary; empty when it has none."""
        at = self.number.get(code)
        if at is None:
            return ""
        starts = self._arrays[f"{self._kind}_name_at"]
        return self._arrays[f"{self._kind}_names"][starts[at - 1] : starts[at]].tobytes().decode()

    @cached_property
    def map(self) -> Mapping[str, str]:
        """Insurance-edition code by code of the clinical edition; read when first asked for."""
        lines = self._arrays[f"{self._kind}_map"].tobytes().decode().splitlines()
        return {theirs: ours for theirs, _, ours in (line.partition("\t") for line in lines)}


def _texts(data: NDArray[np.uint8], starts: NDArray[np.uint32]) -> list[str]:
    whole, places = data.tobytes(), starts.tolist()
    return [whole[start:end].decode() for start, end in pairwise(places)]
