"""Reading stays from the tables of a made-up history.

This module loads polars; nothing that serves calls imports it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import polars as pl

from casemeter_grouper.history.playing.stay import CATEGORIES, Course, Stay

CHUNK_STAYS: Final = 2_000
"""Stays that are held at once."""

_KEY: Final = ("A48", "A49")
_DIAGNOSES: Final = ("C03C", *(f"C06x{at:02}C" for at in range(1, 41)))
_PROCEDURES: Final = ("C14x01C", *(f"C35x{at:02}C" for at in range(1, 41)))
_CHARGES: Final = tuple(f"c{at:02}" for at in range(1, CATEGORIES + 1))
_PAGES: Final = (*_KEY, "A12C", "A13", "B12", "B15", "B16C", "C03C")
_DAYS: Final = (*_KEY, "day", *_CHARGES)
_COURSE: Final = (*_KEY, "from_day", "until_day", "kind", "code", "position")


class HistoryFolderError(ValueError):
    """A folder that holds no made-up history."""


def pack_of(folder: Path) -> str:
    """Return the id of the pack that a history was made for.

    Raises:
        HistoryFolderError: the folder holds no made-up history.
    """
    file = folder / "history.json"
    try:
        told = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise HistoryFolderError(
            f"{folder}: there is no history.json; name a folder that 'casemeter history generate' wrote"
        ) from None
    except ValueError as error:
        raise HistoryFolderError(f"{file}: is not JSON: {error}") from None
    if not isinstance(told, dict) or told.get("made_up") is not True:
        # Stays of real patients are no material for trying out.
        raise HistoryFolderError(f"{file}: does not say that the history is made up; only such are played")
    pack = told.get("pack")
    if not isinstance(pack, str):
        raise HistoryFolderError(f"{file}: 'pack' is {pack!r}; it is the id of the pack it was made for")
    return pack


def read_stays(folder: Path, count: int, first: int = 1) -> Iterator[Stay]:
    """Yield stays in the order of the tables.

    Args:
        folder: of the history.
        count: number of stays, at most.
        first: the first of them, counted from 1.

    Raises:
        HistoryFolderError: tables are missing, or lack columns.
    """
    shards = sorted(folder.glob("pages-*.parquet"))
    if not shards:
        raise HistoryFolderError(f"{folder}: there is no pages-00000.parquet")
    skip = first - 1
    for shard in shards:
        pages = _scan(shard, _PAGES)
        rows = int(pages.select(pl.len()).collect().item())
        taken = min(count, max(0, rows - skip))
        for at in range(skip, skip + taken, CHUNK_STAYS):
            yield from _stays(shard, pages.slice(at, min(CHUNK_STAYS, skip + taken - at)).collect())
        count -= taken
        skip = max(0, skip - rows)
        if not count:
            return


def _scan(file: Path, wanted: Sequence[str]) -> pl.LazyFrame:
    try:
        frame = pl.scan_parquet(file)
        names = frame.collect_schema().names()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise HistoryFolderError(f"{file}: cannot be read as Parquet: {error}") from None
    missing = [name for name in wanted if name not in names]
    if missing:
        raise HistoryFolderError(f"{file}: missing column(s) {', '.join(missing)}")
    return frame


def _stays(shard: Path, pages: pl.DataFrame) -> Iterator[Stay]:
    days = _rows(shard, "days", _DAYS, pages)
    course = _rows(shard, "course", _COURSE, pages)
    for page in pages.iter_rows(named=True):
        key = (page["A48"], page["A49"])
        charges = {row[2]: tuple(fen or 0 for fen in row[3:]) for row in days.get(key, ())}
        known = tuple(
            Course(kind, code, position, begin, until)
            for _, _, begin, until, kind, code, position in course.get(key, ())
        )
        yield _stay(page, charges, known)


def _rows(
    shard: Path, table: str, columns: Sequence[str], pages: pl.DataFrame
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """Return the rows of another table of the same shard, by stay."""
    frame = _scan(shard.with_name(shard.name.replace("pages", table, 1)), columns).select(columns)
    rows = frame.join(pages.lazy().select(_KEY), on=_KEY, how="semi").sort(columns[:3]).collect().iter_rows()
    return {key: list(own) for key, own in groupby(rows, key=lambda row: row[:2])}


def _stay(page: dict[str, Any], charges: dict[int, tuple[int, ...]], course: tuple[Course, ...]) -> Stay:
    birth: date | None = page["A13"]
    admission: date | datetime = page["B12"]
    discharge: date | datetime = page["B15"]
    sex = str(page["A12C"] or "")
    return Stay(
        record=str(page["A48"]),
        visit=int(page["A49"]),
        sex=int(sex) if sex in ("1", "2") else 0,
        birth=birth,
        age_years=_number(page, "A14"),
        age_days=_number(page, "A16"),
        birth_weight_g=_number(page, "A18x01"),
        admission=admission,
        discharge=discharge,
        department=str(page["B16C"] or ""),
        discharge_way=str(page.get("B34C") or ""),
        diagnoses=_codes(page, _DIAGNOSES),
        procedures=_codes(page, _PROCEDURES),
        charges=charges,
        course=course,
    )


def _number(page: dict[str, Any], column: str) -> int | None:
    value = page.get(column)
    return None if value is None else int(value)


def _codes(page: dict[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(code for column in columns if (code := page.get(column)))
