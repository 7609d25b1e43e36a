"""How many complications stand in one case.

:class:`~casemeter_grouper.forecast.complications.Complications` counts those of many, and finds the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit

from casemeter_grouper.compiled.codes import UNKNOWN
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.kernel import ARRAYS

_CLASSES: Final = ARRAYS.index("diagnosis_class")
_TABLES: Final = ARRAYS.index("diagnosis_complications")


@njit(cache=True, nogil=True)
def _table(body, places, number):  # type: ignore[no-untyped-def]
    start, rows, columns = places[number]
    return body[start : start + rows * columns * 4].view(np.int32)


@njit(cache=True, nogil=True)
def counts_of(body, places, diagnoses):  # type: ignore[no-untyped-def]
    """Count the complications of one case.

    Args:
        body: a scheme as the kernel takes it, see :class:`casemeter_grouper.kernel.Mapped`.
        places: likewise.
        diagnoses: int32, the numbers of the diagnoses, at least one; the principal diagnosis is the first.

    Returns:
        How many other diagnoses stand as MCC, and how many of the rest as CC.
    """
    classes, tables = _table(body, places, _CLASSES), _table(body, places, _TABLES)
    excluded = tables[3 * classes[diagnoses[0]] + 2]
    major = minor = 0
    for place in range(1, diagnoses.shape[0]):
        row = 3 * classes[diagnoses[place]]
        as_mcc, as_cc = tables[row], tables[row + 1]
        if as_mcc >= 0 and as_mcc != excluded:
            major += 1
        elif as_cc >= 0 and as_cc != excluded:
            minor += 1
    return major, minor


def complications_of(pack: object, diagnoses: Sequence[str]) -> tuple[int, int]:
    """Return how many other diagnoses stand as MCC, and how many of the rest as CC.

    Args:
        pack: compiled; one that is no scheme knows no complications.
        diagnoses: codes, at least one; the principal diagnosis is the first.
    """
    if not isinstance(pack, CompiledScheme):
        return 0, 0
    number = pack.diagnoses.number.get
    numbers = np.array([number(code, UNKNOWN) for code in diagnoses], np.int32)
    major, minor = counts_of(*pack.mapped, numbers)
    return major, minor
