"""Which group of its family a stay ends in: by its complications so far, its age and the day.

The groups of a family differ by complications (CHS-DRG: the last character). How often a stay with so many of
them ends in each group is counted by family, bucket of days, complications and age, each smoothed into the
same without the age, without the bucket, and without the complications.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.kernel import STATES

_STRENGTHS: Final = (60.0, 100.0, 20.0, 5.0)
"""Prior strength, in days of stays, of the most special counts first."""

Ints = NDArray[np.int32]


def shares(
    group_family: Sequence[int], final: Ints, state: Ints, age: Ints, bucket: Ints, bands: int, buckets: int
) -> tuple[Ints, NDArray[np.float64]]:
    """Return the share of each group in its family.

    Args:
        group_family: family of each group, from group 1.
        final: group that the stay of each day ended in.
        state: what is known of the complications on that day, 0 to ``STATES - 1``.
        age: age band, from 1; 0: unknown.
        bucket: of days.
        bands: number of age bands, the unknown one included.
        buckets: number of buckets.

    Returns:
        The row of each group, from group 0, and the rows: the shares by bucket, state and age band, the last
        running fastest. Row 0 is that of groups that are alone in their family: all ones.
    """
    family = np.array([0, *group_family])
    groups = len(family)
    shape = (groups, buckets, STATES, bands)
    counted = np.bincount(
        ((final * buckets + bucket) * STATES + state) * bands + age, minlength=np.prod(shape)
    )
    by_all = counted.reshape(shape).astype(np.float64)
    by_state = by_all.sum(axis=3, keepdims=True)
    over_days = by_state.sum(axis=1, keepdims=True)
    alone = over_days.sum(axis=2, keepdims=True)
    members = np.bincount(family, minlength=groups + 1)[family]
    share = (1 / members).reshape(groups, 1, 1, 1)
    for own, strength in zip((alone, over_days, by_state, by_all), reversed(_STRENGTHS), strict=True):
        whole = _of_family(own, family)
        share = (own + strength * share) / (whole + strength)
    several = np.flatnonzero(members > 1)
    row = np.zeros(groups, np.int32)
    row[several] = np.arange(1, len(several) + 1)
    rows = np.broadcast_to(share, shape).reshape(groups, -1)[several]
    return row, np.concatenate([np.ones((1, rows.shape[1])), rows])


def _of_family(counted: NDArray[np.float64], family: NDArray[np.int64]) -> NDArray[np.float64]:
    whole = np.zeros((family.max() + 1, *counted.shape[1:]))
    np.add.at(whole, family, counted)
    return whole[family]
