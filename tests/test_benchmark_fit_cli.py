"""``casemeter benchmark``: a hospital's files in, a pack out; what it prints, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casemeter_grouper.pack.kinds import check_pack
from casemeter_server.cli.main import app
from live import TINY

Run = Callable[..., Result]
DIP = TINY.parent / "tiny_dip"
FITTED = TINY.parent / "tiny_fitted"
PAGE = ("A48", "A49", "A12C", "A14", "B12", "B15", "C03C", "C14x01C", "D01", "D11", "D23")


@pytest.fixture
def run(bundles: Path) -> Run:
    """Runs the command line with an environment of its own."""
    environment = {"CASEMETER_DATA": str(bundles.parent), "LC_ALL": "C", "COLUMNS": "200"}

    def invoke(*args: object) -> Result:
        return CliRunner().invoke(app, [*map(str, args)], env=environment)

    return invoke


def write(path: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Seven stays of one group in 2026, 1000.00 to 1000.06 yuan, and one whose cost is negative."""
    folder = tmp_path / "history"
    folder.mkdir()
    stays = [(f"P{number}", f"1000.0{number}") for number in range(7)]
    pages: list[tuple[object, ...]] = [
        (name, 1, 2, 60, "2026-03-01", "2026-03-03", "I63.900", "", cost, "400", f"{float(cost) - 400:.2f}")
        for name, cost in stays
    ]
    write(folder / "pages.csv", PAGE, [*pages, ("P8", *pages[0][1:8], "-5", "", "")])
    days = [
        row for name, cost in stays for row in ((name, 1, 1, "300"), (name, 1, 2, f"{float(cost) - 300:.2f}"))
    ]
    write(folder / "days.csv", ("A48", "A49", "day", "amount"), [*days, ("P8", 1, 1, "-5")])
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_pack_is_fitted_from_files(run: Run, history: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    done = run("benchmark", "fit", history, "--pack", TINY, "-o", output)
    assert done.exit_code == 0, done.output
    # BR2 is what stays are in that no group of the ADRG takes: there is none.
    assert done.stdout == (
        f"{output}: groups measured by their own cases: 1, by all of their ADRG: 1, "
        "not measured: 11 (unmeasured.csv)\n"
    )
    assert "8 rows read, 7 stays kept; 2026 counts 5" in done.stderr
    assert "D01 is negative" in done.stderr
    assert check_pack(output) == []
    assert 'id = "benchmark_tiny"' in (output / "benchmark.toml").read_text("utf-8")
    assert "demonstration = false" in (output / "benchmark.toml").read_text("utf-8")
    other, row = table(output / "measures.csv")
    assert (other["group_code"], other["own_cases"], other["basis"]) == ("BR2", "0", "adrg")
    assert (row["group_code"], row["cases"], row["basis"]) == ("BR29", "7", "own")
    assert (row["mean_cost_yuan"], row["median_cost_yuan"]) == ("1000.0300", "1000.0300")
    assert [
        (day["group_code"], day["day"], day["mean_cost_yuan"], day["cases"])
        for day in table(output / "cost_by_day.csv")
    ] == [
        (group, *day)
        for group in ("BR2", "BR29")
        for day in (("1", "300.0000", "7"), ("2", "1000.0300", "7"))
    ]
    shares = {row["category"]: float(row["share"]) for row in table(output / "structure.csv")}
    assert shares["1"] == pytest.approx(400 / 1000.03, abs=1e-6)
    assert shares["6"] == pytest.approx(600.03 / 1000.03, abs=1e-6)
    assert table(output / "dropped.csv") == [
        {"reason": "cost_negative", "count": "1", "example": ""},
        {"reason": "charge_of_unknown_stay", "count": "1", "example": ""},
    ]
    assert "P8" not in "".join(path.read_text("utf-8") for path in output.iterdir())


def test_what_is_made_up_says_so(run: Run, history: Path, tmp_path: Path) -> None:
    (history / "history.json").write_text(json.dumps({"made_up": True}), "utf-8")
    for output, source in ((tmp_path / "a", history), (tmp_path / "b", history / "pages.csv")):
        options = ("--id", "mine", "--lang", "zh", "--years", "2026")
        done = run("benchmark", "fit", source, "--pack", TINY, "-o", output, *options)
        assert done.exit_code == 0, done.output
        header = (output / "benchmark.toml").read_text("utf-8")
        assert 'id = "mine"' in header
        assert 'title = "Settled stays 2026, made up 虚构"' in header
        assert "demonstration = true" in header
    assert "历史数据没有逐日费用" in done.stderr  # the file alone has none
    assert table(tmp_path / "b" / "cost_by_day.csv") == []


def test_a_catalogue_is_measured_too(run: Run, history: Path, tmp_path: Path) -> None:
    pages = (history / "pages.csv").read_text("utf-8").replace("I63.900", "I20.000")
    (history / "pages.csv").write_text(pages, "utf-8")
    done = run("benchmark", "fit", history, "--pack", DIP, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert [row["group_code"] for row in table(tmp_path / "out" / "measures.csv")] == ["I20.0"]
    assert all(row["adrg"] == "" for row in table(tmp_path / "out" / "unmeasured.csv"))


def test_settled_groups_are_taken_unless_all_are_grouped_anew(
    run: Run, history: Path, tmp_path: Path
) -> None:
    lines = (history / "pages.csv").read_text("utf-8").splitlines()
    settled = [f"{lines[0]},settled_group", *(f"{line},BR15" for line in lines[1:])]
    (history / "pages.csv").write_text("\n".join(settled), "utf-8")
    for output, options, group in (("a", (), "BR15"), ("b", ("--regroup",), "BR29")):
        done = run("benchmark", "fit", history, "--pack", TINY, "-o", tmp_path / output, *options)
        assert done.exit_code == 0, done.output
        own = [
            row["group_code"] for row in table(tmp_path / output / "measures.csv") if row["basis"] == "own"
        ]
        assert own == [group]


def test_nothing_is_written_where_something_is_wrong(run: Run, history: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "bad.toml").write_text("least_cases = 0\nfallback = 1\n", "utf-8")
    bare = tmp_path / "bare"
    bare.mkdir()
    kept = sorted(tmp_path.iterdir())
    out = tmp_path / "out"
    for options, told in (
        ((history, "-o", tmp_path / "there", "--id", "a b"), ("is there already", "'a b' cannot be the id")),
        (
            (history, "-o", out, "--policy", tmp_path / "bad.toml"),
            ("fallback: must be", "least_cases: must be"),
        ),
        ((history, "-o", out, "--policy", tmp_path / "no.toml"), ("no.toml",)),
        ((history, "-o", out, "--years", "26"), ("'26' are no years; write 2026 or 2024-2026",)),
        ((history, "-o", out, "--years", "2020-2026"), ("must be 1 to 3 years",)),
        ((history, "-o", out, "--years", "2019"), ("no stay that was discharged from 2019 to 2019",)),
        ((bare, "-o", out), (str(bare),)),
        ((history / "days.csv", "-o", out), ("days.csv",)),
    ):
        done = run("benchmark", "fit", "--pack", TINY, *options)
        assert done.exit_code == 1, done.output
        for text in told:
            assert text in done.stderr
        assert done.stdout == ""
    assert sorted(tmp_path.iterdir()) == kept


def test_a_group_is_shown(run: Run, golden: Callable[[str, str], None]) -> None:
    done = run("benchmark", "show", FITTED, "BR21", "--lang", "en")
    assert done.exit_code == 0, done.output
    chinese = run("benchmark", "show", FITTED, "BR21", "--lang", "zh")
    golden("benchmark_show.txt", done.stdout + chinese.stdout)
    assert "by all cases of its ADRG" in run("benchmark", "show", FITTED, "BR23").stdout
    published = run("benchmark", "show", TINY.parent / "tiny_benchmark", "BR23")
    assert published.exit_code == 0, published.output


def test_a_group_is_drawn(run: Run, tmp_path: Path) -> None:
    pictures = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for picture in pictures:
        done = run("benchmark", "show", FITTED, "BR21", "--picture", picture, "--lang", "zh")
        assert done.exit_code == 0, done.output
        assert done.stdout.endswith(f"已绘制 {picture}\n")
    one, other = (picture.read_text("utf-8") for picture in pictures)
    assert one == other
    for text in ("BR21", "虚构", "西药类", "中位数", "截至当日的费用"):
        assert text in one
    demo = run("benchmark", "show", "demo_benchmark_chs_drg_11", "BR23", "--picture", tmp_path / "c.svg")
    assert demo.exit_code == 0, demo.output


def test_what_cannot_be_shown(run: Run, tmp_path: Path) -> None:
    for options, told in (
        ((FITTED, "BR99"), "the pack has not measured BR99; nearest: BR"),
        ((TINY, "BR21"), "is no benchmark pack; it is of kind 'drg'"),
        ((tmp_path / "none", "BR21"), "none"),
        ((FITTED, "BR21", "--picture", tmp_path / "a.gif"), "a picture is written as .svg"),
    ):
        done = run("benchmark", "show", *options)
        assert done.exit_code == 1
        assert told in done.stderr
    assert list(tmp_path.iterdir()) == []
