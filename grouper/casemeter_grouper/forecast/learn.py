"""Learning a forecast from days of stays: counts, costs, severity and ends, put together as arrays.

This module loads scipy; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.bundle import Arrays
from casemeter_grouper.forecast.backoff import (
    Beside,
    Fit,
    Odds,
    Strength,
    fit_strengths,
    smooth,
    smooth_buckets,
)
from casemeter_grouper.forecast.costs import Trend, fit_bells
from casemeter_grouper.forecast.counting import count as count_families
from casemeter_grouper.forecast.ends import fit_ends
from casemeter_grouper.forecast.forecaster import positions
from casemeter_grouper.forecast.kernel import COUNTED_STATES, PROCEDURE_STATES
from casemeter_grouper.forecast.keys import FIELDS, LEVEL_SHIFT, SHIFTS, WIDTHS, Parts, masks_of
from casemeter_grouper.forecast.known import Procedures
from casemeter_grouper.forecast.model import Codes, Model
from casemeter_grouper.forecast.numbering import Numbering
from casemeter_grouper.forecast.severity import count, shares
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.forecast.wish import Wish
from casemeter_grouper.pack.progress import advance

_STEPS = 4


def learn(rows: StayDays, numbering: Numbering, divides: Sequence[bool], wish: Wish) -> Model:
    """Learn a forecast; its weights, levels and margins are not fitted yet.

    Args:
        rows: days to learn from, by stay.
        numbering: from the numbers of the days to those of the bundle.
        divides: whether each group is a division of its ADRG.
        wish: what is asked for.
    """
    codes, parts = numbering.codes, numbering.parts(rows)
    advance("learning", 0, _STEPS)
    odds, smoothed = _odds(rows, numbering, parts, wish)
    advance("learning", 1, _STEPS)
    arrays = _contexts(odds, wish) | _costs(rows, numbering, parts, odds, wish)
    advance("learning", 2, _STEPS)
    arrays |= _groups(codes) | _shares(rows, numbering, parts, divides, wish)
    advance("learning", 3, _STEPS)
    arrays |= _ends(rows, parts, wish)
    advance("learning", 4, _STEPS)
    buckets = len(wish.day_from)
    arrays |= {
        "weights": np.ones((buckets, 2)),
        "margins": np.zeros((len(wish.steps.margin_from), 4)),
        "levels": np.full((len(codes.chapters) + 1, buckets), wish.header.level),
    }
    facts = {
        "stays": len(np.unique(rows.stay)),
        "days": len(rows),
        "strengths": [list(strength) for strength in smoothed.strengths],
        "besides": smoothed.shares,
    }
    usual = _usual_states(parts, len(codes.families))
    return Model(wish.header, codes, wish.most_in_set, wish.steps, usual, facts, arrays)


def _odds(rows: StayDays, numbering: Numbering, parts: Parts, wish: Wish) -> tuple[list[Odds], Fit]:
    """Count and smooth: the odds by bucket of days, then those over all days, the most special first."""
    final, families = numbering.final(rows), len(numbering.codes.families)
    all_masks, masks = _of_all_days(wish), _by_bucket(wish)
    levels = range(len(masks))
    whole = [count_families(at, all_masks[at], parts, final, rows.stay) for at in levels]
    besides = []
    for names in wish.settings["besides"]:
        mask = masks_of([names])[0]
        besides.append(Beside(mask, count_families(0, mask, parts, final, rows.stay)) if names else None)
    fit = fit_strengths(whole, all_masks, besides, parts, final, wish.seed)
    all_days = smooth(whole, all_masks, besides, parts, fit, families)
    counts = [count_families(at, masks[at], parts, final, rows.stay) for at in levels]
    strength = Strength(wish.settings["bucket_discount"], wish.settings["bucket_strength"])
    by_bucket = smooth_buckets(counts, masks, all_days, all_masks, parts, strength, families)
    # In the bundle the levels of all days come after those by bucket.
    moved = [odds._replace(keys=odds.keys + (len(masks) << LEVEL_SHIFT)) for odds in all_days]
    return [*by_bucket, *moved], fit


def _of_all_days(wish: Wish) -> NDArray[np.int32]:
    return masks_of(wish.settings["contexts"])


def _by_bucket(wish: Wish) -> NDArray[np.int32]:
    return masks_of([[*names, "bucket"] for names in wish.settings["contexts"]])


def _contexts(odds: Sequence[Odds], wish: Wish) -> Arrays:
    sizes = np.concatenate([np.diff(level.at) for level in odds])
    return {
        "context_masks": np.concatenate([_by_bucket(wish), _of_all_days(wish)]),
        "context_keys": np.concatenate([each.keys for each in odds]).astype(np.uint64),
        "context_at": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "context_cases": np.concatenate([each.cases for each in odds]).astype(np.int32),
        "candidate": np.concatenate([each.family for each in odds]),
        "odds": np.log(np.concatenate([each.probability for each in odds])),
    }


def _costs(rows: StayDays, numbering: Numbering, parts: Parts, odds: Sequence[Odds], wish: Wish) -> Arrays:
    paid, buckets = rows.cost > 0, len(wish.day_from)
    some, cost = _some(parts, paid), np.log(rows.cost[paid].astype(np.float64))
    trend = Trend(cost, rows.day[paid], some, buckets)
    bells = fit_bells(trend.level(cost, rows.day[paid], some), some, numbering.final(rows)[paid], buckets)
    masks = np.concatenate([_by_bucket(wish), _of_all_days(wish)])
    candidates = np.concatenate([each.family for each in odds])
    middle, variance = bells.of(_entries(odds, masks), candidates)
    return {"trend": trend.rows, "middle": middle, "variance": variance}


def _entries(odds: Sequence[Odds], masks: NDArray[np.int32]) -> Parts:
    """The parts of every candidate's context, 0 where the context does not name them."""
    columns = []
    for place in range(len(SHIFTS)):
        found = []
        for level, each in enumerate(odds):
            value = each.keys >> SHIFTS[place] & ((1 << WIDTHS[FIELDS[place]]) - 1)
            found.append(np.repeat(value * masks[level, place], np.diff(each.at)))
        columns.append(np.concatenate(found).astype(np.int32))
    return Parts(*columns)


def _groups(codes: Codes) -> Arrays:
    """The groups of each family, and the chapter of each group."""
    family = np.array(codes.group_family, np.int32)
    sizes = np.bincount(family, minlength=len(codes.families) + 1)
    return {
        "member_at": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32),
        "member": (np.argsort(family, kind="stable") + 1).astype(np.int32),
        "group_chapter": np.array([0, *codes.group_chapter], np.int32),
    }


def _shares(
    rows: StayDays, numbering: Numbering, parts: Parts, divides: Sequence[bool], wish: Wish
) -> Arrays:
    codes = numbering.codes
    position = np.array([0, *positions(codes.group_family)], np.int32)[rows.planned.astype(np.int32) + 1]
    # Each day counts twice: by its complications, and by its group for whoever is not told of them.
    states = (numbering.states(rows), COUNTED_STATES + position)
    final, age, shape = (
        rows.final_group.astype(np.int32) + 1,
        numbering.ages(rows),
        (len(wish.day_from), len(wish.age_from) + 1),
    )
    counted = [count(len(codes.groups), shape, final, state, age, parts.bucket) for state in states]
    row, share = shares(codes.group_family, divides, counted[0] + counted[1])
    return {"share_row": row, "shares": share}


def _ends(rows: StayDays, parts: Parts, wish: Wish) -> Arrays:
    paid, masks = rows.cost > 0, masks_of(wish.settings["intervals"])
    ends = fit_ends(rows.take(paid), _some(parts, paid), masks, len(wish.day_from), wish.header.level)
    return {
        "interval_masks": masks,
        "interval_keys": ends.keys.astype(np.uint64),
        "intervals": ends.numbers,
        "end_trend": ends.trend,
    }


def _some(parts: Parts, rows: NDArray[np.bool_]) -> Parts:
    return Parts(*(part[rows] for part in parts))


def _usual_states(parts: Parts, families: int) -> list[int]:
    settled = parts.state != Procedures.PENDING
    cell = parts.family[settled] * PROCEDURE_STATES + parts.state[settled]
    days = np.bincount(cell, minlength=(families + 1) * PROCEDURE_STATES)
    found: list[int] = days.reshape(-1, PROCEDURE_STATES).argmax(axis=1).tolist()
    return found
