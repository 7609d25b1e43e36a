"""``casemeter pack``: what is printed and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casemeter_grouper.compiled.bundle import COMPILER
from casemeter_grouper.pack.load import load
from casemeter_server.cli.pack import app
from shared_cases import SCHEMES

TINY = Path(__file__).parent / "data" / "tiny_pack"


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner(env={"LC_ALL": "C", **environment}).invoke(app, [str(part) for part in arguments])


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def wrong(tiny: Path) -> Path:
    """A pack with two errors."""
    text = (tiny / "mdc.csv").read_text("utf-8")
    (tiny / "mdc.csv").write_text(text.replace("A_proc", "A_prok").replace("C_dx or", "C_dx oder"), "utf-8")
    return tiny


def test_check_prints_every_fault_on_a_line_and_a_summary(wrong: Path) -> None:
    result = run("check", wrong)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith(
        "mdc.csv:2:entry: error: the condition names set 'A_prok', which has no rows — "
    )
    assert lines[1].startswith("mdc.csv:4:entry:13: error: 'oder' does not continue the condition")
    assert lines[2].startswith("code_sets.csv:7:code: warning: code 99.9999 is in no dictionary")
    assert lines[-1] == f"2 error(s), 1 warning(s) in {wrong}: it does not build until the errors are mended"
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("environment", "options", "chinese"),
    [
        ({}, [], False),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, [], True),
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_GB.UTF-8"}, [], True),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, [], False),
        ({}, ["--lang", "zh"], True),
        ({"LC_ALL": "zh_CN.UTF-8"}, ["--lang", "en"], False),
    ],
)
def test_the_language_comes_from_the_environment_or_the_option(
    environment: dict[str, str], options: list[str], chinese: bool
) -> None:
    result = run("check", TINY, *options, **environment)
    assert result.exit_code == 0
    assert ("警告" in result.output) == chinese
    assert ("warning(s)" in result.output) != chinese


def test_check_as_json(wrong: Path) -> None:
    result = run("check", wrong, "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert (found["errors"], found["warnings"]) == (2, 1)
    assert found["faults"][0] == {
        "kind": "unknown_set",
        "severity": "error",
        "file": "mdc.csv",
        "row": 2,
        "column": "entry",
        "problem": "the condition names set 'A_prok', which has no rows",
        "mend": "add its rows to code_sets.csv, list it in empty_sets, or did you mean: A_proc, B_proc?",
    }


def test_check_finds_what_no_case_can_reach(tiny: Path) -> None:
    (tiny / "adrg.csv").write_text(
        (tiny / "adrg.csv").read_text("utf-8") + "MDCC,3,CR3,CR3,always,CR3\n", "utf-8"
    )
    result = run("check", tiny)
    assert result.exit_code == 0
    assert "adrg.csv:9:when: warning: CR3 can never be reached" in result.output


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_checks_without_an_error(scheme: str, shared: Path) -> None:
    result = run("check", shared / "schemes" / scheme)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].startswith("0 error(s), ")


def test_build_then_info(tiny: Path, tmp_path: Path) -> None:
    result = run("build", tiny, "-o", tmp_path / "new" / "tiny.bundle")
    assert result.exit_code == 0
    assert "1 warning(s)" in result.output
    facts = json.loads(run("info", tmp_path / "new" / "tiny.bundle", "--json").output)
    assert (facts["kind"], facts["id"], facts["groups"], facts["compiler"]) == (
        "bundle",
        "tiny",
        11,
        COMPILER,
    )
    assert facts["sha256"] in result.output
    assert "groups: 11" in run("info", tiny).output
    assert "分组数: 11" in run("info", tiny, "--lang", "zh").output


def test_info_of_a_shipped_pack_by_name() -> None:
    facts = json.loads(run("info", "chs_drg_11", "--json").output)
    assert (facts["title"], facts["mdcs"]) == ("CHS-DRG 1.1", 26)


def test_diff_of_two_packs_as_text_and_json(tiny: Path) -> None:
    text = (tiny / "code_sets.csv").read_text("utf-8")
    (tiny / "code_sets.csv").write_text(text.replace("B_dx,I63.900x001,except\n", ""), "utf-8")
    result = run("diff", TINY, tiny)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "Sets whose codes moved (1)",
        "  B_dx  +1 (I63.900x001 Cerebral infarction (old))",
    ]
    assert json.loads(run("diff", TINY, tiny, "--json").output)["members"][0]["codes_in"] == ["I63.900x001"]
    assert run("diff", TINY, TINY).output == "no difference\n"


def test_fold_unfold_and_pin(tmp_path: Path) -> None:
    folded = run("fold", TINY, tmp_path / "folded")
    assert folded.exit_code == 0
    assert "code_sets.csv: 8 rows → 8\n" in folded.output
    assert run("unfold", tmp_path / "folded", tmp_path / "unfolded").exit_code == 0
    assert run("diff", TINY, tmp_path / "unfolded").output == "no difference\n"
    pinned = run("pin", tmp_path / "unfolded")
    assert pinned.exit_code == 0
    assert load(TINY).pin in pinned.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "chs_drg_12"], "did you mean: chs_drg_11"),
        (["check", "nothing/like/it"], "shipped packs: chs_drg_11"),
        (["check", "{tmp}/tinny"], "did you mean: {tmp}/tiny?"),
        (["check", "{tmp}/tiny/mdc.csv"], "is a file; name the folder of a pack"),
        (["check", "x" * 5000], "cannot be a path"),
        (["info", "x" * 5000], "cannot be a path"),
        (["info", "{tmp}/tiny/mdc.csv"], "not a bundle"),
        (["diff", "{tmp}/tiny", "{tmp}/nothing"], "there is no folder and no shipped pack"),
        (["build", "{tmp}/tiny", "-o", "{tmp}"], "cannot be written"),
        (["build", "{tmp}/tiny", "-o", "{tmp}/tiny/mdc.csv/b"], "cannot be written"),
        (["fold", "{tmp}/tiny", "{tmp}/tiny"], "is there already"),
        (["info", "demo_payment_dip"], "is a pack of kind 'payment'"),
        (["diff", "chs_drg_11", "demo_dip"], "compare two of one kind"),
        (["fold", "demo_dip", "{tmp}/new"], "only grouping schemes have sets to fold"),
        (["unfold", "demo_payment_dip", "{tmp}/new"], "is a pack of kind 'payment'"),
        (["pin", "demo_benchmark_chs_drg_11"], "is a pack of kind 'benchmark'"),
        (["pin", "{tmp}/empty"], "scheme.toml: error: the file is missing"),
        (["build", "{tmp}/empty", "-o", "{tmp}/b"], "adrg.csv: error: the file is missing"),
        (["info", "{tmp}/empty"], "mdc.csv: error: the file is missing"),
    ],
)
def test_what_cannot_be_done_is_said_with_a_way_out(
    arguments: list[str], said: str, tiny: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    result = run(*(part.replace("{tmp}", str(tmp_path)) for part in arguments))
    assert result.exit_code == 1
    assert said.replace("{tmp}", str(tmp_path)) in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert load(tiny).scheme.header.id == "tiny"


def test_check_of_an_empty_folder_names_every_missing_file(tmp_path: Path) -> None:
    result = run("check", tmp_path)
    assert result.exit_code == 1
    assert "10 error(s), 0 warning(s)" in result.output
