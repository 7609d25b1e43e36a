"""What a forecast says of many days whose stays are over, held against what became of them."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.kernel import BUCKET, GROUP
from casemeter_grouper.forecast.stay_days import StayDays

OUTSIDE: Final = 2.0
"""Stands for the probability of what is likelier than a group that is none of the candidates."""

_CHUNK: Final = 20_000

Floats = NDArray[np.float64]


class Measured(NamedTuple):
    """What was said of each of ``n`` days.

    Attributes:
        answered: whether a stay ever stood so.
        place: of the group that the stay ended in among the candidates, from 0; -1: it is none of them.
        probability: of that group.
        before: probability of all that are likelier.
        set_size: candidates that reach the level of the day; one more than there are, where all do not.
        ends: ``n x 6``: ends and middle of the final cost in fen, and of the length of stay in days.
    """

    answered: NDArray[np.bool_]
    place: NDArray[np.int64]
    probability: Floats
    before: Floats
    set_size: NDArray[np.int64]
    ends: Floats

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether the set holds the group that the stay ended in, however wide it is."""
        return self.answered & (self.place >= 0) & (self.place < self.set_size)


def measure(forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64]) -> Measured:
    """Ask a forecast for days, a few at a time.

    Args:
        forecaster: what is asked.
        rows: the days.
        known: the same days as the kernel takes them.
    """
    arrays = forecaster.file.arrays
    level = arrays["levels"][arrays["group_chapter"][known[:, GROUP]], known[:, BUCKET]]
    final = rows.final_group.astype(np.int32) + 1
    parts = [
        _measured(
            forecaster,
            known[first : first + _CHUNK],
            final[first : first + _CHUNK],
            level[first : first + _CHUNK],
        )
        for first in range(0, len(known), _CHUNK)
    ]
    return Measured(
        np.concatenate([part.answered for part in parts]),
        np.concatenate([part.place for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.before for part in parts]),
        np.concatenate([part.set_size for part in parts]),
        np.concatenate([part.ends for part in parts]),
    )


def _measured(
    forecaster: Forecaster, known: NDArray[np.int64], final: NDArray[np.int32], level: Floats
) -> Measured:
    asked = forecaster.ask_all(known)
    total = np.cumsum(asked.probabilities, axis=1)
    hit = asked.groups == final[:, None]
    there, place = hit.any(axis=1), hit.argmax(axis=1)
    rows = np.arange(len(known))
    own = asked.probabilities[rows, place]
    reached = total >= level[:, None]
    return Measured(
        asked.sizes > 0,
        np.where(there, place, -1),
        np.where(there, own, 0.0),
        np.where(there, total[rows, place] - own, OUTSIDE),
        np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, asked.sizes + 1),
        asked.ends,
    )
