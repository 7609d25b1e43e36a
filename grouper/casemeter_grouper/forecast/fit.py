"""Fitting a forecast from histories: read, split by time, count, smooth, calibrate, and test on the newest.

This module loads polars and scipy; nothing that serves calls imports it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.forecast import calibrate, counting
from casemeter_grouper.forecast.ends import fit_ends
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.keys import masks_of
from casemeter_grouper.forecast.model import Header, Model
from casemeter_grouper.forecast.numbering import Numbering
from casemeter_grouper.forecast.stay_days import Departments, StayDays, read_days
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.reading.grouping import PackGrouping
from casemeter_grouper.pack.progress import advance


def settings() -> dict[str, Any]:
    """Return how forecasts are learned unless told otherwise."""
    return tomllib.loads(resources.files(__package__).joinpath("settings.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Wish:
    """What is asked of a fit.

    Attributes:
        header: who the forecast will be.
        most_in_set: the most groups of a set that is useful.
        learned: share of the stays that are learned from, the oldest.
        calibrated: share that thresholds are taken from, the next; the newest are left for the test.
        seed: of the days that are drawn.
    """

    header: Header
    most_in_set: int = 6
    learned: float = 0.7
    calibrated: float = 0.15
    seed: int = 1
    settings: dict[str, Any] = field(default_factory=settings)


class Split(NamedTuple):
    """Days of stays by when the stays ended: the oldest, the next, the newest."""

    learned: StayDays
    calibrated: StayDays
    tested: StayDays


def opened(pack: CompiledScheme | CompiledCatalogue) -> tuple[PackGrouping, list[str]]:
    """Return how a pack groups, and the MDC of each of its groups."""
    if isinstance(pack, CompiledScheme):
        grouping = PackGrouping(Grouper(pack))
        chapter = {leaf.group: leaf.mdc.name for leaf in reversed(pack.leaves) if leaf}
        return grouping, [chapter[code] for code in grouping.groups]
    grouping = PackGrouping(CatalogueGrouper(pack))
    return grouping, [""] * len(grouping.groups)


def one_day_of_each_bucket(day_from: Sequence[int], seed: int) -> Any:
    """Return a picker of days: one of each bucket that a stay reaches."""

    def pick(length: NDArray[np.int32], shard: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        chance = np.random.default_rng([seed, shard])
        stays, days = [], []
        for first, after in zip(day_from, [*day_from[1:], np.iinfo(np.int32).max], strict=True):
            there = np.flatnonzero(length >= first)
            last = np.minimum(length[there], after - 1)
            stays.append(there)
            days.append((first + chance.random(len(there)) * (last - first + 1)).astype(np.int32))
        return np.concatenate(stays), np.concatenate(days)

    return pick


def read(folders: Sequence[Path], grouping: PackGrouping, wish: Wish) -> tuple[StayDays, list[str]]:
    """Return the days that are drawn from histories, and the departments they number."""
    departments = Departments()
    pick = one_day_of_each_bucket(wish.settings["day_from"], wish.seed)
    parts: list[StayDays] = []
    for folder in folders:
        for rows in read_days(folder, grouping, pick, departments, _next_stay(parts)):
            parts.append(rows)
            advance("reading", len(parts), 0)
    return StayDays.of(parts), list(departments.number)


def _next_stay(parts: Sequence[StayDays]) -> int:
    return int(parts[-1].stay.max()) + 1 if parts else 0


def split(rows: StayDays, wish: Wish) -> Split:
    """Split days by the discharge of their stays."""
    _, first = np.unique(rows.stay, return_index=True)
    ends = np.sort(rows.discharge[first])
    bounds = [ends[int(len(ends) * share)] for share in (wish.learned, wish.learned + wish.calibrated)]
    part = np.searchsorted(bounds, rows.discharge, side="right")
    return Split(*(rows.take(part == at) for at in range(3)))


def learn(
    rows: StayDays, grouping: PackGrouping, chapters: Sequence[str], departments: Sequence[str], wish: Wish
) -> Model:
    """Learn a forecast that is not calibrated yet."""
    kind = "drg" if grouping.adrgs else "dip"
    numbering = Numbering.of(rows, grouping, chapters, departments, wish.settings["day_from"])
    parts = numbering.parts(rows)
    final = rows.final_group + 1
    masks = masks_of(wish.settings["contexts"][kind])
    levels = [counting.count(level, masks[level], parts, final) for level in range(len(masks))]
    strengths = counting.fit_strengths(levels, masks, parts, final, wish.seed)
    odds = counting.smooth(levels, masks, parts, strengths, len(grouping.groups))
    interval_masks = masks_of(wish.settings["intervals"][kind])
    paid = rows.cost > 0
    interval_keys, intervals = fit_ends(
        rows.take(paid), numbering.parts(rows.take(paid)), interval_masks, wish.header.level
    )
    buckets = len(numbering.day_from)
    arrays = {
        "context_masks": masks,
        "context_keys": np.concatenate([level.keys for level in odds]).astype(np.uint64),
        "context_at": _joined(odds),
        "context_cases": np.concatenate([level.cases for level in odds]).astype(np.int32),
        "candidate": np.concatenate([level.group for level in odds]),
        "odds": np.log(np.concatenate([level.probability for level in odds])),
        "interval_masks": interval_masks,
        "interval_keys": interval_keys.astype(np.uint64),
        "intervals": intervals,
        "margins": np.zeros((buckets, 4)),
        "levels": np.full((len(numbering.codes.chapters) + 1, buckets), wish.header.level),
        "group_chapter": np.array([0, *numbering.codes.group_chapter], np.int32),
    }
    facts = {"strengths": [list(strength) for strength in strengths], "stays": len(np.unique(rows.stay))}
    return Model(
        wish.header,
        numbering.codes,
        wish.most_in_set,
        wish.settings["day_from"],
        wish.settings["age_from"],
        facts,
        arrays,
    )


def calibrated(model: Model, forecaster: Forecaster, rows: StayDays, known: NDArray[np.int64]) -> Model:
    """Return a model whose sets and intervals hold the truth often enough.

    Args:
        model: that was learned.
        forecaster: the same, opened.
        rows: days of stays that were not learned from.
        known: the same days as the kernel takes them.
    """
    asked = forecaster.ask_all(known)
    chapter = model.arrays["group_chapter"][rows.planned + 1]
    shape = model.arrays["levels"].shape
    level = model.header.level
    levels = calibrate.set_levels(asked, known, rows.final_group + 1, chapter, shape, level)
    margins = calibrate.margins(asked, known, rows.final_cost, rows.days, shape[1], level)
    return replace(model, arrays={**model.arrays, "levels": levels, "margins": margins})


def _joined(odds: Sequence[counting.Odds]) -> NDArray[np.int32]:
    sizes = np.concatenate([np.diff(level.at) for level in odds])
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
