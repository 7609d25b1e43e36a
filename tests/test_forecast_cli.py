"""``casemeter forecast``: a history in, a bundle out; what it prints, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from casemeter_grouper.forecast.forecaster import Forecaster
from casemeter_server.cli.main import app
from small_forecasts import fitted, history

Run = Callable[..., Result]
STAYS = 1_500


@pytest.fixture
def run(bundles: Path) -> Run:
    """Runs the command line with an environment of its own."""
    environment = {"CASEMETER_DATA": str(bundles.parent), "LC_ALL": "C", "COLUMNS": "200"}

    def invoke(*args: object) -> Result:
        return CliRunner().invoke(app, [*map(str, args)], env=environment)

    return invoke


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forecasts")


@pytest.fixture
def small(bundles: Path, folder: Path) -> Path:
    return history("chs_drg_11", "first", STAYS, 9, bundles, folder)


def test_fit_and_show(run: Run, small: Path, tmp_path: Path) -> None:
    output = tmp_path / "forecast.bundle"
    options = ("--id", "mine", "--title", "made up 虚构", "--version", "7", "--from", "2026-11-01")
    done = run("forecast", "fit", small, "-o", output, *options, "--most-in-set", 4)
    assert done.exit_code == 0, done.output
    forecaster = Forecaster.open(output)
    assert done.stdout == (
        f"{output}: forecast mine 7 of chs_drg_11, demonstration, learned from made-up stays, "
        f"bundle {forecaster.sha256}\n"
    )
    header = forecaster.header
    assert (header.id, header.title, header.version) == ("mine", "made up 虚构", "7")
    assert (header.valid_from, header.valid_until, forecaster.most_in_set) == ("2026-11-01", "", 4)
    assert "1,500 rows of front pages read, 1,500 stays kept" in done.stderr
    assert "no principal diagnosis stood on the day, or no group" in done.stderr
    assert re.search(r"all +│ +\d", done.stderr)
    shown = run("forecast", "show", output)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert lines[:3] == [done.stdout.strip(), "made up 虚构", "holds 2026-11-01 to always"]
    assert re.fullmatch(r"learned from 1,0\d\d stays discharged 202\d-\d\d-\d\d to 202\d-\d\d-\d\d", lines[3])
    assert lines[-1] == "sets and intervals hold the truth in 90%; sets of more than 4 groups are not told"
    in_chinese = run("forecast", "show", output, "--lang", "zh")
    assert "超过 4 个病组的集合不予给出" in in_chinese.stdout


def test_calibrate(run: Run, bundles: Path, folder: Path, tmp_path: Path) -> None:
    source, _ = fitted("chs_drg_11", bundles, folder)
    other = history("chs_drg_11", "second", STAYS, 5, bundles, folder)
    output = tmp_path / "anew.bundle"
    done = run("forecast", "calibrate", source, other, "-o", output, "--version", "2")
    assert done.exit_code == 0, done.output
    assert f"{output}: forecast forecast_chs_drg_11 2 of chs_drg_11, demonstration" in done.stdout
    shown = run("forecast", "show", output)
    assert re.search(r"calibrated anew by 1,4\d\d stays", shown.stdout)


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        (
            ["--id", "no id", "--from", "2026-13-01", "--until", "soon"],
            ["'no id' cannot be the id of a forecast", "'2026-13-01' is no day", "'soon' is no day"],
        ),
        (["--from", "2026-02-01", "--until", "2026-01-31"], ["the last day 2026-01-31 lies before"]),
        (["-o", "no/such/folder/x.bundle"], ["there is no folder no/such/folder to write into"]),
        (["--most-in-set", "11"], ["--most-in-set"]),
        (["--pack", "no_such_pack"], ["no_such_pack"]),
    ],
)
def test_what_cannot_be_asked_for(
    run: Run, small: Path, tmp_path: Path, options: list[str], faults: list[str]
) -> None:
    done = run("forecast", "fit", small, "-o", tmp_path / "forecast.bundle", *options)
    assert done.exit_code != 0
    assert all(fault in done.stderr for fault in faults), done.stderr
    assert not list(tmp_path.iterdir())


def test_a_history_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "pages.csv").write_text("A48,A49\n1,1\n", "utf-8")
    done = run("forecast", "fit", tmp_path / "history", "-o", tmp_path / "forecast.bundle")
    assert done.exit_code == 1
    assert "pages.csv" in done.stderr
    assert not (tmp_path / "forecast.bundle").exists()


def test_what_was_not_used_is_told(run: Run, small: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "history"
    damaged.mkdir()
    for path in small.glob("*-00000.parquet"):
        frame = pl.read_parquet(path)
        if path.name.startswith("pages"):
            frame = frame.with_columns(
                D01=pl.when(pl.int_range(pl.len()) < 3).then(-pl.col("D01")).otherwise("D01")
            )
        if path.name.startswith("days"):
            frame = frame.filter(pl.col("A48") != frame["A48"][-1])
        frame.write_parquet(damaged / path.name)
    done = run("forecast", "fit", damaged, "-o", tmp_path / "forecast.bundle")
    assert done.exit_code == 0, done.output
    assert re.search(r"3 │ front pages +│ D01 is negative", done.stderr)
    assert re.search(r"1 │ stays +│ no daily charges of the stay were told", done.stderr)
    assert "demonstration" not in done.stdout, "nothing says that these stays are made up"
    assert not Forecaster.open(tmp_path / "forecast.bundle").header.demonstration
