"""Bundles of DIP catalogues, the shipped demonstration, and the commands."""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casemeter_grouper.case import Case
from casemeter_grouper.compiled.bundle import BundleError, Reason
from casemeter_grouper.compiled.scheme import CompiledScheme
from casemeter_grouper.dip import walker
from casemeter_grouper.dip.compiled import CompiledCatalogue
from casemeter_grouper.dip.diff import diff
from casemeter_grouper.dip.info import info
from casemeter_grouper.dip.load import load
from casemeter_grouper.pack.build import build, build_cached
from casemeter_grouper.pack.faults import PackError
from casemeter_grouper.pack.kinds import check_pack
from casemeter_grouper.pack.load import load as load_scheme
from casemeter_grouper.pack.shipped import find_pack
from casemeter_grouper.pack.sources import open_compiled
from casemeter_server.cli.main import app

TINY = Path(__file__).parent / "data" / "tiny_dip"
TINY_SCHEME = Path(__file__).parent / "data" / "tiny_pack"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return build(TINY, tmp_path / "tiny.bundle").target


def run(*arguments: object) -> Result:
    return CliRunner(env={"LC_ALL": "C"}).invoke(app, [str(part) for part in arguments])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new), "utf-8")


def test_the_same_pack_gives_the_same_bytes(tiny: Path, file: Path, tmp_path: Path) -> None:
    assert build(tiny, tmp_path / "again.bundle").target.read_bytes() == file.read_bytes()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_same_pack_gives_the_same_bytes_in_another_process(seed: str, file: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from casemeter_grouper.pack.build import build;"
        "build(*map(pathlib.Path, sys.argv[1:]))"
    )
    other = tmp_path / "other.bundle"
    environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code, TINY, other], check=True, env=environment)
    assert other.read_bytes() == file.read_bytes()


def test_the_order_of_rows_means_nothing(tiny: Path) -> None:
    rows = (tiny / "catalogue.csv").read_text("utf-8").splitlines()
    random.Random(1).shuffle(body := rows[1:])
    (tiny / "catalogue.csv").write_text("\n".join([rows[0], *body]), "utf-8")
    assert not diff(load(TINY).catalogue, load(tiny).catalogue)


def test_a_bundle_holds_the_whole_catalogue(file: Path) -> None:
    compiled, read = CompiledCatalogue.open(file), load(TINY).catalogue
    assert compiled.catalogue == read
    assert compiled.header == read.header
    assert compiled.diagnoses.map == {"I20.002": "I20.001"}
    assert [group.code for group in compiled.groups if group] == [group.code for group in read.groups]
    assert all(compiled.groups[number].code == code for code, number in compiled.number.items())  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_bundle_is_refused(seed: int, file: Path) -> None:
    data = bytearray(file.read_bytes())
    rng = random.Random(seed)
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)
    file.write_bytes(data if seed % 4 else data[:at])
    with pytest.raises(BundleError):
        CompiledCatalogue.open(file)


def test_kinds_of_bundles_are_told_apart(file: Path, tmp_path: Path) -> None:
    scheme = build(TINY_SCHEME, tmp_path / "scheme.bundle").target
    for open_one, path in ((CompiledScheme.open, file), (CompiledCatalogue.open, scheme)):
        with pytest.raises(BundleError) as caught:
            open_one(path)
        assert caught.value.reason is Reason.WRONG_KIND
    assert isinstance(open_compiled(file), CompiledCatalogue)
    assert isinstance(open_compiled(scheme), CompiledScheme)
    with pytest.raises(PackError, match="kind 'dip'"):
        load_scheme(TINY)
    with pytest.raises(PackError, match="kind 'drg'"):
        load(TINY_SCHEME)


def test_an_edit_of_any_table_gives_another_cached_bundle(tiny: Path, tmp_path: Path) -> None:
    first = build_cached(tiny, tmp_path / "data")
    assert build_cached(tiny, tmp_path / "data") == first
    edit(tiny / "measures.csv", "I21.4,9000", "I21.4,9001")
    assert build_cached(tiny, tmp_path / "data") != first


def test_facts_of_pack_and_bundle_are_the_same(file: Path) -> None:
    pack, compiled = info(load(TINY)), info(CompiledCatalogue.open(file))
    own = {"kind", "path", "sha256", "compiler", "size_bytes"}
    assert {key: value for key, value in pack.to_dict().items() if key not in own} == {
        key: value for key, value in compiled.to_dict().items() if key not in own
    }
    assert (pack.groups, pack.core, pack.core_with_procedures, pack.composite) == (10, 7, 5, 3)
    assert (pack.measured, pack.measured_cases, pack.treatments) == (10, 410, 5)
    assert "演示: 否" in list(pack.lines("zh"))
    assert run("pack", "info", TINY).output.splitlines()[1:] == list(pack.lines())[1:]
    assert "groups: 10" in run("pack", "info", file).output
    assert '"composite": 3' in run("pack", "info", file, "--json").output


def test_differences_are_told(tiny: Path, file: Path) -> None:
    edit(tiny / "catalogue.csv", "Subendocardial infarction,,,,900", "Subendocardial infarction,,,,950.5")
    edit(tiny / "catalogue.csv", "I20:SS,composite,I20,Angina,,,SS,2500\n", "")
    edit(tiny / "measures.csv", "I20.0,5000", "I20.0,5000.5")
    edit(tiny / "procedure_kinds.csv", "99.1000,ZLXCZ", "99.1000,SS")
    edit(tiny / "scheme.toml", "high_multiple = 2.0", "high_multiple = 2.5")
    result = run("pack", "diff", file, tiny)
    assert result.output.splitlines() == [
        "Header (1)",
        "  ~ high multiple: 2.0 → 2.5",
        "Groups (3)",
        "  - I20:SS  2500 Angina",
        "  ~ I20.0 mean cost: 5000 → 5000.5",
        "  ~ I21.4 score: 900 → 950.5",
        "Kinds of procedures (1)",
        "  ZLXCZ → SS: 1 code(s) (99.1000 Thrombolysis)",
    ]
    assert '"before": "900"' in run("pack", "diff", file, tiny, "--json").output
    assert run("pack", "diff", file, TINY).output == "no difference\n"
    other = run("pack", "diff", file, TINY_SCHEME)
    assert other.exit_code == 1
    assert "compare two of one kind" in other.output


def test_group_reads_a_file_of_cases(file: Path, tmp_path: Path) -> None:
    cases, out = tmp_path / "cases.csv", tmp_path / "out.csv"
    cases.write_text(
        "case_id,diagnoses,procedures,running_cost_yuan\n"
        "a,I20.000,,\n"
        "b,Ｉ20.000,88.5500|88.5600,11000\n"
        "c,I20.000,88.5500|88.5600,\n"
        "d,I20.100,36.0600,1.5\n"
        "e,I20.100,99.1000,1\n"
        "f,,88.5500,1\n"
        "g,I20.000,88.5500|,1\n"
        "h,I20.000,,1.234\n"
        "i,I20.000,,-1\n"
        "j,X99.000,,1\n",
        "utf-8",
    )
    result = run("group", "--pack", file, cases, "-o", out)
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))
    assert rows == [
        ["case_id", "status", "group", "kind", "score", "rivals"],
        ["a", "grouped", "I20.0", "core", "500.000000", ""],
        ["b", "grouped", "I20.0:88.5500", "core", "1100.500000", "I20.0:88.5600"],
        ["c", "grouped", "I20.0:88.5600", "core", "1100.500001", "I20.0:88.5500"],
        ["d", "grouped", "I20:SS", "composite", "2500.000000", ""],
        ["e", "ungroupable", "", "", "", ""],
        ["f", "not_yet", "", "", "", ""],
        ["g", "invalid", "", "", "", ""],
        ["h", "invalid", "", "", "", ""],
        ["i", "invalid", "", "", "", ""],
        ["j", "ungroupable", "", "", "", ""],
    ]
    assert "10 cases: 4 grouped, 3 invalid, 1 not_yet, 2 ungroupable" in result.output
    assert "running_cost_yuan '1.234' is not an amount of yuan with two decimals at most" in result.output


def test_group_needs_no_cost_and_reads_the_clinical_edition(file: Path, tmp_path: Path) -> None:
    cases, out = tmp_path / "cases.csv", tmp_path / "out.csv.gz"
    cases.write_text("case_id,diagnoses,procedures\na,I20.002,88.5501\n", "utf-8")
    options = ("--clinical-diagnoses", "--clinical-procedures")
    assert run("group", "--pack", file, cases, "-o", out, *options).exit_code == 0
    result = run("group", "--pack", file, out, "-o", tmp_path / "again.csv")
    assert result.exit_code == 1
    assert "missing column(s) diagnoses, procedures" in result.output


def test_the_demonstration_is_shipped_and_says_what_it_is() -> None:
    folder = find_pack("demo_dip")
    assert check_pack(folder) == []
    catalogue = load(folder).catalogue
    assert catalogue.demonstration
    assert "演示" in catalogue.header.title
    case = Case(("I20.000",), ("88.5500", "88.5600"))
    ends = [walker.group(catalogue, case, cost) for cost in (1_100_000, 1_200_000)]
    assert [end.group.code for end in ends if end.group] == ["I20.0:88.5500", "I20.0:88.5600"]
    assert [rival.code for end in ends for rival in end.rivals] == ["I20.0:88.5600", "I20.0:88.5500"]
