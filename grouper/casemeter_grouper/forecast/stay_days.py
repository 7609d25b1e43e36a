"""Days of settled stays: what was known at their end, and what became of the stay.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from casemeter_grouper.case_files import CodeNumbers
from casemeter_grouper.forecast.standing import KINDS, NOTHING, TO_THE_END, Courses, standing
from casemeter_grouper.history.reading.grouping import NONE, Encoded, PackGrouping, Ragged

KEY: Final = ("A48", "A49")
_COSTS: Final = tuple(f"c{number:02}" for number in range(1, 11))
_SEX: Final = {"1": "M", "2": "F"}


@dataclass(frozen=True, eq=False)
class StayDays:
    """Days of stays, one row for each.

    Attributes:
        stay: place of the stay among all that were read.
        discharge: day of discharge, in days since 1970-01-01.
        day: day of stay, from 1.
        days: length of stay.
        principal: number of the principal diagnosis that stood, as the pack counts.
        group: number of the group as recorded.
        planned: number of the group with the planned procedures done.
        department: number of the department; 0: unknown.
        age: completed years; -1: unknown.
        cost: cost up to the end of the day, in fen.
        final_group: number of the group the stay ended in.
        final_cost: final cost in fen.
    """

    stay: NDArray[np.int64]
    discharge: NDArray[np.int32]
    day: NDArray[np.int32]
    days: NDArray[np.int32]
    principal: NDArray[np.int32]
    group: NDArray[np.int32]
    planned: NDArray[np.int32]
    department: NDArray[np.int32]
    age: NDArray[np.int32]
    cost: NDArray[np.int64]
    final_group: NDArray[np.int32]
    final_cost: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> StayDays:
        """Return some rows."""
        return StayDays(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    @classmethod
    def of(cls, parts: Sequence[StayDays]) -> StayDays:
        """Join parts, one after the other."""
        return cls(
            **{
                name.name: np.concatenate([getattr(part, name.name) for part in parts])
                for name in fields(cls)
            }
        )


Picker = Callable[[NDArray[np.int32], int], tuple[NDArray[np.int64], NDArray[np.int32]]]
"""Picks days: takes the lengths of stay of a shard and its number; returns places of stays and their days."""


class Departments:
    """Departments, numbered from 1 as they are met."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.number = {name: at for at, name in enumerate(names, 1)}

    def of(self, written: pl.Series) -> NDArray[np.int32]:
        """Return the number of each department; 0 where none is written."""
        for name in written.drop_nulls().unique().sort().to_list():
            self.number.setdefault(name, len(self.number) + 1)
        return np.array(written.replace_strict(self.number, default=0, return_dtype=pl.Int32), np.int32)


def shards(folder: Path) -> list[int]:
    """Return the numbers of the shards of a history."""
    return sorted(int(path.stem.rpartition("-")[2]) for path in folder.glob("pages-*.parquet"))


def read_days(
    folder: Path, grouping: PackGrouping, pick: Picker, departments: Departments, first_stay: int = 0
) -> Iterator[StayDays]:
    """Read a history, shard by shard.

    Args:
        folder: of the history.
        grouping: the pack that groups.
        pick: which days of which stays.
        departments: numbered so far; new ones are added.
        first_stay: place of the first stay.
    """
    for shard in shards(folder):
        pages = pl.read_parquet(folder / f"pages-{shard:05}.parquet")
        days = pl.read_parquet(folder / f"days-{shard:05}.parquet")
        course = pl.read_parquet(folder / f"course-{shard:05}.parquet")
        yield _rows(pages, days, course, grouping, pick, departments, shard, first_stay)
        first_stay += len(pages)


def _rows(
    pages: pl.DataFrame,
    days: pl.DataFrame,
    course: pl.DataFrame,
    grouping: PackGrouping,
    pick: Picker,
    departments: Departments,
    shard: int,
    first_stay: int,
) -> StayDays:
    place = pages.select(*KEY).with_row_index("stay")
    charged = days.join(place, on=KEY).sort("stay", "day")
    by_stay = charged.select("stay", "day", cost=pl.sum_horizontal(_COSTS).cum_sum().over("stay"))
    starts = _starts(by_stay["stay"], len(pages))
    length = np.diff(starts).astype(np.int32)
    stays, on = pick(length, shard)
    cost = by_stay["cost"].cast(pl.Int64).to_numpy()[starts[stays] + on - 1]
    diagnoses, procedures = CodeNumbers(grouping.diagnoses, False), CodeNumbers(grouping.procedures, False)
    facts = _facts(pages, grouping)
    courses = _courses(course.join(place, on=KEY), len(pages), diagnoses, procedures)
    now = standing(courses, stays, on, planned_too=False)
    then = standing(courses, stays, on, planned_too=True)
    group = _group(grouping, now[:3], facts, stays, cost)
    planned = np.where(then.has_plan, _group(grouping, then[:3], facts, stays, cost), group)
    final_cost = by_stay["cost"].cast(pl.Int64).to_numpy()[starts[1:] - 1]
    everyone = np.arange(len(pages))
    final = _group(grouping, _coded(pages, diagnoses, procedures), facts, everyone, final_cost)
    rows = StayDays(
        stay=stays + first_stay,
        discharge=pages["B15"].cast(pl.Date).cast(pl.Int32).to_numpy()[stays],
        day=on,
        days=length[stays],
        principal=now.principal,
        group=group,
        planned=planned,
        department=departments.of(pages["B16C"].cast(pl.String))[stays],
        age=np.nan_to_num(facts.age_years, nan=-1).astype(np.int32)[stays],
        cost=cost,
        final_group=final[stays],
        final_cost=final_cost[stays],
    )
    sound = (group != NONE) & (planned != NONE) & (rows.final_group != NONE) & (now.principal != NOTHING)
    return rows.take(sound)


def _starts(stay: pl.Series, count: int) -> NDArray[np.int64]:
    return np.searchsorted(stay.to_numpy(), np.arange(count + 1)).astype(np.int64)


def _courses(course: pl.DataFrame, count: int, diagnoses: CodeNumbers, procedures: CodeNumbers) -> Courses:
    kinds = pl.col("kind").replace_strict({kind: at for at, kind in enumerate(KINDS)}, return_dtype=pl.Int32)
    course = course.with_columns(kinds).sort("stay", "kind", "position")
    kind = course["kind"].to_numpy()
    code = np.where(kind < 2, diagnoses.of(course["code"]), procedures.of(course["code"]))
    last = course["until_day"].cast(pl.Int32).fill_null(TO_THE_END)
    first = course["from_day"].cast(pl.Int32)
    return Courses(
        _starts(course["stay"], count), *(np.array(column, np.int32) for column in (first, last, kind, code))
    )


class _Facts(NamedTuple):
    """What the front page says of each stay, as the kernel takes it; NaN and 0 for what it does not say."""

    age_years: NDArray[np.float64]
    age_days: NDArray[np.float64]
    birth_weight_g: NDArray[np.float64]
    sex: NDArray[np.int32]


def _coded(pages: pl.DataFrame, diagnoses: CodeNumbers, procedures: CodeNumbers) -> _Codes:
    """The codes of the pages as they were coded in the end."""
    lists = []
    for prefix, numbers in (("C06x", diagnoses), ("C14x", procedures)):
        names = [name for name in pages.columns if name.startswith(prefix) and name.endswith("C")]
        codes = pages.select(pl.concat_list(names).list.drop_nulls()).to_series()
        at = np.zeros(len(pages) + 1, np.int64)
        np.cumsum(codes.list.len().to_numpy(), out=at[1:])
        lists.append(Ragged(numbers.of(codes.explode(empty_as_null=False, keep_nulls=False)), at))
    return diagnoses.of(pages["C03C"]), lists[0], lists[1]


def _facts(pages: pl.DataFrame, grouping: PackGrouping) -> _Facts:
    def number(column: pl.Expr) -> NDArray[np.float64]:
        return pages.select(column.cast(pl.Float64).fill_null(np.nan)).to_series().to_numpy()

    age_days = (pl.col("B12").cast(pl.Date) - pl.col("A13").cast(pl.Date)).dt.total_days()
    weight = pl.col("A18x01") if "A18x01" in pages.columns else pl.lit(None)
    sex = pages["A12C"].cast(pl.String).replace_strict(_SEX, default=None, return_dtype=pl.String)
    known = dict(grouping.value_numbers("sex"))
    return _Facts(
        number(pl.col("A14")),
        number(age_days),
        np.broadcast_to(number(weight), len(pages)),
        np.array([known.get(value, 0) for value in sex.to_list()], np.int32),
    )


_Codes = tuple[NDArray[np.int32], Ragged, Ragged]


def _group(
    grouping: PackGrouping,
    codes: _Codes,
    facts: _Facts,
    stays: NDArray[np.int64],
    cost: NDArray[np.int64],
) -> NDArray[np.int32]:
    numbers = {name: getattr(facts, name)[stays] for name in ("age_years", "age_days", "birth_weight_g")}
    return grouping.group(Encoded(*codes, numbers, {"sex": facts.sex[stays]}, cost)).group
