"""Files of settled stays that cannot be read: every fault of every file named, and nothing guessed."""

from __future__ import annotations

import csv
import gzip
import io
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.reading import tables
from casemeter_grouper.history.reading.csv_rows import find_rows
from casemeter_grouper.history.reading.faults import catalogue
from casemeter_grouper.history.settled import HistoryError, PackGrouping, open_settled, reasons
from live import tiny_bundle
from settled_tables import csv_text, read, write_csv, write_parquet

DATA = Path(__file__).parent / "data"
GOOD: dict[str, str] = tomllib.loads((DATA / "settled_rows.toml").read_text("utf-8"))["good"]
FILES = tomllib.loads((DATA / "settled_files.toml").read_text("utf-8"))
DEPARTMENTS = ("神经内科", "心血管内科", "骨科", "呼吸与危重症医学科", "重症医学科")
ROWS = [GOOD | {"A48": f"M{at}", "B16C": name} for at, name in enumerate(DEPARTMENTS)]


@pytest.fixture(scope="module")
def pack(bundles: Path) -> PackGrouping:
    return PackGrouping(Grouper(CompiledScheme.open(tiny_bundle(bundles))))


def faults_of(paths: list[Path], pack: PackGrouping, says: str = "") -> list[str]:
    with pytest.raises(HistoryError) as refused:
        open_settled(paths, pack)
    for fault in refused.value.faults:
        assert fault.problem("zh")
        assert fault.mend("zh")
        assert str(fault) in str(refused.value)
    assert says in str(refused.value)
    return [f"{fault.file.name}:{fault.row} {fault.kind}" for fault in refused.value.faults]


@pytest.mark.parametrize("case", FILES["encoding"], ids=lambda case: case["name"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_encodings_are_read_or_refused(
    case: dict[str, Any], packed: bool, pack: PackGrouping, tmp_path: Path
) -> None:
    """Read to the same rows as UTF-8, or refused by name: never to other words."""
    data = b""
    for part in case["parts"]:
        rows = [row | {"B16C": row["B16C"] if "text" not in part else part["text"]} for row in ROWS]
        rows = [row | {"A48": f"{part['encoding']}{row['A48']}"} for row in rows]
        text = csv_text(rows, titles=part.get("titles", False))
        text = text if not data else text.split("\n", 1)[1]
        data += bytes(part.get("mark", [])) + text.encode(
            part["encoding"], errors=part.get("errors", "strict")
        )
    data += bytes(case.get("then", []))
    path = tmp_path / ("a.csv.gz" if packed else "a.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    if "fault" in case:
        assert faults_of([path], pack, case.get("says", "")) == [f"{path.name}:0 {case['fault']}"]
        return
    names = [row | {"A48": f"{case['parts'][0]['encoding']}{row['A48']}"} for row in ROWS]
    expected, _ = read([write_csv(tmp_path / "plain.csv", names)], pack)
    found, history = read([path], pack)
    assert found == expected
    assert history.departments == list(DEPARTMENTS)
    assert history.encodings == {path: case.get("as", "utf-8")}


@pytest.mark.parametrize("case", FILES["file"], ids=lambda case: case["name"])
def test_files_that_cannot_be_read(case: dict[str, Any], pack: PackGrouping, tmp_path: Path) -> None:
    path = tmp_path / case.get("path", "a.csv")
    if "text" in case:
        path.write_text(case["text"].replace("GOOD", csv_text([GOOD])), "utf-8")
    if "bytes" in case:
        path.write_bytes(bytes(case["bytes"]))
    expected = [f"{path.name}:{case.get('row', 0)} {one}" for one in case["faults"]]
    assert faults_of([path], pack, case.get("says", "")) == expected


WRONG_TYPES: tuple[tuple[str, pl.Series], ...] = (
    ("A48", pl.Series([1.5])),
    ("A49", pl.Series([True])),
    ("B15", pl.Series([20260309])),
    ("B12", pl.Series([20260309.5])),
    ("C03C", pl.Series([["I63.900"]])),
    ("D01", pl.Series([date(2026, 3, 9)])),
    ("D11", pl.Series([b"100"])),
    ("A14", pl.Series([{"years": 65}])),
)


@pytest.mark.parametrize(("column", "cells"), WRONG_TYPES)
def test_columns_of_another_type_are_faults_of_the_file(
    column: str, cells: pl.Series, pack: PackGrouping, tmp_path: Path
) -> None:
    frame = pl.read_parquet(write_parquet(tmp_path / "a.parquet", [GOOD]))
    frame.with_columns(cells.alias(column)).write_parquet(tmp_path / "a.parquet")
    assert faults_of([tmp_path / "a.parquet"], pack) == ["a.parquet:0 wrong_type"]


SOUND_TYPES: tuple[tuple[str, pl.Series], ...] = (
    ("A48", pl.Series(["虚构0001"], dtype=pl.Categorical)),
    ("A49", pl.Series([1.0])),
    ("A49", pl.Series(["1"])),
    ("A13", pl.Series([date(1960, 5, 1)])),
    ("B15", pl.Series([date(2026, 3, 9)]).cast(pl.Datetime("ns"))),
    ("B15", pl.Series([date(2026, 3, 9)]).cast(pl.Datetime("ms")).dt.replace_time_zone("Asia/Shanghai")),
    ("D01", pl.Series([1234.56])),
    ("D01", pl.Series(["1234.5600"]).cast(pl.Decimal(20, 4))),
    ("D11", pl.Series([100], dtype=pl.UInt16)),
    ("C06x02C", pl.Series([None], dtype=pl.Null)),
    ("A14", pl.Series([65], dtype=pl.Int8)),
)


@pytest.mark.parametrize(("column", "cells"), SOUND_TYPES)
def test_columns_may_be_of_several_types(
    column: str, cells: pl.Series, pack: PackGrouping, tmp_path: Path
) -> None:
    expected, _ = read([write_parquet(tmp_path / "a.parquet", [GOOD])], pack)
    frame = pl.read_parquet(tmp_path / "a.parquet").with_columns(cells.alias(column))
    frame.write_parquet(tmp_path / "a.parquet")
    assert read([tmp_path / "a.parquet"], pack)[0] == expected


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: data[:-5], lambda data: data[:4]])
def test_damaged_parquet(damage: Callable[[bytes], bytes], pack: PackGrouping, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", [GOOD])
    path.write_bytes(damage(path.read_bytes()))
    assert faults_of([path], pack) == ["a.parquet:0 not_parquet"]


def test_parquet_that_is_damaged_inside(pack: PackGrouping, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", [GOOD | {"A48": str(at)} for at in range(2000)])
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(2000) + data[2004:])
    assert faults_of([path], pack) == ["a.parquet:0 not_parquet"]


def test_all_faults_of_all_files_at_once(pack: PackGrouping, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("A48,B15,病案号,C03C,D11\n1,2026-01-01,1,I63.900,3\n", "utf-8")
    (tmp_path / "b.csv.gz").write_bytes(b"\x1f\x8bnothing")
    (tmp_path / "c.parquet").write_bytes(b"A48,A49\n")
    (tmp_path / "d.csv").write_text("")
    write_csv(tmp_path / "e.csv", ROWS)
    expected = ["a.csv:0 column_twice", "a.csv:0 missing_columns", "b.csv.gz:0 gzip_damaged"]
    assert faults_of([tmp_path], pack) == [*expected, "c.parquet:0 not_parquet", "d.csv:0 empty_file"]
    with pytest.raises(HistoryError) as refused:
        open_settled([tmp_path], pack)
    missing = refused.value.faults[1].problem()
    assert missing == "missing columns: A49/住院次数, B12/入院时间/入院日期, D01/住院总费用/总费用"


def test_a_file_that_may_not_be_read(
    pack: PackGrouping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write_csv(tmp_path / "a.csv", ROWS)
    monkeypatch.setattr(tables, "encoding_of", refuse)
    assert faults_of([path], pack, "Permission denied") == ["a.csv:0 unreadable"]


def test_a_file_given_twice(pack: PackGrouping, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ROWS)
    assert faults_of([path, tmp_path], pack) == ["a.csv:0 file_twice"]


def test_a_folder_without_pages(pack: PackGrouping, tmp_path: Path) -> None:
    (tmp_path / "days-0.csv").write_text("A48,A49,day,amount\n1,1,1,2.5\n")
    assert faults_of([tmp_path], pack) == [f"{tmp_path.name}:0 no_files"]


def test_columns_that_nobody_asked_for_are_named(pack: PackGrouping, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD | {"备注": "", "D29": "1", "D26": "1", "A11": "虚构"}])
    history = open_settled([path], pack)
    assert history.ignored == {path: ("备注", "A11")}
    assert history.absent == {path: ("D13", "D14", "D27", "D28", "D30")}


def test_every_fault_is_told_by_some_test() -> None:
    text = Path(__file__).read_text("utf-8") + (DATA / "settled_files.toml").read_text("utf-8")
    assert [kind for kind in catalogue() if kind not in text] == []


@pytest.mark.parametrize("table", [catalogue(), reasons()])
def test_every_entry_says_all_in_both_languages(table: dict[str, dict[str, str]]) -> None:
    for name, entry in table.items():
        assert entry.keys() - {"severity"} == {"en", "zh", "mend_en", "mend_zh"}, name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1),
    change=st.sampled_from(
        [b"\0", b"\n", b'"', b",", b"\xc9", b"\xe7\xa5\x9e", b'"\n"', b"\r", b"\xef\xbb\xbf"]
    ),
    cut=st.integers(0, 200),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
)
def test_a_damaged_file_is_read_or_refused(
    place: float, change: bytes, cut: int, encoding: str, pack: PackGrouping, tmp_path: Path
) -> None:
    """Never anything else: every row is counted, or the faults of the file are told."""
    data = csv_text(ROWS).encode(encoding)
    at = int(place * len(data))
    (tmp_path / "a.csv").write_bytes(data[:at] + change + data[at + cut :])
    try:
        history = open_settled([tmp_path / "a.csv"], pack)
    except HistoryError as refused:
        assert refused.faults
        return
    count = sum(map(len, history.chunks()))
    drops = history.drops
    assert history.rows == drops.rows == drops.kept + sum(drops.dropped.values())
    assert drops.kept == count


cells = st.text('ab,;"\n 中', max_size=6)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6), st.integers(1, 40))
def test_rows_are_those_of_the_csv_module(rows: list[list[str]], cut: int) -> None:
    """Whole, and with a first piece that ends anywhere."""
    rows = [row for row in rows if any(row)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    found: list[list[str]] = []
    rest = b""
    for piece, final in ((data[:cut], False), (data[cut:], True)):
        rest += piece
        lines = rest.count(b"\n") + 1
        places, sound = np.empty((lines, 2), np.int64), np.empty(lines, np.bool_)
        count, used = find_rows(np.frombuffer(rest, np.uint8), ord(","), 3, final, places, sound)
        assert sound[:count].all()
        for start, end in places[:count].tolist():
            found += csv.reader(io.StringIO(rest[start:end].decode(), newline=""))
        rest = rest[used:]
    assert found == rows
    assert not rest


def test_an_open_quotation_mark_costs_one_line() -> None:
    data = b'1,2\n"3,4\n5,6\n' + b"7,8\n" * 10
    places, sound = np.empty((20, 2), np.int64), np.empty(20, np.bool_)
    count, used = find_rows(np.frombuffer(data, np.uint8), ord(","), 2, True, places, sound)
    assert (count, used) == (13, len(data))
    assert np.flatnonzero(~sound[:count]).tolist() == [1]
