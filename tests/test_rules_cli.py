"""``casemeter rules``: what is printed and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casemeter_server.cli.main import app

DATA = Path(__file__).parent / "data"


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner(env={"LC_ALL": "C", **environment}).invoke(
        app, ["rules", *(str(part) for part in arguments)]
    )


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA / "tiny_rules", tmp_path / "tiny"))


@pytest.fixture
def wrong(tiny: Path) -> Path:
    text = (tiny / "sex.csv").read_text("utf-8")
    (tiny / "sex.csv").write_text(text.replace("massage,M", "massage,X"), "utf-8")
    return tiny


def test_a_sound_pack_is_checked(tiny: Path) -> None:
    result = run("check", tiny)
    assert result.exit_code == 0, result.output
    assert f"0 error(s), 0 warning(s) in {tiny}: it builds" in result.output


def test_every_fault_is_a_line_in_either_language(wrong: Path) -> None:
    result = run("check", wrong)
    assert result.exit_code == 1
    assert "sex.csv:2:sex: error: 'X' is not" in result.output
    result = run("check", wrong, "--lang", "zh")
    assert result.exit_code == 1
    assert "1 个错误" in result.output


def test_faults_as_json(wrong: Path) -> None:
    result = run("check", wrong, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["errors"], found["faults"][0]["kind"], found["faults"][0]["row"]) == (1, "bad_cell", 2)


def test_a_pack_of_another_kind_is_no_rules_pack() -> None:
    result = run("check", DATA / "tiny_pack")
    assert result.exit_code == 1
    assert "no rules pack" in result.output


def test_what_a_pack_holds(tiny: Path) -> None:
    result = run("info", tiny)
    assert result.exit_code == 0
    assert "frequency" in result.output
    assert "of 88 official types have rules" in result.output
    found = json.loads(run("info", tiny, "--json").stdout)
    assert found["kinds"]["frequency"] == {"active": 2, "shadow": 0, "off": 0}
    assert len(found["types"]) == 88
    assert sum(sum(states.values()) for states in found["kinds"].values()) == 12


def test_the_national_tables_become_a_pack_that_checks(shared: Path, tmp_path: Path) -> None:
    target = tmp_path / "national"
    result = run("import", shared / "rules", "-o", target)
    assert result.exit_code == 0, result.output
    assert "wrote" in result.output
    result = run("check", target)
    assert result.exit_code == 0, result.output
    assert run("import", shared / "rules", "-o", target).exit_code == 1


def test_what_cannot_be_imported_is_said(tmp_path: Path) -> None:
    result = run("import", tmp_path / "nowhere", "-o", tmp_path / "out", "--lang", "zh")
    assert result.exit_code == 1
    assert "不是文件夹" in result.output


def test_packs_of_rules_are_packs(tiny: Path, tmp_path: Path) -> None:
    check = CliRunner(env={"LC_ALL": "C"}).invoke(app, ["pack", "check", str(tiny)])
    assert check.exit_code == 0, check.output
    target = tmp_path / "tiny.bundle"
    built = CliRunner(env={"LC_ALL": "C"}).invoke(app, ["pack", "build", str(tiny), "-o", str(target)])
    assert built.exit_code == 0, built.output
    assert target.is_file()
