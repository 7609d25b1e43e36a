"""Daily charges and the course of settled stays: what becomes of each row, and keys that join with pages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.reading import encodings, tables
from casemeter_grouper.history.settled import (
    Choices,
    HistoryError,
    PackGrouping,
    open_settled,
    read_course,
    read_days,
)
from live import tiny_bundle
from settled_tables import write_csv

FOLDER = Path(__file__).parent / "data"
DATA = tomllib.loads((FOLDER / "settled_beside.toml").read_text("utf-8"))
PAGE: dict[str, str] = tomllib.loads((FOLDER / "settled_rows.toml").read_text("utf-8"))["good"]
DAY: dict[str, str] = DATA["days"]
COURSE: dict[str, str] = DATA["course"]


@pytest.fixture(scope="module")
def pack(bundles: Path) -> PackGrouping:
    return PackGrouping(Grouper(CompiledScheme.open(tiny_bundle(bundles))))


@pytest.mark.parametrize("case", DATA["days_row"], ids=lambda case: case["name"])
def test_what_becomes_of_a_day(case: dict[str, Any], tmp_path: Path) -> None:
    row = DAY | case.get("cells", {})
    days = read_days([write_csv(tmp_path / "days.csv", [row])])
    chunks = list(days.chunks())
    assert (days.drops.rows, days.drops.kept) == (1, len(chunks))
    if "dropped" in case:
        assert days.drops.dropped == {case["dropped"]: 1}
        (example,) = days.drops.examples[case["dropped"]]
        assert example.value == row.get(example.column, "")
        return
    (chunk,) = chunks
    assert (chunk.day[0], chunk.date[0], chunk.total_fen[0]) == (
        case["day"],
        case.get("date", -1),
        case["fen"],
    )


@pytest.mark.parametrize("case", DATA["course_row"], ids=lambda case: case["name"])
def test_what_becomes_of_a_row_of_the_course(
    case: dict[str, Any], pack: PackGrouping, tmp_path: Path
) -> None:
    row = COURSE | case.get("cells", {})
    course = read_course([write_csv(tmp_path / "course.csv", [row])], pack)
    chunks = list(course.chunks())
    assert (course.drops.rows, course.drops.kept) == (1, len(chunks))
    if "dropped" in case:
        assert course.drops.dropped == {case["dropped"]: 1}
        return
    (chunk,) = chunks
    first, last, kind, code, position = case["says"]
    numbers = (pack.diagnoses if kind < 2 else pack.procedures).number
    assert [chunk.from_day[0], chunk.until_day[0], chunk.kind[0], chunk.code[0], chunk.position[0]] == [
        first,
        last,
        kind,
        numbers.get(code, 0),
        position,
    ]


def test_one_amount_in_yuan_each_row(tmp_path: Path) -> None:
    rows = [
        {"病案号": "虚构0001", "住院次数": "1", "费用日期": "2026-03-01", "金额": amount}
        for amount in ("12.5", "-2.50", "12.505", "")
    ]
    days = read_days([write_csv(tmp_path / "a.csv", rows)])
    (chunk,) = days.chunks()
    assert chunk.total_fen.tolist() == [1250, -250]
    assert chunk.date.tolist() == [20513, 20513]
    assert days.drops.dropped == {"amount_wrong": 2}


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        (["A48", "A49", *(f"c{at:02}" for at in range(1, 11)), "amount", "day"], "amount and c01"),
        (["A48", "day", "c01", "c02"], "c03, c04, c05, c06, c07, c08, c09, c10"),
        (["A48", "A49", "amount"], "day/住院日/住院第几天"),
        (["A48", "A49", "date"], "amount/金额/费用金额"),
    ],
)
def test_columns_that_a_table_of_days_needs(columns: list[str], missing: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [dict.fromkeys(columns, "1")])
    with pytest.raises(HistoryError) as refused:
        read_days([path])
    assert missing in str(refused.value)


def test_keys_join_pages_days_and_course(pack: PackGrouping, tmp_path: Path) -> None:
    """Whatever types and kinds of files the tables have, and with the hospital or without."""
    numbers = [f"{at}" for at in range(20)]
    pages = [PAGE | {"A01": "H1", "A48": number} for number in numbers]
    write_csv(tmp_path / "pages.csv", pages)
    days = pl.DataFrame([DAY | {"A01": "H1", "A48": number} for number in numbers])
    days.with_columns(pl.col("A48", "A49", "day").cast(pl.Int64)).write_parquet(tmp_path / "days.parquet")
    write_csv(tmp_path / "course.csv.gz", [COURSE | {"A01": "H1", "A48": f" {number}"} for number in numbers])
    history = open_settled([tmp_path], pack)
    assert history.with_hospital
    (stays,) = history.chunks()
    for with_hospital in (True, False):
        (charged,) = read_days([tmp_path], with_hospital=with_hospital).chunks()
        (known,) = read_course([tmp_path], pack, Choices(), with_hospital=with_hospital).chunks()
        assert np.array_equal(charged.key, known.key)
        assert np.array_equal(charged.key, stays.key) == with_hospital
    write_csv(tmp_path / "bare.csv", [DAY])
    with pytest.raises(HistoryError, match="A01"):
        read_days([tmp_path], with_hospital=True)


def test_the_size_of_pieces_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [DAY | {"day": str(day)} for day in range(40)]
    path = write_csv(tmp_path / "a.csv", rows)
    whole = read_days([path])
    expected = [chunk.day.tolist() for chunk in whole.chunks()]
    monkeypatch.setattr(tables, "CHUNK_ROWS", 7)
    monkeypatch.setattr(encodings, "PIECE", 300)
    again, done = read_days([path]), list[int]()
    found = [chunk.day.tolist() for chunk in again.chunks(done.append)]
    assert len(found) > len(expected)
    assert [[day for days in found for day in days]] == expected
    assert sum(done) == 40
    assert again.drops == whole.drops


def test_days_and_course_of_a_folder_without_them(pack: PackGrouping, tmp_path: Path) -> None:
    write_csv(tmp_path / "pages.csv", [PAGE])
    with pytest.raises(HistoryError, match="table days"):
        read_days([tmp_path])
    with pytest.raises(HistoryError, match="table course"):
        read_course([tmp_path], pack)
