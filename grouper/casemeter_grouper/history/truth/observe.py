"""What was seen of the stays of a made-up history, read from its tables.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.history.truth.observation import Observation
from casemeter_grouper.history.world import World

_STAY: Final = ("A48", "A49")
_FEMALE: Final = "2"  # RC001
_CHARGES: Final = r"^c\d\d$"


class Observed(NamedTuple):
    """Observations of stays of one shard.

    Attributes:
        stay: row of each stay in the table of pages, from 0.
        seen: what was seen of it.
    """

    stay: NDArray[np.int64]
    seen: list[Observation]


def stay_days(folder: Path, shard: int) -> int:
    """Return how many days the stays of a shard have together: rows of its table of days."""
    return int(_scan(folder, "days", shard).select(pl.len()).collect().item())


def observe(world: World, folder: Path, shard: int, rows: Sequence[int]) -> Observed:
    """Return what was seen at the end of days of stays.

    Args:
        world: that the history was drawn from.
        folder: of the history, with its table of days.
        shard: its number.
        rows: of the table of days, from 0: each is a day of a stay.

    Raises:
        ValueError: the history has a code or a department that the world has not.
    """
    try:
        return _observed(world, folder, shard, rows)
    except pl.exceptions.InvalidOperationError as error:
        raise ValueError(f"{folder}: this history was not drawn from this world: {error}") from None


def _observed(world: World, folder: Path, shard: int, rows: Sequence[int]) -> Observed:
    days = _days(folder, shard, rows)
    course = _course(folder, shard, days.select(*_STAY, "day", "row"))
    frame = days.join(_pages(world, folder, shard), on=_STAY, how="left", maintain_order="left")
    for kind in ("principal", "other", "planned", "done"):
        codes = world.diagnoses if kind in ("principal", "other") else world.procedures
        known = course.filter(pl.col("kind") == kind).sort("row", "position")
        known = known.with_columns(_numbers("code", codes))
        lists = known.group_by("row", maintain_order=True).agg(pl.col("code").alias(kind))
        frame = frame.join(lists, on="row", how="left", maintain_order="left")
    seen = [
        Observation(
            row["day"],
            row["principal"][0],
            tuple(sorted(row["other"] or ())),
            tuple(row["done"] or row["planned"] or ()),
            bool(row["done"]),
            row["cost"],
            row["A14"],
            row["A12C"] == _FEMALE,
            row["B16C"],
        )
        for row in frame.iter_rows(named=True)
    ]
    return Observed(frame["stay"].to_numpy().astype(np.int64), seen)


def _scan(folder: Path, table: str, shard: int) -> pl.LazyFrame:
    return pl.scan_parquet(folder / f"{table}-{shard:05}.parquet")


def _days(folder: Path, shard: int, rows: Sequence[int]) -> pl.DataFrame:
    """Return the rows asked for, in their order, with the running cost."""
    cost = pl.sum_horizontal(pl.col(_CHARGES)).cum_sum().over(_STAY, order_by="day")
    running = _scan(folder, "days", shard).select(*_STAY, "day", cost.alias("cost")).collect()
    # The same day may be asked for twice.
    return running[np.array(rows, np.int64)].with_row_index("row")


def _pages(world: World, folder: Path, shard: int) -> pl.DataFrame:
    columns = (*_STAY, "A12C", "A14", _numbers("B16C", world.departments))
    return _scan(folder, "pages", shard).select(columns).collect().with_row_index("stay")


def _course(folder: Path, shard: int, days: pl.DataFrame) -> pl.DataFrame:
    """Return what was known at the end of each of some days."""
    known = pl.col("from_day") <= pl.col("day")
    known &= pl.col("until_day").is_null() | (pl.col("until_day") >= pl.col("day"))
    return _scan(folder, "course", shard).join(days.lazy(), on=_STAY).filter(known).collect()


def _numbers(column: str, texts: Sequence[str]) -> pl.Expr:
    numbers = pl.Series(range(len(texts)), dtype=pl.Int32)
    return pl.col(column).replace_strict(pl.Series(list(texts), dtype=pl.String), numbers)
