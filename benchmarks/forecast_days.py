"""Days of stays of made-up histories for the benchmarks of forecasts: the newest apart, and their truth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.forecast.fit import Pack
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.histories import Picker, read_days
from casemeter_grouper.forecast.known import Interval, Known, Procedures
from casemeter_grouper.forecast.numbering import Numbering
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.history.settled import open_settled
from casemeter_grouper.history.truth import Observation, Truth
from casemeter_grouper.history.truth.observe import observe, stay_days
from casemeter_grouper.history.world import World

STAY: Final = ["A48", "A49"]
TABLES: Final = ("pages", "days", "course")

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


class Days(NamedTuple):
    """Days of stays of one history.

    Attributes:
        rows: the days.
        departments: of the history, numbered from 1 in the days.
        folder: with one shard, that of these stays.
    """

    rows: StayDays
    departments: Sequence[str]
    folder: Path


class Law(NamedTuple):
    """What the generator itself makes of one day of a stay.

    Attributes:
        groups: number of each group that the stay may end in, as a bundle counts, from 1.
        probabilities: of them, the greatest first; they add up to 1.
        cost_fen: true interval of the final cost.
        los_days: of the length of stay.
    """

    groups: Ints
    probabilities: Floats
    cost_fen: Interval
    los_days: Interval


def part_of(history: Path, target: Path, since: date, before: date | None = None, last: int = 0) -> Path:
    """Copy the stays that ended since a day, and before another; of these the last ones only, if told.

    Args:
        history: folder of a generated history.
        target: folder of the copy, with one shard.
        since: first day of discharge.
        before: first day of discharge that is not wanted.
        last: how many stays; 0: all.
    """
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
    for path in sorted(history.glob("pages-*.parquet")):
        pages = pl.read_parquet(path).filter(pl.col("B15") >= since)
        if before is not None:
            pages = pages.filter(pl.col("B15") < before)
        if pages.height:
            parts["pages"].append(pages)
            for name in TABLES[1:]:
                frame = pl.read_parquet(path.with_name(path.name.replace("pages", name)))
                parts[name].append(frame.join(pages, on=STAY, how="semi", maintain_order="left"))
    tables = {name: pl.concat(frames) for name, frames in parts.items()}
    if last:
        tables["pages"] = tables["pages"].tail(last)
    target.mkdir()
    for name, frame in tables.items():
        kept = frame if name == "pages" else frame.join(tables["pages"], on=STAY, how="semi")
        kept.write_parquet(target / f"{name}-00000.parquet", compression="zstd", compression_level=1)
    (target / "history.json").write_bytes((history / "history.json").read_bytes())
    return target


def some_days(folder: Path, wanted: int, seed: int) -> Picker:
    """Return a picker of days that takes each stay-day equally probably: about so many of them."""
    share = min(1.0, wanted / stay_days(folder, 0))

    def pick(length: Ints, block: int) -> tuple[NDArray[np.int64], Ints]:
        stays = np.repeat(np.arange(len(length)), length)
        day = np.arange(1, len(stays) + 1) - np.repeat(np.cumsum(length) - length, length)
        taken = np.random.default_rng([seed, block]).random(len(stays)) < share
        return stays[taken], day[taken].astype(np.int32)

    return pick


def days_of(folder: Path, pack: Pack, pick: Picker) -> Days:
    """Read days of the one shard of a folder."""
    rows, read = read_days([folder], pack.grouping, pack.complications, pick)
    return Days(rows, read.departments, folder)


def numbered(forecaster: Forecaster, days: Days, pack: Pack) -> NDArray[np.int64]:
    """Return days as the kernel of a bundle takes them, whatever history it was learned from."""
    return numbering(forecaster, days.departments, pack).known(days.rows)


def numbering(forecaster: Forecaster, departments: Sequence[str], pack: Pack) -> Numbering:
    """From the numbers of a history to those of a bundle."""
    return Numbering(forecaster.codes, pack.grouping, departments, forecaster.steps)


def knowns(days: Days, pack: Pack) -> list[Known]:
    """Return days as callers ask for them."""
    rows, groups = days.rows, pack.grouping.groups
    diagnoses, departments = ["", *pack.grouping.diagnoses.number], ["", *days.departments]
    return [
        Known(
            int(rows.day[at]),
            diagnoses[rows.principal[at]],
            groups[rows.group[at]],
            groups[rows.planned[at]],
            int(rows.cost[at]),
            int(rows.age[at]),
            departments[rows.department[at]],
            int(rows.major[at]),
            int(rows.minor[at]),
            Procedures(int(rows.state[at])),
        )
        for at in range(len(rows))
    ]


class Oracle:
    """The truth of days of one made-up history."""

    def __init__(self, world: World, pack: CompiledScheme | CompiledCatalogue) -> None:
        self._world = world
        self._truth = Truth(world, pack)

    def laws(self, days: Days, chosen: NDArray[np.intp], groups: Sequence[str], pack: Pack) -> list[Law]:
        """Return what is true of some days.

        Stays that end in no group are no settled ones: the forecast neither learns nor tests with them, and
        the truth is that of the others.

        Args:
            days: of stays of one shard.
            chosen: places of those that are asked for.
            groups: codes, numbered from 1.
            pack: that the days were read with.
        """
        number = {code: at for at, code in enumerate(groups, 1)}
        return [self._law(seen, number) for seen in self._seen(days, chosen, pack)]

    def _law(self, seen: Observation, number: dict[str, int]) -> Law:
        outlook = self._truth.outlook(seen)
        grouped = np.array([bool(code) for code in outlook.groups])
        probabilities = outlook.probabilities[grouped]
        return Law(
            np.array([number[code] for code in outlook.groups if code], np.int32),
            probabilities / probabilities.sum(),
            outlook.cost_fen,
            outlook.los_days,
        )

    def _seen(self, days: Days, chosen: NDArray[np.intp], pack: Pack) -> list[Observation]:
        # Pages that were not kept move the places of the others.
        kept = np.concatenate([chunk.row for chunk in open_settled([days.folder], pack.grouping).chunks()])
        pages = pl.read_parquet(days.folder / "pages-00000.parquet", columns=STAY)
        stay = pages[kept[days.rows.stay[chosen]] - 1]
        stay = stay.with_columns(day=days.rows.day[chosen].astype(np.int32))
        table = pl.read_parquet(days.folder / "days-00000.parquet", columns=[*STAY, "day"])
        row = stay.join(table.with_row_index("row"), on=[*STAY, "day"], how="left", maintain_order="left")
        return observe(self._world, days.folder, 0, row["row"].to_list()).seen
