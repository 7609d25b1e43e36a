"""What stays had cost by a day, by the family they ended in: ln of cost as a bell curve for each.

The middle is that of the family a stay stands in and the one it ends in, on that bucket of days, moved by as
much as stays of the same subcategory lie off it over all days. So is the spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.forecast.kernel import PROCEDURE_STATES
from casemeter_grouper.forecast.keys import Parts, places_of

_MIDDLE, _OFF, _OFF_FINAL, _SPREAD = 3.0, 20.0, 10.0, 30.0
"""Prior strengths, in days of stays: of the middle over all final families, for one of them; of no
difference, for a subcategory; of its difference, for one final family; of the spread."""

_UNSEEN_VARIANCE = 1.0
_MANY = 50
_FAMILY_BITS = 15

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Keys = NDArray[np.int64]


class Trend:
    """How ln of cost rises with the day within each bucket of days.

    Attributes:
        rows: one for each bucket: the slope over ln of the day in each state, then the mean of ln of the day.
    """

    def __init__(self, cost: Floats, day: Ints, parts: Parts, buckets: int) -> None:
        self.rows = np.zeros((buckets, PROCEDURE_STATES + 1))
        ln_day = np.log(day.astype(np.float64))
        stands = parts.family.astype(np.int64)
        for bucket in range(buckets):
            of_bucket = parts.bucket == bucket
            if of_bucket.any():
                self.rows[bucket, -1] = ln_day[of_bucket].mean()
            for state in range(PROCEDURE_STATES):
                some = of_bucket & (parts.state == state)
                if some.any():
                    self.rows[bucket, state] = slope_within(ln_day[some], cost[some], stands[some])

    def level(self, cost: Floats, day: Ints, parts: Parts) -> Floats:
        """Return ln of cost as it would be in the middle of its bucket."""
        slope = self.rows[parts.bucket, parts.state]
        level: Floats = cost - slope * (np.log(day.astype(np.float64)) - self.rows[parts.bucket, -1])
        return level


def slope_within(x: Floats, y: Floats, group: Keys) -> float:
    """Return the slope of ``y`` over ``x`` within groups; 0 where ``x`` does not differ within any."""
    _, of = np.unique(group, return_inverse=True)
    size = np.bincount(of)
    dx, dy = (values - (np.bincount(of, values) / size)[of] for values in (x, y))
    square = float(dx @ dx)
    return float(dx @ dy) / square if square > 1e-9 else 0.0


@dataclass(frozen=True, eq=False)
class Bells:
    """Middle and spread of the level of cost.

    Attributes:
        keys: of the pairs of a stand and a final family, ascending; a stand is family, state and bucket.
        middle: of each pair.
        variance: of each pair.
        stand_keys: of the stands, ascending.
        stand_middle: of each, whatever the final family.
        off_keys: of the pairs of a subcategory's stand over all days and a final family, ascending.
        off: how far each of these lies off.
        wide: by how much its variance is larger.
        unknown: how much of that is not known, 0 to 1.
        between: variance of how far subcategories lie off.
        subcategory_keys: of the subcategory's stands, ascending.
        subcategory_off: how far each of these lies off, whatever the final family.
    """

    keys: Keys
    middle: Floats
    variance: Floats
    stand_keys: Keys
    stand_middle: Floats
    off_keys: Keys
    off: Floats
    wide: Floats
    unknown: Floats
    between: float
    subcategory_keys: Keys
    subcategory_off: Floats

    def of(self, parts: Parts, final: Ints) -> tuple[Floats, Floats]:
        """Return middle and variance of the level of cost, of days by the family they end in.

        Where no stay ever stood so, the variance is 0.
        """
        pair = places_of(self.keys, pairs(stand(parts), final))
        own = places_of(self.off_keys, pairs(subcategory_stand(parts), final))
        common = places_of(self.subcategory_keys, subcategory_stand(parts))
        moved = np.where(common >= 0, self.subcategory_off[common], 0.0)
        moved = np.where(own >= 0, self.off[own], moved)
        wide = np.where(own >= 0, self.wide[own], 1.0)
        # What is not known of how far a subcategory lies off widens its bell.
        unknown = self.between * np.where(own >= 0, self.unknown[own], 1.0)
        # Where no stay ever ended so: the middle of all, and a wide spread.
        known = places_of(self.stand_keys, stand(parts))
        middle = np.where(pair >= 0, self.middle[pair], np.where(known >= 0, self.stand_middle[known], 0.0))
        variance = np.where(
            pair >= 0, self.variance[pair] * wide + unknown, np.where(known >= 0, _UNSEEN_VARIANCE, 0.0)
        )
        return middle + moved, variance


def fit_bells(level: Floats, parts: Parts, final: Ints, buckets: int) -> Bells:
    """Fit middles and spreads.

    Args:
        level: level of cost of each day.
        parts: of the days.
        final: family that the stay of each day ended in.
        buckets: number of buckets.
    """
    keys, pair = np.unique(pairs(stand(parts), final), return_inverse=True)
    stand_keys, of_stand = np.unique(keys >> _FAMILY_BITS, return_inverse=True)
    days, total = np.bincount(pair).astype(np.float64), np.bincount(pair, level)
    stand_middle = np.bincount(of_stand, total) / np.bincount(of_stand, days)
    middle = (total + _MIDDLE * stand_middle[of_stand]) / (days + _MIDDLE)

    left = level - middle[pair]
    subcategory_keys, subcategory = np.unique(subcategory_stand(parts), return_inverse=True)
    subcategory_off = np.bincount(subcategory, left) / (np.bincount(subcategory) + _OFF)
    off_keys, own = np.unique(pairs(subcategory_stand(parts), final), return_inverse=True)
    prior = subcategory_off[np.searchsorted(subcategory_keys, off_keys >> _FAMILY_BITS)]
    own_days = np.bincount(own)
    off = (np.bincount(own, left) + _OFF_FINAL * prior) / (own_days + _OFF_FINAL)

    square = (left - off[own]) ** 2
    of_bucket = np.bincount(parts.bucket, square, buckets) / np.maximum(
        np.bincount(parts.bucket, minlength=buckets), 1
    )
    prior_variance = np.maximum(of_bucket, 1e-4)[(keys >> _FAMILY_BITS) & 31]
    variance = (np.bincount(pair, square) + _SPREAD * prior_variance) / (days + _SPREAD)
    wide = (np.bincount(own, square / variance[pair]) + _SPREAD) / (own_days + _SPREAD)
    many = own_days >= _MANY
    mean = np.bincount(own, left)[many] / own_days[many]
    between = float(np.average(mean**2, weights=own_days[many])) if many.any() else _UNSEEN_VARIANCE
    return Bells(
        keys=keys,
        middle=middle,
        variance=variance,
        stand_keys=stand_keys,
        stand_middle=stand_middle,
        off_keys=off_keys,
        off=off,
        wide=wide,
        unknown=(_OFF_FINAL / (own_days + _OFF_FINAL)).astype(np.float64),
        between=between,
        subcategory_keys=subcategory_keys,
        subcategory_off=subcategory_off,
    )


def stand(parts: Parts) -> Keys:
    """Return keys of where days stand: family, state and bucket."""
    return parts.family.astype(np.int64) << 7 | parts.state << 5 | parts.bucket


def subcategory_stand(parts: Parts) -> Keys:
    """Return keys of where days stand with their subcategory, over all days."""
    special = parts.subcategory.astype(np.int64) << (_FAMILY_BITS + 2)
    return special | parts.family << 2 | parts.state


def pairs(stands: Keys, final: Ints) -> Keys:
    """Return keys of stands and final families."""
    return stands << _FAMILY_BITS | final
