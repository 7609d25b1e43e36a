"""Counts of where stays ended, by what they had in common on a day, each smoothed into a more general one.

The most special context of a stay has seen few like it, the most general one many unlike it. A context's
odds are its own counts, each less a discount, and what the discounts and a prior strength leave goes to the
odds of the next more general context (the Pitman-Yor form of back-off). Discounts and strengths are those
under which each stay, left out of all counts, is likeliest.
"""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.forecast.keys import LEVEL_SHIFT, Parts, keys_of

MOST: Final = 48
"""The most candidates that a context keeps."""

_LEAST: Final = 2e-5
"""The least probability of a candidate that is kept."""

_FINAL_BITS: Final = 14
_SAMPLE: Final = 300_000


class Counts(NamedTuple):
    """The counts of one level of contexts: ``C`` contexts and ``E`` pairs of a context and a final group.

    Attributes:
        keys: of the contexts, ascending, ``C``, int64.
        at: context ``i`` has the pairs ``at[i]`` to ``at[i + 1] - 1``, int64.
        first_row: a row that stands in each context.
        group: final group of each pair, ascending within a context, int32.
        counted: stays of each pair, float64.
    """

    keys: NDArray[np.int64]
    at: NDArray[np.int64]
    first_row: NDArray[np.int64]
    group: NDArray[np.int32]
    counted: NDArray[np.float64]


class Strength(NamedTuple):
    """How a level is smoothed: what each count is lessened by (0 to 1), and the prior strength."""

    discount: float
    strength: float


class Odds(NamedTuple):
    """The smoothed odds of one level of contexts.

    Attributes:
        keys: as in :class:`Counts`.
        at: likewise, of what follows.
        group: candidates, ascending within a context.
        probability: of each candidate.
        rest: probability of all others, by context.
        cases: stays that were counted, by context.
    """

    keys: NDArray[np.int64]
    at: NDArray[np.int64]
    group: NDArray[np.int32]
    probability: NDArray[np.float64]
    rest: NDArray[np.float64]
    cases: NDArray[np.float64]


def count(level: int, mask: NDArray[np.int32], parts: Parts, final: NDArray[np.int32]) -> Counts:
    """Count the final groups of one level of contexts."""
    keys = keys_of(0, mask, parts)
    pairs = keys.astype(np.uint64) << np.uint64(_FINAL_BITS) | final.astype(np.uint64)
    found, first, count = np.unique(pairs, return_index=True, return_counts=True)
    context = (found >> np.uint64(_FINAL_BITS)).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], context[1:] != context[:-1]]))
    return Counts(
        context[starts] + (level << LEVEL_SHIFT),
        np.append(starts, len(found)),
        first[starts],
        (found & np.uint64((1 << _FINAL_BITS) - 1)).astype(np.int32),
        count.astype(np.float64),
    )


def fit_strengths(
    levels: Sequence[Counts], masks: NDArray[np.int32], parts: Parts, final: NDArray[np.int32], seed: int
) -> list[Strength]:
    """Return the discount and strength of each level under which days left out are likeliest."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # it has no types

    chosen = np.random.default_rng(seed).permutation(len(final))[:_SAMPLE]
    some, ends = Parts(*(part[chosen] for part in parts)), final[chosen]
    seen = [_seen(counts, keys_of(at, masks[at], some), ends) for at, counts in enumerate(levels)]
    groups = len(np.unique(final))

    def loss(raw: NDArray[np.float64]) -> float:
        probability = np.full(len(ends), 1 / groups)
        for level in range(len(levels) - 1, -1, -1):
            probability = _left_out(*seen[level], *_strength(raw[2 * level : 2 * level + 2]), probability)
        return -float(np.mean(np.log(probability)))

    start = np.tile([0.0, 1.0], len(levels))
    fitted = minimize(loss, start, method="L-BFGS-B", bounds=[(-6, 6), (-5, 9)] * len(levels))
    return [Strength(*_strength(fitted.x[2 * level : 2 * level + 2])) for level in range(len(levels))]


def _strength(raw: NDArray[np.float64]) -> tuple[float, float]:
    return 1 / (1 + float(np.exp(-raw[0]))), float(np.exp(raw[1]))


def _seen(
    counts: Counts, keys: NDArray[np.int64], ends: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """How often each day's context and final group were counted, its context, and the groups in that."""
    context = np.searchsorted(counts.keys, keys)
    kinds = np.diff(counts.at).astype(np.float64)
    whole = np.add.reduceat(counts.counted, counts.at[:-1])
    owner = np.repeat(np.arange(len(counts.keys)), np.diff(counts.at))
    pairs = owner.astype(np.int64) << _FINAL_BITS | counts.group
    pair = np.searchsorted(pairs, context.astype(np.int64) << _FINAL_BITS | ends)
    return counts.counted[pair], whole[context], kinds[context]


def _left_out(
    own: NDArray[np.float64],
    whole: NDArray[np.float64],
    kinds: NDArray[np.float64],
    discount: float,
    strength: float,
    general: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Probability of each day's final group when the day itself is not counted."""
    left = own - 1
    remaining = kinds - (left == 0)
    spread = (strength + discount * remaining) * general
    probability: NDArray[np.float64] = (np.maximum(left - discount, 0) + spread) / (whole - 1 + strength)
    return probability


def smooth(
    levels: Sequence[Counts],
    masks: NDArray[np.int32],
    parts: Parts,
    strengths: Sequence[Strength],
    groups: int,
) -> list[Odds]:
    """Return the odds of every level of contexts, the most special first.

    Args:
        levels: the most special first.
        masks: of the contexts.
        parts: of the days that were counted.
        strengths: of each level.
        groups: how many groups there are.
    """
    result: list[Odds] = []
    general = _nothing()
    for level in range(len(levels) - 1, -1, -1):
        counts = levels[level]
        of = np.zeros(len(counts.keys), np.int64)
        if result:
            some = Parts(*(part[counts.first_row] for part in parts))
            of = np.searchsorted(general.keys, keys_of(level + 1, masks[level + 1], some))
        general = _smooth_level(counts, general, of, strengths[level], groups)
        result.insert(0, general)
    return result


def _nothing() -> Odds:
    """Where nothing was counted: no candidate, all of the probability for the others."""
    return Odds(
        np.zeros(1, np.int64),
        np.zeros(2, np.int64),
        np.zeros(0, np.int32),
        np.zeros(0, np.float64),
        np.ones(1),
        np.zeros(1),
    )


def _smooth_level(
    counts: Counts, general: Odds, of: NDArray[np.int64], strength: Strength, groups: int
) -> Odds:
    cases = np.add.reduceat(counts.counted, counts.at[:-1])
    most = np.minimum(np.diff(counts.at) + np.diff(general.at)[of], MOST)
    at, rest = np.zeros(len(cases) + 1, np.int64), np.zeros(len(cases))
    group, probability = np.zeros(most.sum(), np.int32), np.zeros(most.sum())
    room = int(np.diff(counts.at).max()) + MOST
    _merge(
        counts, cases, general, of, strength, groups, np.zeros(room, np.int32), at, group, probability, rest
    )
    return Odds(counts.keys, at, group[: at[-1]].copy(), probability[: at[-1]].copy(), rest, cases)


@njit(cache=True, nogil=True)
def _merge(counts, cases, general, of, strength, groups, merged, at, group, probability, rest):  # type: ignore[no-untyped-def]
    """Fill the odds of every context: its own counts merged with the candidates of the more general one."""
    odds = np.empty(merged.shape[0])
    for context in range(cases.shape[0]):
        own, own_end = counts.at[context], counts.at[context + 1]
        other, other_end = general.at[of[context]], general.at[of[context] + 1]
        whole = cases[context] + strength.strength
        share = (strength.strength + strength.discount * (own_end - own)) / whole
        unlisted = general.rest[of[context]] / groups
        size = 0
        while own < own_end or other < other_end:
            if other == other_end or (own < own_end and counts.group[own] <= general.group[other]):
                merged[size] = counts.group[own]
                odds[size] = max(counts.counted[own] - strength.discount, 0.0) / whole
                if other < other_end and general.group[other] == counts.group[own]:
                    odds[size] += share * general.probability[other]
                    other += 1
                else:
                    odds[size] += share * unlisted
                own += 1
            else:
                merged[size] = general.group[other]
                odds[size] = share * general.probability[other]
                other += 1
            size += 1
        least = _LEAST
        if size > MOST:
            least = max(least, np.sort(odds[:size])[size - MOST])
        end, listed = at[context], 0.0
        for place in range(size):
            if odds[place] >= least and end - at[context] < MOST:
                group[end], probability[end] = merged[place], odds[place]
                listed += odds[place]
                end += 1
        at[context + 1] = end
        rest[context] = max(1.0 - listed, 0.0)
