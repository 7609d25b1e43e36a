"""Writing a made-up history: three tables, shard by shard, whole or not at all.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from casemeter_grouper.history.build import Pack, built
from casemeter_grouper.history.caseload import Caseload
from casemeter_grouper.history.charges import Charges, charge
from casemeter_grouper.history.course import course_of
from casemeter_grouper.history.draw import Odds, Stays, draw, odds_of
from casemeter_grouper.history.pages import Frames, first_day, items_of
from casemeter_grouper.history.recipe import Recipe
from casemeter_grouper.history.world import World

SHARD: Final = 100_000
"""Stays in one file."""

MOST_CASES: Final = 100_000_000
DEFAULT_UNTIL: Final = date(2025, 12, 31)
FIRST_UNTIL, LAST_UNTIL = date(2000, 1, 1), date(2100, 12, 31)
_EPOCH = date(1970, 1, 1).toordinal()


class Order(NamedTuple):
    """What is to be made.

    Attributes:
        pack: whose groups the stays end in.
        recipe: what is drawn how often.
        caseload: how many stays there are of what.
        cases: how many stays, 1 to :data:`MOST_CASES`.
        seed: equal seeds make equal tables.
        until: last day of discharge; the first lies three years before.
        days: whether to write the table of days.
    """

    pack: Pack
    recipe: Recipe
    caseload: Caseload
    cases: int
    seed: int
    until: date = DEFAULT_UNTIL
    days: bool = True


class Made(NamedTuple):
    """What was made.

    Attributes:
        cases: stays that were written.
        left_out: groups of the caseload that none of them is of: the pack has no group for these.
        left_out_share: share of their stays in the caseload.
    """

    cases: int
    left_out: int
    left_out_share: float


class Shard(NamedTuple):
    """Some stays of a history with what was charged, in the order of discharge.

    Attributes:
        first: number of the first of them in the history, from 0.
        stays: as drawn.
        charges: of these stays.
    """

    first: int
    stays: Stays
    charges: Charges


def generate(order: Order, folder: Path, progress: Callable[[int], object] = bool) -> Made:
    """Make a history.

    Args:
        order: what is to be made.
        folder: where to; it must not exist.
        progress: told how many stays were written.

    Raises:
        RecipeError: the recipe does not fit the pack or the tables beside it.
        ValueError: see :func:`check`.
        OSError: the folder cannot be written.
    """
    check(order.cases, order.seed, order.until, folder)
    world, left_out, left_out_share = built(order.pack, order.recipe, order.caseload)
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    partial.mkdir(parents=True)
    try:
        _write(order, world, partial, progress)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Made(order.cases, left_out, left_out_share)


def check(cases: int, seed: int, until: date, folder: Path) -> None:
    """See that a history can be made.

    Raises:
        ValueError: the number, the seed or the day is out of range, or the folder exists; all is told.
    """
    faults = []
    if not 1 <= cases <= MOST_CASES:
        faults.append(f"{cases:,} stays: make 1 to {MOST_CASES:,}")
    if seed < 0:
        faults.append(f"the seed is {seed}: a seed is at least 0")
    if not FIRST_UNTIL <= until <= LAST_UNTIL:
        faults.append(f"the last discharge is on {until}: name a day from {FIRST_UNTIL} to {LAST_UNTIL}")
    if folder.exists():
        faults.append(f"{folder} is there already: name a folder that is not")
    if faults:
        raise ValueError("\n".join(faults))


def shards(world: World, recipe: Recipe, cases: int, seed: int) -> Iterator[Shard]:
    """Draw a history shard by shard; what a shard holds does not depend on how many there are."""
    odds = odds_of(world)
    noise = recipe.number("charges.noise")
    for number in range(-(-cases // SHARD)):
        yield _shard(world, odds, noise, number, min(SHARD, cases - number * SHARD), seed)


def _shard(world: World, odds: Odds, noise: float, number: int, count: int, seed: int) -> Shard:
    of_stays, of_charges = (np.random.SeedSequence(seed, spawn_key=(number, part)) for part in (0, 1))
    stays = draw(odds, count, of_stays)
    return Shard(number * SHARD, stays, charge(world, stays, noise, of_charges))


def _write(order: Order, world: World, folder: Path, progress: Callable[[int], object]) -> None:
    frames = Frames(world, items_of(order.recipe), f"made-up-{order.seed}-")
    first = first_day(order.until).toordinal() - _EPOCH
    span = order.until.toordinal() - _EPOCH + 1 - first
    for number, shard in enumerate(shards(world, order.recipe, order.cases, order.seed)):
        count = len(shard.stays.days)
        keys = frames.keys(shard.first, count)
        places = np.arange(shard.first, shard.first + count, dtype=np.int64)
        discharge = first + places * span // order.cases
        tables = {
            "pages": frames.pages(keys, shard.stays, shard.charges, discharge),
            "course": frames.course(keys, course_of(world, shard.stays)),
        }
        if order.days:
            tables["days"] = frames.days(keys, shard.charges)
        for name, frame in tables.items():
            _put(frame, folder / f"{name}-{number:05}.parquet")
        progress(count)
    _describe(order, folder)


def _put(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path, compression="zstd", compression_level=1)


def _describe(order: Order, folder: Path) -> None:
    about = {
        "title": "made up 虚构",
        "made_up": True,
        "pack": order.pack.header.id,
        "pack_sha256": order.pack.sha256,
        "codes": "as the pack writes them",
        "recipe": order.recipe.title,
        "recipe_sha256": order.recipe.sha256,
        "caseload_sha256": order.caseload.sha256,
        "seed": order.seed,
        "cases": order.cases,
        "first_discharge": first_day(order.until).isoformat(),
        "last_discharge": order.until.isoformat(),
        "days": order.days,
    }
    text = json.dumps(about, ensure_ascii=False, indent=2)
    (folder / "history.json").write_text(f"{text}\n", "utf-8")
