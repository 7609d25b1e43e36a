"""Settled stays: what becomes of each row, however its file is written, and in whatever pieces it is read."""

from __future__ import annotations

import gzip
import random
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.grouping import CatalogueGrouper
from casemeter_grouper.grouping import Grouper
from casemeter_grouper.history.reading import encodings, tables
from casemeter_grouper.history.settled import STATUSES, Choices, PackGrouping, open_settled, reasons
from casemeter_grouper.pack.build import build_cached
from live import tiny_bundle
from settled_tables import Row, csv_text, read, write_csv, write_parquet

DATA = tomllib.loads((Path(__file__).parent / "data" / "settled_rows.toml").read_text("utf-8"))
GOOD: dict[str, str] = DATA["good"]
CASES: list[dict[str, Any]] = DATA["row"]
TINY_DIP = Path(__file__).parent / "data" / "tiny_dip"
YEARS = frozenset({2025, 2026})


@pytest.fixture(scope="module")
def pack(bundles: Path) -> PackGrouping:
    return PackGrouping(Grouper(CompiledScheme.open(tiny_bundle(bundles))))


@pytest.fixture(scope="module")
def catalogue(bundles: Path) -> PackGrouping:
    return PackGrouping(CatalogueGrouper(CompiledCatalogue.open(build_cached(TINY_DIP, bundles))))


@pytest.fixture(scope="module")
def choices(catalogue: PackGrouping) -> Choices:
    return Choices(years=YEARS, other_packs={catalogue.pack_id: frozenset(catalogue.groups)})


def stays(count: int) -> list[Row]:
    """Good stays that differ."""
    return [
        GOOD | {"A48": f"虚构{at:04}", "D01": f"{2000 + at}.5", "C06x02C": "I46.900" if at % 3 else ""}
        for at in range(count)
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_becomes_of_a_row(
    case: dict[str, Any], pack: PackGrouping, choices: Choices, tmp_path: Path
) -> None:
    row = GOOD | case.get("cells", {})
    found, history = read([write_csv(tmp_path / "a.csv", [row])], pack, choices)
    drops = history.drops
    assert drops.dropped == ({case["dropped"]: 1} if "dropped" in case else {})
    assert sorted(drops.warnings) == sorted(case.get("warnings", ()))
    assert (drops.rows, drops.kept) == (1, len(found))
    if "dropped" in case:
        (example,) = drops.examples[case["dropped"]]
        assert (example.file.name, example.row) == ("a.csv", 1)
        assert example.value == row.get(example.column, "")
        assert example.column in reasons()[case["dropped"]]["en"] or example.column in row
        return
    assert found[0][1] == case["group"]
    assert STATUSES[int(str(found[0][3]))] == case.get("status", "grouped")
    assert found[0][7] == case.get("los", 8)


def test_every_reason_has_a_row() -> None:
    told = {case.get("dropped", "") for case in CASES} | {
        one for case in CASES for one in case.get("warnings", ())
    }
    elsewhere = {"row_broken", "duplicate_stay"}
    beside = {"day_wrong", "amount_wrong", "span_wrong", "kind_unknown", "code_empty", "position_wrong"}
    assert told - {""} == reasons().keys() - elsewhere - beside


def test_what_a_row_says(pack: PackGrouping, tmp_path: Path) -> None:
    (found,), _ = read([write_csv(tmp_path / "a.csv", [GOOD])], pack)
    fees = (12050, -1, -1, -1, -1, 60000, -1, -1, -1, 1400)
    numbers = pack.diagnoses.number["I63.900"], (pack.diagnoses.number["E11.900"],)
    expected = ("BB13", pack.adrgs.index("BB1"), 0, 20521, 2026, 123456, 8, 65, 1, "神经内科", fees, *numbers)
    assert found[1:] == (*expected, (pack.procedures.number["01.2400"],))


def good_rows() -> list[Row]:
    """All rows of the data file that can be told in any file, under numbers of their own."""
    names = {name for case in CASES for name in case.get("cells", {})} - {"settled_group"}
    plain = [case for case in CASES if "settled_group" not in case.get("cells", {})]
    rows = [dict.fromkeys(sorted(names | GOOD.keys()), "") | GOOD | case.get("cells", {}) for case in plain]
    named = [at for at, row in enumerate(rows) if row["A48"] == GOOD["A48"] and row["A49"] == "1"]
    for at in named:
        rows[at]["A48"] = f"虚构{at:04}"
    return rows


def as_titles(folder: Path, rows: Sequence[Row]) -> Path:
    return write_csv(folder / "a.csv", rows, titles=True)


def as_semicolons(folder: Path, rows: Sequence[Row]) -> Path:
    return write_csv(folder / "a.csv", rows, delimiter=";")


def as_tabs(folder: Path, rows: Sequence[Row]) -> Path:
    return write_csv(folder / "a.csv", rows, delimiter="\t", titles=True)


def as_packed(folder: Path, rows: Sequence[Row]) -> Path:
    return write_csv(folder / "a.csv.gz", rows)


def of_windows(folder: Path, rows: Sequence[Row]) -> Path:
    (folder / "a.csv").write_bytes(csv_text(rows, newline="\r\n").encode("utf-8-sig"))
    return folder / "a.csv"


def with_more_columns(folder: Path, rows: Sequence[Row]) -> Path:
    return write_csv(folder / "a.csv", [{"备注": 'says "no",\nor', "": "", **row} for row in rows])


def of_many_files(folder: Path, rows: Sequence[Row]) -> Path:
    """In a folder, as Parquet and as CSV, beside what is no table of pages."""
    target = folder / "history"
    target.mkdir()
    (target / "history.json").write_text("{}")
    (target / "days-0.csv").write_text("A48,A49,day,amount\n1,1,1,2.5\n")
    write_csv(target / "a.csv", rows[:9], titles=True)
    write_csv(target / "b.csv", rows[9:20])
    write_csv(target / "c.csv.gz", rows[20:])
    return target


WAYS = (as_titles, as_semicolons, as_tabs, as_packed, of_windows, with_more_columns, of_many_files)


@pytest.mark.parametrize("written", WAYS)
def test_every_way_to_write_a_table_says_the_same(
    written: Callable[[Path, Sequence[Row]], Path], pack: PackGrouping, choices: Choices, tmp_path: Path
) -> None:
    plain, expected = read([write_csv(tmp_path / "plain.csv", good_rows())], pack, choices)
    found, history = read([written(tmp_path, good_rows())], pack, choices)
    assert found == plain
    assert (history.drops.dropped, history.drops.warnings) == (
        expected.drops.dropped,
        expected.drops.warnings,
    )
    assert history.rows == history.drops.rows == len(good_rows())


def test_parquet_says_the_same_as_csv(pack: PackGrouping, tmp_path: Path) -> None:
    rows = stays(50)
    csv_found, _ = read([write_csv(tmp_path / "a.csv", rows)], pack)
    found, history = read([write_parquet(tmp_path / "a.parquet", rows)], pack)
    assert found == csv_found
    assert len(found) == history.drops.kept == 50


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_pieces_changes_nothing(
    size: int, pack: PackGrouping, choices: Choices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = good_rows()
    rows += rows[3:6]
    path = with_more_columns(tmp_path, rows)
    path.write_bytes(path.read_bytes().replace("男".encode(), '"男'.encode(), 1))
    plain, expected = read([path], pack, choices)
    monkeypatch.setattr(tables, "CHUNK_ROWS", size)
    monkeypatch.setattr(encodings, "PIECE", 100 * size)
    found, history = read([path], pack, choices)
    assert found == plain
    assert history.drops == expected.drops


def test_stays_in_several_rows_are_all_dropped(pack: PackGrouping, tmp_path: Path) -> None:
    """In one file, in another, with another writing of the number, and where the twin has other faults."""
    first = [*stays(10), GOOD | {"A48": "虚构0003"}]
    second = [GOOD | {"A48": "虚构0005", "A49": " 1 "}, GOOD | {"A48": "虚构0007", "D01": "-5"}]
    second += [GOOD | {"A48": "虚构0008", "A49": "2"}, GOOD | {"A48": "", "A49": "1"}]
    paths = [write_parquet(tmp_path / "a.parquet", first), write_csv(tmp_path / "b.csv", second)]
    found, history = read(paths, pack)
    assert history.drops.dropped == {"duplicate_stay": 6, "no_stay_number": 1}
    assert (history.drops.rows, len(found)) == (15, 8)
    assert {one.stay for one in history.drops.examples["duplicate_stay"]} == {
        "虚构0003/1",
        "虚构0005/1",
        "虚构0007/1",
    }
    assert len(history.drops.examples["duplicate_stay"]) == 5


def test_the_hospital_names_a_stay_where_every_file_has_it(pack: PackGrouping, tmp_path: Path) -> None:
    ours, theirs = ([GOOD | {"A01": code}] for code in ("H1", "H2"))
    a, b = write_csv(tmp_path / "a.csv", ours), write_csv(tmp_path / "b.csv", theirs)
    assert read([a, b], pack)[1].drops.dropped == {}
    c = write_csv(tmp_path / "c.csv", [GOOD | {"A48": "虚构0002"}])
    assert read([a, b, c], pack)[1].drops.dropped == {"duplicate_stay": 2}


def test_rows_that_are_no_rows_are_counted(pack: PackGrouping, tmp_path: Path) -> None:
    lines = csv_text(stays(6)).splitlines()
    lines[2] += ",one more"
    lines[4] = lines[4].rsplit(",", 3)[0]
    lines[5] = lines[5].replace("神经内科", '"神经"内科')
    lines.insert(3, "")
    (tmp_path / "a.csv").write_text("\n".join(lines), "utf-8")
    found, history = read([tmp_path / "a.csv"], pack)
    assert history.drops.dropped == {"row_broken": 3}
    assert [one.row for one in history.drops.examples["row_broken"]] == [2, 4, 5]
    assert (history.rows, history.drops.rows, len(found)) == (6, 6, 3)


def test_empty_lines_are_no_rows(pack: PackGrouping, tmp_path: Path) -> None:
    lines = csv_text(stays(4)).splitlines()
    (tmp_path / "a.csv").write_text("\n\r\n".join(["", *lines, "", ""]), "utf-8", newline="")
    found, history = read([tmp_path / "a.csv"], pack)
    assert (history.drops.dropped, history.rows, len(found)) == ({}, 4, 4)


def test_settled_groups_are_taken_unless_told_otherwise(pack: PackGrouping, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD | {"结算分组": "BR13"}])
    assert read([path], pack)[0][0][1] == "BR13"
    assert read([path], pack, Choices(settled_groups=False))[0][0][1] == "BB13"


def test_codes_of_the_clinical_edition(pack: PackGrouping, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [GOOD | {"C03C": "I63.901", "C06x01C": "", "C14x01C": "37.2101"}])
    assert read([path], pack)[1].drops.dropped == {"principal_unknown": 1}
    (found,), _ = read([path], pack, Choices(clinical_diagnoses=True, clinical_procedures=True))
    assert found[1] == "BQY"


def test_a_catalogue_groups_stays_too(catalogue: PackGrouping, tmp_path: Path) -> None:
    rows = [
        GOOD | {"A48": name, "C03C": principal, "C06x01C": "", "C14x01C": procedure}
        for name, principal, procedure in (
            ("1", "I20.000", ""),
            ("2", "I20.000", "36.0700"),
            ("3", "I20.001", "88.5500"),
            ("4", "Z99.000", ""),
        )
    ]
    found, history = read([write_csv(tmp_path / "a.csv", rows)], catalogue)
    assert [one[1] for one in found] == ["I20.0", "I20.0:36.0700", "I20.0:88.5500"]
    assert {one[2] for one in found} == {-1}
    assert history.drops.dropped == {"principal_unknown": 1}


def test_groups_are_those_of_the_grouper(pack: PackGrouping, bundles: Path, tmp_path: Path) -> None:
    grouper = Grouper(CompiledScheme.open(tiny_bundle(bundles)))
    chosen = random.Random(5)
    diagnoses, procedures = [*pack.diagnoses.number], [*pack.procedures.number, ""]
    rows = [
        GOOD
        | {"A48": str(at), "A12C": chosen.choice("12"), "B34C": chosen.choice("12345")}
        | {name: chosen.choice(diagnoses) for name in ("C03C", "C06x01C", "C06x02C")}
        | {name: chosen.choice(procedures) for name in ("C14x01C", "C35x01C")}
        for at in range(300)
    ]
    history = open_settled([write_csv(tmp_path / "a.csv", rows)], pack)
    groups = {
        int(row): pack.groups[group]
        for chunk in history.chunks()
        for row, group in zip(chunk.row, chunk.group, strict=True)
    }
    for at, row in enumerate(rows, 1):
        case = Case(
            (row["C03C"], row["C06x01C"], row["C06x02C"]),
            tuple(filter(None, (row["C14x01C"], row["C35x01C"]))),
            "M" if row["A12C"] == "1" else "F",
            row["B34C"],
            age_years=65,
            los_days=8,
        )
        outcome = grouper.group(case)
        assert groups.get(at, "") == (outcome.leaf.group if outcome.leaf else "")


DAMAGES = [case["cells"] for case in CASES if "dropped" in case and "settled_group" not in case["cells"]]
SPOILT: dict[str, Callable[[str], list[str]]] = {
    "twice": lambda line: [line, line],
    "cut": lambda line: [line[:-4]],
    "longer": lambda line: [line + ",x"],
    "quote": lambda line: [line + '"'],
    "open": lambda line: [line.replace("虚构", '"虚构', 1)],
}
damages = st.lists(st.tuples(st.integers(0, 19), st.sampled_from([*DAMAGES, *SPOILT])), max_size=6)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found_damages=damages, cut=st.integers(1, 19), order=st.integers(0, 5))
def test_no_damage_costs_a_good_row(
    found_damages: list[tuple[int, Any]],
    cut: int,
    order: int,
    pack: PackGrouping,
    choices: Choices,
    tmp_path: Path,
) -> None:
    rows = [{"A18x01": "", **row} for row in stays(20)]
    lines: list[list[str]] = []
    for at, row in enumerate(rows):
        own = [damage for place, damage in found_damages if place == at]
        changed = dict(row)
        for cells in own:
            changed |= cells if isinstance(cells, dict) else {}
        written = [csv_text([changed]).split("\n", 1)[1].rstrip("\n")]
        for damage in own:
            if isinstance(damage, str):
                written = [line for one in written for line in SPOILT[damage](one)]
        lines.append(written)
    header = csv_text(rows[:1]).split("\n", 1)[0]
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    parts = [lines[:cut], lines[cut:]]
    random.Random(order).shuffle(parts)
    for name, part in enumerate(parts):
        text = "\n".join([header, *(line for own in part for line in own)])
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    found, history = read([folder], pack, choices)
    plain, _ = read([write_csv(folder / "plain.csv", rows)], pack, choices)
    damaged = {at for at, _ in found_damages}
    sound = [one for at, one in enumerate(plain) if at not in damaged]
    assert not Counter(sound) - Counter(found)
    drops = history.drops
    assert drops.rows == drops.kept + sum(drops.dropped.values()) == sum(map(len, lines))
    assert drops.kept == len(found)
