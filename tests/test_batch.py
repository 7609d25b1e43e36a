"""Files of cases: what each row becomes, and files that cannot be read."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from casemeter_grouper import batch, case_files, kernel
from casemeter_grouper.batch import COLUMNS, RESULT_COLUMNS, group_file
from casemeter_grouper.case import Case
from casemeter_grouper.case_files import CaseFileError, Report, count_cases, write
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.grouping import Grouper
from live import tiny_bundle
from shared_cases import read

ROWS = tomllib.loads((Path(__file__).parent / "data" / "case_rows.toml").read_text("utf-8"))["row"]
EXPECTED = [(row["name"], row["status"], row.get("group", "")) for row in ROWS]


@pytest.fixture(scope="module")
def grouper(bundles: Path) -> Grouper:
    return Grouper(CompiledScheme.open(tiny_bundle(bundles)))


def table(newline: str = "\n") -> str:
    """The rows of the data file as CSV, with a column that nobody asked for."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=newline)
    writer.writerow(("ward", *COLUMNS))
    for row in ROWS:
        writer.writerow(
            ("W1", *(row["name"] if name == "case_id" else row.get(name, "") for name in COLUMNS))
        )
    return file.getvalue()


def result(frames: Iterator[pl.DataFrame]) -> list[tuple[str, str, str]]:
    return pl.concat(frames).select("case_id", "status", "group").rows()


def as_csv(folder: Path) -> Path:
    (folder / "cases.csv").write_text(table(), "utf-8")
    return folder / "cases.csv"


def as_csv_of_windows(folder: Path) -> Path:
    (folder / "cases.csv").write_text(table("\r\n"), "utf-8-sig", newline="")
    return folder / "cases.csv"


def as_csv_gz(folder: Path) -> Path:
    (folder / "cases.csv.gz").write_bytes(gzip.compress(table().encode()))
    return folder / "cases.csv.gz"


def as_parquet(folder: Path) -> Path:
    frame = pl.read_csv(io.StringIO(table()), infer_schema=False)
    frame.write_parquet(folder / "cases.parquet")
    return folder / "cases.parquet"


@pytest.mark.parametrize("written", [as_csv, as_csv_of_windows, as_csv_gz, as_parquet])
def test_each_row_becomes_what_it_should(
    written: Callable[[Path], Path], grouper: Grouper, tmp_path: Path
) -> None:
    path, report, done = written(tmp_path), Report(), list[int]()
    assert result(group_file(grouper, path, report=report, progress=done.append)) == EXPECTED
    assert (count_cases(path, COLUMNS), report.cases, sum(done)) == (len(ROWS), len(ROWS), len(ROWS))
    assert report.by_status == Counter(row["status"] for row in ROWS)
    found = [(fault.row, fault.case_id, f"{fault.column} {fault.problem}") for fault in report.faults]
    assert found == [
        (at, row["name"], fault) for at, row in enumerate(ROWS, 1) for fault in row.get("faults", ())
    ]
    values = {(fault.case_id, fault.column): fault.value for fault in report.faults}
    assert values["several values at once", "sex"] == "W"
    assert values["birth weight in kilograms", "birth_weight_g"] == "3.2"


def test_every_check_has_a_row() -> None:
    checked = {fault.split()[0] for row in ROWS for fault in row.get("faults", ())}
    assert checked == {*batch._RANGES, *batch._VALUES, "diagnoses", "procedures"}


@pytest.mark.parametrize("rows", [1, 2, 3, 7, len(ROWS)])
def test_the_size_of_a_chunk_changes_nothing(
    rows: int, grouper: Grouper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Report()
    list(group_file(grouper, as_parquet(tmp_path), report=whole))
    monkeypatch.setattr(case_files, "CHUNK_ROWS", rows)
    report, sizes = Report(), list[int]()
    frames = group_file(grouper, as_parquet(tmp_path), report=report, progress=sizes.append)
    assert result(frames) == EXPECTED
    assert report == whole
    if rows < len(ROWS):
        assert len(sizes) > 1


def test_the_kernel_is_compiled_once(
    grouper: Grouper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiling takes seconds, and numba does it for every kind of array."""
    grouper.run(grouper.scheme.encode([Case(diagnoses=("I63.900",), procedures=("01.2400",))]))
    before = len(kernel.run.signatures)
    monkeypatch.setattr(case_files, "CHUNK_ROWS", 1)
    list(group_file(grouper, as_parquet(tmp_path), report=Report()))
    assert len(kernel.run.signatures) == before


def test_numbers_of_parquet_need_not_be_text(grouper: Grouper, tmp_path: Path) -> None:
    rows = {
        "case_id": [7, 8],
        "sex": ["M", None],
        "discharge_way": [None, 5],
        "department": [None, None],
        "age_years": [70, None],
        "age_days": [None, None],
        "birth_weight_g": [None, None],
        "los_days": [3, None],
        "icu_hours": [0.25, 1.0],
        "diagnoses": ["I63.900", "I63.900"],
        "procedures": [None, None],
    }
    pl.DataFrame(rows).write_parquet(tmp_path / "cases.parquet")
    frames = group_file(grouper, tmp_path / "cases.parquet", report=Report())
    assert result(frames) == [("7", "grouped", "BR15"), ("8", "undivided", "BR1")]


@pytest.mark.parametrize(
    ("diagnoses", "procedures", "groups"),
    [
        (False, False, ["", "BR29", "BR29"]),
        (True, False, ["BR29", "BR29", ""]),
        (False, True, ["", "BQY", "BR29"]),
        (True, True, ["BR29", "BQY", ""]),
    ],
)
def test_clinical_codes_are_mapped_where_they_are_declared(
    diagnoses: bool, procedures: bool, groups: list[str], grouper: Grouper, tmp_path: Path
) -> None:
    # I63.901 and 37.2101 are clinical codes; I64.x00 is the same in both editions; I63.000 has no mapping.
    rows = [("I63.901", ""), ("I64.x00", "37.2101"), ("I63.000", "")]
    lines = [",".join(COLUMNS), *(f"1{',' * (len(COLUMNS) - 2)}{dx},{proc}" for dx, proc in rows)]
    (tmp_path / "cases.csv").write_text("\n".join(lines), "utf-8")
    frames = group_file(
        grouper,
        tmp_path / "cases.csv",
        clinical_diagnoses=diagnoses,
        clinical_procedures=procedures,
        report=Report(),
    )
    assert [group for _, _, group in result(frames)] == groups


@pytest.mark.parametrize("name", ["chs_drg_11", "zhejiang_2022"])
def test_a_file_is_grouped_as_its_cases_are_one_by_one(
    name: str, shared: Path, compiled: Callable[[str], CompiledScheme]
) -> None:
    grouper = Grouper(compiled(name))
    frames = group_file(grouper, shared / "cases" / f"{name}.csv.gz", report=Report())
    found = pl.concat(frames).rows()
    expected = []
    for one in read(shared, name):
        outcome = grouper.group(one.case)
        leaf = outcome.leaf
        ends = (leaf.mdc.name, leaf.rule.adrg, leaf.group) if leaf else ("", "", "")
        expected.append((one.id, str(outcome.status), *ends))
    assert found == expected


# Files that cannot be read


def missing(folder: Path) -> Path:
    return folder / "none.csv"


def a_folder(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    (folder / "cases.csv").write_text("")
    return folder / "cases.csv"


def few_columns(folder: Path) -> Path:
    (folder / "cases.csv").write_text("case_id,sex,diagnoses\n1,M,I63.900\n")
    return folder / "cases.csv"


def ragged(folder: Path) -> Path:
    (folder / "cases.csv").write_text(f"{','.join(COLUMNS)}\n1,M\n2{',' * 30}\n")
    return folder / "cases.csv"


def not_utf8(folder: Path) -> Path:
    (folder / "cases.csv").write_bytes(
        f"{','.join(COLUMNS)}\n1,".encode() + "男".encode("gbk") + b",,,,,,,,,\n"
    )
    return folder / "cases.csv"


def cut_gzip(folder: Path) -> Path:
    (folder / "cases.csv.gz").write_bytes(gzip.compress(table().encode())[:60])
    return folder / "cases.csv.gz"


def no_parquet(folder: Path) -> Path:
    shutil.copy(as_csv(folder), folder / "cases.parquet")
    return folder / "cases.parquet"


UNREADABLE = (missing, a_folder, empty, few_columns, ragged, not_utf8, cut_gzip, no_parquet)


@pytest.mark.parametrize("make", UNREADABLE)
def test_a_file_that_cannot_be_read_is_named(
    make: Callable[[Path], Path], grouper: Grouper, tmp_path: Path
) -> None:
    path = make(tmp_path)
    with pytest.raises(CaseFileError) as caught:
        list(group_file(grouper, path, report=Report()))
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_columns_are_all_named(grouper: Grouper, tmp_path: Path) -> None:
    with pytest.raises(CaseFileError) as caught:
        list(group_file(grouper, few_columns(tmp_path), report=Report()))
    text = str(caught.value)
    assert "missing column(s) discharge_way, department, age_years, age_days" in text
    assert f"a file of cases has {', '.join(COLUMNS)}" in text


def test_a_file_without_cases_gives_a_file_without_cases(grouper: Grouper, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(",".join(COLUMNS) + "\n")
    report = Report()
    write(group_file(grouper, tmp_path / "cases.csv", report=report), tmp_path / "out.csv", RESULT_COLUMNS)
    assert (tmp_path / "out.csv").read_text() == ",".join(RESULT_COLUMNS) + "\n"
    assert (report.cases, report.by_status) == (0, {})


# Writing


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_results_are_written_whole(name: str, grouper: Grouper, tmp_path: Path) -> None:
    target = tmp_path / name
    write(group_file(grouper, as_csv(tmp_path), report=Report()), target, RESULT_COLUMNS)
    frame = pl.read_parquet(target) if name.endswith("parquet") else pl.read_csv(target, infer_schema=False)
    assert tuple(frame.columns) == RESULT_COLUMNS
    assert frame.select("case_id", "status", pl.col("group").fill_null("")).rows() == EXPECTED


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz", "out.parquet"])
def test_a_failure_leaves_what_was_there(name: str, grouper: Grouper, tmp_path: Path) -> None:
    def fails() -> Iterator[pl.DataFrame]:
        yield from group_file(grouper, as_csv(tmp_path), report=Report())
        raise CaseFileError("the disk was pulled out")

    target = tmp_path / name
    target.write_text("what was there")
    with pytest.raises(CaseFileError):
        write(fails(), target, RESULT_COLUMNS)
    assert target.read_text() == "what was there"
    assert {path.name for path in tmp_path.iterdir()} == {"cases.csv", name}
