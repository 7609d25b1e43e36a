"""How many complications stand: the more there are, the less hangs on one that a coder may leave out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.history.reading.grouping import Ragged

Ints = NDArray[np.int32]


class Complications:
    """What a pack knows of diagnoses as complications; nothing in a catalogue."""

    def __init__(self, pack: CompiledScheme | CompiledCatalogue) -> None:
        if isinstance(pack, CompiledScheme):
            self._tables = pack.program.complications[pack.program.diagnosis_class]
        else:
            self._tables = np.full((len(pack.diagnoses.number) + 1, 3), -1, np.int32)

    def __call__(self, principal: Ints, others: Ragged) -> tuple[Ints, Ints]:
        """Return how many other diagnoses stand as MCC, and how many of the rest as CC.

        Args:
            principal: number of the principal diagnosis of each stay.
            others: numbers of its other diagnoses.
        """
        count = len(principal)
        stay = np.repeat(np.arange(count), np.diff(others.at))
        excluded = self._tables[principal, 2][stay]
        as_mcc, as_cc = (self._tables[others.values, level] for level in (0, 1))
        major = (as_mcc >= 0) & (as_mcc != excluded)
        minor = (as_cc >= 0) & (as_cc != excluded) & ~major
        counts = (np.bincount(stay[some], minlength=count).astype(np.int32) for some in (major, minor))
        return next(counts), next(counts)
