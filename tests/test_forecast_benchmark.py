"""The benchmark of forecasts: its figures by hand; forecast and truth are asked for the same days."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

import forecast_ways
from casemeter_grouper.forecast.fit import Pack, fit
from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_grouper.forecast.measured import measure
from casemeter_grouper.forecast.model import Header
from casemeter_grouper.forecast.stay_days import StayDays
from casemeter_grouper.forecast.wish import Wish
from casemeter_grouper.history.recipe import read_recipe
from casemeter_grouper.history.write import Order, generate
from forecast_days import Days, Law, Oracle, days_of, knowns, numbered, part_of, some_days
from forecast_measures import compare, coverage, day_cells, on_average, ratio, reliability
from forecast_pictures import Shown, draw_all
from small_histories import pack as shipped
from small_histories import small_caseload, small_world

STAYS, DAYS, TRUE_DAYS = 6_000, 2_000, 300
SIGMAS = 5


class Bench(NamedTuple):
    """A small history, what was fitted on it, and the truth of some of its newest days."""

    history: Path
    pack: Pack
    forecaster: Forecaster
    days: Days
    chosen: np.ndarray[tuple[int], np.dtype[np.intp]]
    laws: list[Law]

    @property
    def some(self) -> StayDays:
        """The days that the truth is told of."""
        return self.days.rows.take(self.chosen)


@pytest.fixture(scope="module")
def bench(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    opened = shipped("chs_drg_11", bundles)
    history = folder / "history"
    generate(Order(opened, read_recipe("first"), small_caseload(folder / "small"), STAYS, 8), history)
    pack = Pack.of(opened)
    wish = Wish(Header("bench", "made up 虚构", "", "", "", pack.id, pack.sha256, 0.9, demonstration=True))
    fit([history], pack, wish, folder / "bench.forecast")
    forecaster = Forecaster.open(folder / "bench.forecast")
    since = date.fromisoformat(forecaster.manifest["facts"]["tested_discharges"][0])
    newest = part_of(history, folder / "newest", since)
    days = days_of(newest, pack, some_days(newest, DAYS, 1))
    chosen = np.sort(np.random.default_rng(1).choice(len(days.rows), TRUE_DAYS, replace=False))
    world = small_world("chs_drg_11", "first", bundles, folder / "small")
    laws = Oracle(world, opened).laws(days, chosen, forecaster.codes.groups, pack)
    return Bench(history, pack, forecaster, days, chosen, laws)


def test_the_truth_is_that_of_the_days_asked_for(bench: Bench) -> None:
    known = numbered(bench.forecaster, bench.days, bench.pack)[bench.chosen]
    found = compare(bench.forecaster, bench.some, known, bench.laws)
    # Nothing is expected to do better than the truth.
    assert (found.cross >= found.entropy - 1e-9).all()
    # How stays ended is as probable as the truth expects: it would not be if it were that of other days.
    off = found.true_loss - found.entropy
    assert abs(off.mean()) < SIGMAS * off.std() / np.sqrt(len(off))
    assert found.true_loss.mean() < 1
    assert (found.true_size >= 1).all()
    assert found.on_average <= found.true_size.mean()
    assert found.held.mean() > 0.85
    assert all(law.probabilities.sum() == pytest.approx(1) for law in bench.laws)


def test_callers_ask_what_the_benchmark_asks(bench: Bench) -> None:
    asked = knowns(bench.days._replace(rows=bench.some), bench.pack)
    numbers = np.array([bench.forecaster.numbers(known) for known in asked])
    assert (numbers == numbered(bench.forecaster, bench.days, bench.pack)[bench.chosen]).all()


def test_the_newest_stays_are_taken_with_all_their_rows(bench: Bench, tmp_path: Path) -> None:
    since, before = date(2025, 3, 1), date(2025, 6, 1)
    part = part_of(bench.history, tmp_path / "part", since, before, 50)
    pages = pl.read_parquet(part / "pages-00000.parquet")
    whole = pl.read_parquet(bench.history / "pages-00000.parquet")
    assert pages.equals(whole.filter(pl.col("B15").is_between(since, before, "left")).tail(50))
    for name in ("days", "course"):
        rows = pl.read_parquet(part / f"{name}-00000.parquet")
        all_rows = pl.read_parquet(bench.history / f"{name}-00000.parquet")
        assert rows.equals(all_rows.join(pages, on=["A48", "A49"], how="semi", maintain_order="left"))


def test_equal_figures_give_equal_pictures(bench: Bench, tmp_path: Path) -> None:
    known = numbered(bench.forecaster, bench.days, bench.pack)
    rows = bench.days.rows
    shown = Shown(
        reliability(bench.forecaster, rows, known),
        bench.some.day,
        compare(bench.forecaster, bench.some, known[bench.chosen], bench.laws),
        rows.day,
        measure(bench.forecaster, rows, known),
        rows.group == rows.final_group,
    )
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        draw_all(shown, folder)
    pictures = sorted(path.name for path in folders[0].iterdir())
    assert pictures == [
        "forecast_accuracy_by_day.svg",
        "forecast_reliability.svg",
        "forecast_set_size_by_day.svg",
    ]
    for name in pictures:
        first, second = (folder.joinpath(name).read_text("utf-8") for folder in folders)
        assert first == second
        assert "forecast 预测" in first


def test_ways_are_asked_for_the_same_days(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast_ways, "ASKS", 2)
    ways = forecast_ways.compared(bench.history, bench.pack, tmp_path, rounds=3)
    assert len({len(way.loss) for way in ways}) == 1
    assert all(0 < way.loss.mean() < 2 and way.ask > 0 for way in ways)
    assert "as good as" in forecast_ways.verdict(ways[0], ways[0])


def test_a_ratio_of_paired_means() -> None:
    below = np.array([1.0, 2.0, 3.0, 4.0])
    assert tuple(ratio(1.2 * below, below)) == pytest.approx((1.2, 0))
    assert tuple(ratio(np.array([1.0, 3.0]), np.array([1.0, 1.0]))) == pytest.approx((2, 1 / np.sqrt(2)))


@pytest.mark.parametrize(
    ("probabilities", "level", "size"),
    [
        ([[1.0], [1.0]], 0.9, 1),
        ([[0.6, 0.4], [0.6, 0.4]], 0.9, 2),
        # 0.99 + 0.81 reach 1.8 of 2: none of the rest is needed.
        ([[0.99, 0.01], [0.81, 0.19]], 0.9, 1),
        # The improbable day is given up.
        ([[1.0], [1.0], [1.0], [0.5, 0.5]], 0.75, 3 / 4),
    ],
)
def test_smallest_sets_on_average(probabilities: list[list[float]], level: float, size: float) -> None:
    assert on_average([np.array(one) for one in probabilities], level) == pytest.approx(size)


def test_days_with_few_stays_are_pooled() -> None:
    names, cell = day_cells(np.repeat([1, 2, 3, 5], [600, 500, 499, 600]))
    assert names == ["day 1", "day 2", "day 3 on"]
    assert np.bincount(cell).tolist() == [600, 500, 1099]


def test_coverage_counts_stays(bench: Bench) -> None:
    rows = bench.days.rows
    everything = np.zeros(len(rows), np.int64)
    stays = len(np.unique(rows.stay))
    covered = rows.day == 1
    (cell,) = coverage(covered, rows, ["all"], everything)
    assert (cell.name, cell.days, cell.stays) == ("all", len(rows), stays)
    assert cell.covered == pytest.approx(covered.mean())
    assert cell.spare(0.9) == pytest.approx(covered.mean() - 0.9 + 3 * np.sqrt(0.09 / stays))
    assert coverage(covered, rows, ["none"], everything - 1) == []
