"""Odds of the families that stays end in: each context's counts smoothed into those of a more general one.

The most special context of a stay has seen few like it, the most general one many unlike it. A context's
odds are its own counts, each less a discount, and what the discounts and a prior strength leave goes to a
prior (the Pitman-Yor form of back-off). Over all days of a stay the prior is the next more general context,
mixed with what lies beside it; discounts, strengths and shares are those under which each stay, left out of
all counts, is likeliest. On one bucket of days the prior is the next more general context on those days,
times what the special one shows over all days against the general one.
"""
# numba's decorators have no types.
# mypy: disallow-untyped-decorators=False

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from casemeter_grouper.forecast.counting import FAMILY_BITS, Counts
from casemeter_grouper.forecast.keys import Parts, keys_of, places_of

MOST: Final = 150
"""The most candidates that a context keeps."""

_LEAST: Final = 1e-6
"""The least probability of a candidate that is kept."""

_SAMPLE: Final = 100_000
_UNLIKELY: Final = 1e-9
_MOST_LIFT: Final = 1e4

Floats = NDArray[np.float64]


class Strength(NamedTuple):
    """How a level is smoothed: what each count is lessened by (0 to 1), and the prior strength in stays."""

    discount: float
    strength: float


class Odds(NamedTuple):
    """The smoothed odds of one level of contexts.

    Attributes:
        keys: as in :class:`Counts`.
        at: likewise, of what follows.
        family: candidates, ascending within a context.
        probability: of each candidate.
        rest: probability of all others, by context.
        cases: stays that were counted, by context.
    """

    keys: NDArray[np.int64]
    at: NDArray[np.int64]
    family: NDArray[np.int32]
    probability: Floats
    rest: Floats
    cases: Floats


class Beside(NamedTuple):
    """What lies beside a level: what stays of other families ended in that have something else in common.

    A coder may write another code of the same subcategory, or leave out the procedures: the stay then ends
    where others of its subcategory, or of its diagnosis, stand.

    Attributes:
        mask: of its contexts, which do not name the family.
        counts: of these.
    """

    mask: NDArray[np.int32]
    counts: Counts


BESIDE_STRENGTH: Final = Strength(0.5, 5.0)


class Fit(NamedTuple):
    """How levels are smoothed, the most special first.

    Attributes:
        strengths: of each.
        shares: of what lies beside each; 0 where nothing does.
    """

    strengths: list[Strength]
    shares: list[float]


def fit_strengths(
    levels: Sequence[Counts],
    masks: NDArray[np.int32],
    besides: Sequence[Beside | None],
    parts: Parts,
    final: NDArray[np.int32],
    seed: int,
) -> Fit:
    """Return how levels are smoothed so that stays are likeliest when each is left out of all counts.

    Args:
        levels: counts, the most special first.
        masks: of their contexts.
        besides: what is mixed into the prior of each level.
        parts: of the days that were counted.
        final: family that the stay of each day ended in.
        seed: of the days that are tried.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]  # it has no types

    chosen = np.random.default_rng(seed).permutation(len(final))[:_SAMPLE]
    some, ends = Parts(*(part[chosen] for part in parts)), final[chosen]
    count, even = len(levels), np.full(len(ends), 1 / len(np.unique(final)))
    seen = [_seen(counts, keys_of(at, masks[at], some), ends) for at, counts in enumerate(levels)]
    neighbours = [
        beside
        and _left_out(*_seen(beside.counts, keys_of(0, beside.mask, some), ends), *BESIDE_STRENGTH, even)
        for beside in besides
    ]

    def read(raw: Floats) -> Fit:
        strengths = [Strength(_share(raw[at]), float(np.exp(raw[count + at]))) for at in range(count)]
        shares = [_share(raw[2 * count + at]) if besides[at] else 0.0 for at in range(count)]
        return Fit(strengths, shares)

    def loss(raw: Floats) -> float:
        fit, probability = read(raw), even
        for level in range(count - 1, -1, -1):
            share, neighbour = fit.shares[level], neighbours[level]
            if neighbour is not None:
                probability = (1 - share) * probability + share * neighbour
            probability = _left_out(*seen[level], *fit.strengths[level], probability)
        return -float(np.mean(np.log(probability)))

    start = [0.0] * count + [1.0] * count + [-3.0] * count
    bounds = [(-6, 6)] * count + [(-5, 9)] * count + [(-9, 0)] * count
    return read(minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)


def _share(raw: float) -> float:
    return 1 / (1 + float(np.exp(-raw)))


def _seen(counts: Counts, keys: NDArray[np.int64], ends: NDArray[np.int32]) -> tuple[Floats, Floats, Floats]:
    """How often each day's context and final family were counted, its context, and the families in that."""
    context = np.searchsorted(counts.keys, keys)
    kinds = np.diff(counts.at).astype(np.float64)
    owner = np.repeat(np.arange(len(counts.keys)), np.diff(counts.at))
    pairs = owner.astype(np.int64) << FAMILY_BITS | counts.family
    pair = np.searchsorted(pairs, context.astype(np.int64) << FAMILY_BITS | ends)
    return counts.counted[pair], counts.cases[context], kinds[context]


def _left_out(
    own: Floats, whole: Floats, kinds: Floats, discount: float, strength: float, general: Floats
) -> Floats:
    """Probability of each day's final family when its stay is not counted."""
    left = own - 1
    spread = (strength + discount * (kinds - (left == 0))) * general
    probability: Floats = (np.maximum(left - discount, 0) + spread) / (whole - 1 + strength)
    return probability


def smooth(
    levels: Sequence[Counts],
    masks: NDArray[np.int32],
    besides: Sequence[Beside | None],
    parts: Parts,
    fit: Fit,
    families: int,
) -> list[Odds]:
    """Return the odds of every level of contexts over all days, the most special first.

    Args:
        levels: the most special first.
        masks: of the contexts.
        besides: what is mixed into the prior of each level.
        parts: of the days that were counted.
        fit: how they are smoothed.
        families: how many families there are.
    """
    result: list[Odds] = []
    for level in range(len(levels) - 1, -1, -1):
        counts, beside = levels[level], besides[level]
        general = flat = mixed = _flat(counts)
        if result:
            general = _Prior(result[0], _places(result[0], level + 1, masks[level + 1], counts, parts))
        if beside is not None:
            even = _flat(beside.counts)
            odds = _smooth_level(beside.counts, even, even, even, even, 0.0, BESIDE_STRENGTH, families)
            mixed = _Prior(odds, _places(odds, 0, beside.mask, counts, parts))
        odds = _smooth_level(
            counts, general, flat, flat, mixed, fit.shares[level], fit.strengths[level], families
        )
        result.insert(0, odds)
    return result


def _flat(counts: Counts) -> _Prior:
    return _Prior(_NOTHING, np.zeros(len(counts.keys), np.int64))


def smooth_buckets(
    levels: Sequence[Counts],
    masks: NDArray[np.int32],
    all_days: Sequence[Odds],
    all_masks: NDArray[np.int32],
    parts: Parts,
    strength: Strength,
    families: int,
) -> list[Odds]:
    """Return the odds of every level of contexts by bucket of days, the most special first.

    Args:
        levels: counts by bucket, the most special first.
        masks: of their contexts.
        all_days: odds of the same contexts over all days.
        all_masks: of these.
        parts: of the days that were counted.
        strength: of every level.
        families: how many families there are.
    """
    result: list[Odds] = []
    for level in range(len(levels) - 1, -1, -1):
        counts = levels[level]
        special = _Prior(all_days[level], _places(all_days[level], level, all_masks[level], counts, parts))
        flat = _flat(counts)
        if result:
            up = level + 1
            general = _Prior(result[0], _places(result[0], up, masks[up], counts, parts))
            against = _Prior(all_days[up], _places(all_days[up], up, all_masks[up], counts, parts))
            odds = _smooth_level(counts, general, special, against, flat, 0.0, strength, families)
        else:
            odds = _smooth_level(counts, special, flat, flat, flat, 0.0, strength, families)
        result.insert(0, odds)
    return result


class _Prior(NamedTuple):
    """Odds, and which of their contexts stands for each context that is smoothed."""

    odds: Odds
    of: NDArray[np.int64]


_NOTHING: Final = Odds(
    np.zeros(1, np.int64),
    np.zeros(2, np.int64),
    np.zeros(0, np.int32),
    np.zeros(0, np.float64),
    np.ones(1),
    np.zeros(1),
)
"""Where nothing was counted: no candidate, all of the probability for the others."""


def _places(
    odds: Odds, level: int, mask: NDArray[np.int32], counts: Counts, parts: Parts
) -> NDArray[np.int64]:
    some = Parts(*(part[counts.first_row] for part in parts))
    return places_of(odds.keys, keys_of(level, mask, some))


def _smooth_level(
    counts: Counts,
    general: _Prior,
    special: _Prior,
    against: _Prior,
    mixed: _Prior,
    part: float,
    strength: Strength,
    families: int,
) -> Odds:
    """Smooth counts into a prior: the general odds, a part of them mixed, times special by against."""
    sizes = [np.diff(prior.odds.at)[prior.of] for prior in (general, special, mixed)]
    most = np.minimum(np.diff(counts.at) + sizes[0] + sizes[1] + sizes[2], MOST)
    at, rest = np.zeros(len(counts.keys) + 1, np.int64), np.zeros(len(counts.keys))
    family, probability = np.zeros(most.sum(), np.int32), np.zeros(most.sum())
    priors = (general, special, against, mixed)
    _merge(counts, priors, part, strength, families, at, family, probability, rest)
    end = at[-1]
    return Odds(counts.keys, at, family[:end].copy(), probability[:end].copy(), rest, counts.cases)


@njit(cache=True, nogil=True)
def _spread(prior, context, room):  # type: ignore[no-untyped-def]
    """Fill the probability of every family in one context; one that is not listed has an even share."""
    odds, of = prior.odds, prior.of[context]
    others = max(room.shape[0] - (odds.at[of + 1] - odds.at[of]), 1)
    room[:] = max(odds.rest[of], _UNLIKELY) / others
    for place in range(odds.at[of], odds.at[of + 1]):
        room[odds.family[place] - 1] = odds.probability[place]


@njit(cache=True, nogil=True)
def _mark(prior, context, named):  # type: ignore[no-untyped-def]
    """Mark the families that are listed in one context."""
    odds, of = prior.odds, prior.of[context]
    for place in range(odds.at[of], odds.at[of + 1]):
        named[odds.family[place] - 1] = True


@njit(cache=True, nogil=True)
def _merge(counts, priors, part, strength, families, at, family, probability, rest):  # type: ignore[no-untyped-def]
    """Fill the odds of every context: its own counts on top of a prior."""
    general, special, against, mixed = priors
    shared, lifted, based, blended = np.empty((4, families))
    named, odds = np.empty(families, np.bool_), np.empty(families)
    for context in range(rest.shape[0]):
        _spread(general, context, shared)
        _spread(special, context, lifted)
        _spread(against, context, based)
        _spread(mixed, context, blended)
        named[:] = False
        _mark(general, context, named)
        _mark(special, context, named)
        if part > 0:
            _mark(mixed, context, named)
        own, own_end = counts.at[context], counts.at[context + 1]
        for place in range(own, own_end):
            named[counts.family[place] - 1] = True
        total, size = 0.0, 0
        for number in range(families):
            prior = (1 - part) * shared[number] + part * blended[number]
            odds[number] = prior * min(lifted[number] / based[number], _MOST_LIFT)
            total += odds[number]
            size += named[number]
        whole = counts.counted[own:own_end].sum() + strength.strength
        left = (strength.strength + strength.discount * (own_end - own)) / whole
        for number in range(families):
            odds[number] *= left / total
        for place in range(own, own_end):
            odds[counts.family[place] - 1] += max(counts.counted[place] - strength.discount, 0.0) / whole
        least = _LEAST
        if size > MOST:
            least = max(least, np.sort(odds[named])[size - MOST])
        end, listed = at[context], 0.0
        for number in range(families):
            if named[number] and odds[number] >= least and end - at[context] < MOST:
                family[end], probability[end] = number + 1, odds[number]
                listed += odds[number]
                end += 1
        at[context + 1] = end
        rest[context] = max(1.0 - listed, 0.0)
