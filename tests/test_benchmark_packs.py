"""Benchmark packs: what a group costs, how long it lasts, of what and when; and the fee categories."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from casemeter_grouper.benchmark.benchmark import Benchmark
from casemeter_grouper.benchmark.categories import FRONT_PAGE, SETTLEMENT_LIST, SYSTEMS, categories
from casemeter_grouper.benchmark.load import read_benchmark
from casemeter_grouper.pack.build import build
from casemeter_grouper.pack.kinds import check_pack
from casemeter_grouper.pack.shipped import find_pack
from payment_by_hand import table

TINY = Path(__file__).parent / "data" / "tiny_benchmark"
FITTED = TINY.parent / "tiny_fitted"


def opened(folder: Path, target: Path) -> Benchmark:
    build(folder, target)
    return Benchmark.open(target)


def test_a_tiny_benchmark(tmp_path: Path) -> None:
    benchmark = opened(TINY, tmp_path / "x.bundle")
    header = benchmark.header
    assert (header.id, header.scheme, header.period) == ("tiny_benchmark", "tiny", "2025")
    assert (header.category_system, header.demonstration) == ("front_page", False)
    assert header.holds_on("2026-01-01")
    group = benchmark.group("BR21")
    assert group is not None
    assert group.mean_cost_fen == Fraction("1200012.5")
    assert (group.median_cost_fen, group.cv, group.mean_los_days, group.cases) == (
        Fraction(1_100_000),
        0.5,
        9.5,
        120,
    )
    assert dict(group.structure) == {"1": 0.25, "6": 0.5}
    assert group.cost_by_day == (300_000, 500_001, 500_001)  # half a fen goes up
    other = benchmark.group("BR23")
    assert other is not None
    assert (other.cv, other.median_cost_fen, other.cost_by_day) == (0.25, None, ())  # from sd
    assert benchmark.group("BR25") is None
    assert [one.code for one in benchmark] == ["BR21", "BR23"]
    assert len(benchmark) == 2


def test_a_fitted_benchmark_has_quantiles_and_says_whose_cases_it_measured(tmp_path: Path) -> None:
    benchmark = opened(FITTED, tmp_path / "x.bundle")
    group = benchmark.group("BR21")
    assert group is not None
    assert (group.basis, group.median_cost_fen) == ("own", Fraction(800_000))
    assert dict(group.cost_quantiles_fen) == {
        10: 400_000,
        25: 600_000,
        75: Fraction("900000.5"),
        90: 1_200_000,
    }
    assert dict(group.los_quantiles) == {10: 3, 25: 4.5, 50: 7, 75: 9, 90: 12}
    assert dict(group.cost_by_day_quantiles) == {
        10: (100_000, 200_000),
        25: (150_000, 300_000),
        50: (240_000, 400_000),
        75: (300_000, 550_000),
        90: (400_000, 800_000),
    }
    other = benchmark.group("BR23")
    assert other is not None
    assert (other.basis, dict(other.cost_by_day_quantiles)) == ("adrg", {})


def test_a_pack_without_quantiles_has_none(tmp_path: Path) -> None:
    for group in opened(TINY, tmp_path / "x.bundle"):
        assert (group.basis, dict(group.cost_quantiles_fen), dict(group.los_quantiles)) == ("", {}, {})
        assert dict(group.cost_by_day_quantiles) == {}


def test_a_pack_looked_at_is_the_one_that_is_built(tmp_path: Path) -> None:
    for folder in (TINY, FITTED):
        assert list(read_benchmark(folder)) == list(opened(folder, tmp_path / "x.bundle"))


def test_the_same_pack_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        build(TINY, tmp_path / f"{name}.bundle")
    assert (tmp_path / "a.bundle").read_bytes() == (tmp_path / "b.bundle").read_bytes()


def test_a_published_table_of_measures_loads_as_it_is(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    measures = shared / "dip" / "pingdingshan_2025" / "measures.csv"
    shutil.copy(measures, folder)
    header = 'id = "pingdingshan"\nkind = "benchmark"\ntitle = "Pingdingshan"\nscheme = "pingdingshan_2025"\n'
    (folder / "benchmark.toml").write_text(header, "utf-8")
    assert [(fault.severity, fault.kind, fault.column) for fault in check_pack(folder)] == [
        ("warning", "unknown_column", "upper_multiple")
    ]
    benchmark = opened(folder, tmp_path / "x.bundle")
    rows = table(measures)
    assert len(benchmark) == len(rows) == 4_444
    for row in rows:
        group = benchmark.group(row["group_code"])
        assert group is not None
        assert group.mean_cost_fen == Fraction(row["mean_cost_yuan"]) * 100
        assert group.mean_los_days == float(row["mean_los_days"])


def test_the_demonstration_measures_every_group_of_its_payment(tmp_path: Path) -> None:
    benchmark = opened(find_pack("demo_benchmark_chs_drg_11"), tmp_path / "x.bundle")
    groups = table(find_pack("demo_payment_chs_drg_11") / "weights.csv")
    assert benchmark.header.demonstration
    assert len(benchmark) == len(groups)
    for row in groups:
        group = benchmark.group(row["group"])
        assert group is not None
        assert group.mean_cost_fen == Fraction(row["weight"]) * 760_000
        assert set(group.structure) == set(categories(FRONT_PAGE))
        assert sum(group.structure.values()) == pytest.approx(1)
        assert group.cost_by_day[-1] == group.mean_cost_fen


def test_the_categories_are_those_that_are_printed(shared: Path) -> None:
    printed = {
        row["category_no"]: row["category_zh"]
        for row in table(shared / "interfaces" / "fee_categories.csv")
        if row["category_no"]
    }
    assert {code: category.name_zh for code, category in categories(FRONT_PAGE).items()} == printed
    listed = ", ".join(f"{code} {item.name_zh}" for code, item in categories(SETTLEMENT_LIST).items())
    assert listed in (shared / "interfaces" / "nhsa_4101_settlement_list.md").read_text("utf-8")
    for system in SYSTEMS:
        assert all(category.name_en for category in categories(system).values())
