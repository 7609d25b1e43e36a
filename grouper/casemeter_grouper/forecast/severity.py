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
Floats = NDArray[np.float64]


def count(groups: int, shape: tuple[int, int], final: Ints, state: Ints, age: Ints, bucket: Ints) -> Floats:
    """Count days by what the severity of a stay is read from.

    Args:
        groups: number of groups.
        shape: number of buckets, and of age bands with the unknown one.
        final: group that the stay of each day ended in.
        state: what is known of the complications on that day, 0 to ``STATES - 1``.
        age: age band, from 1; 0: unknown.
        bucket: of days.

    Returns:
        Counts by group, bucket, state and age band.
    """
    buckets, bands = shape
    cell = ((final * buckets + bucket) * STATES + state) * bands + age
    counted = np.bincount(cell, minlength=(groups + 1) * buckets * STATES * bands)
    return counted.reshape(groups + 1, buckets, STATES, bands).astype(np.float64)


def shares(group_family: Sequence[int], expected: Sequence[bool], by_all: Floats) -> tuple[Ints, Floats]:
    """Return the share of each group in its family.

    Args:
        group_family: family of each group, from group 1.
        expected: whether a stay is expected in each group before one was seen there, from group 1.
        by_all: as :func:`count` returns it.

    Returns:
        The row of each group, from group 0, and the rows: the shares by bucket, state and age band, the last
        running fastest. Row 0 is that of groups that are alone in their family: all ones.
    """
    family = np.array([0, *group_family])
    groups, shape = len(family), by_all.shape
    by_state = by_all.sum(axis=3, keepdims=True)
    over_days = by_state.sum(axis=1, keepdims=True)
    alone = over_days.sum(axis=2, keepdims=True)
    awaited = np.array([0, *expected], np.float64)
    every = _of_family(np.ones(groups), family)
    some = _of_family(awaited, family)
    share = np.where(some > 0, awaited / np.maximum(some, 1), 1 / every).reshape(groups, 1, 1, 1)
    for own, strength in zip((alone, over_days, by_state, by_all), reversed(_STRENGTHS), strict=True):
        whole = _of_family(own, family)
        share = (own + strength * share) / (whole + strength)
    several = np.flatnonzero(every > 1)
    row = np.zeros(groups, np.int32)
    row[several] = np.arange(1, len(several) + 1)
    rows = np.broadcast_to(share, shape).reshape(groups, -1)[several]
    return row, np.concatenate([np.ones((1, rows.shape[1])), rows])


def _of_family(counted: Floats, family: NDArray[np.int64]) -> Floats:
    whole = np.zeros((family.max() + 1, *counted.shape[1:]))
    np.add.at(whole, family, counted)
    found: Floats = whole[family]
    return found
