"""``casemeter alerts`` and ``casemeter terms``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casemeter_rules.alerting.shadow import ShadowList
from casemeter_server.cli.main import app

ANSWER = {"rule": "sex:1", "alert_key": "k", "at": "2026-11-20T08:00:00+08:00"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    lines = [{**ANSWER, "alert": str(at), "answer": "accepted"} for at in range(3)]
    lines += [{**ANSWER, "rule": "age:2", "alert": f"b{at}", "answer": "overridden"} for at in range(60)]
    wrong = {"reason": "does_not_apply", "text": "规则依据的适应症与说明书不符"}
    lines = [line | wrong if line["answer"] == "overridden" else line for line in lines]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, [*lines, {"rule": "sex:1"}])), "utf-8")
    return path


@pytest.mark.parametrize(("language", "heading"), [("en", "precision"), ("zh", "精确率")])
def test_precision(answers: Path, language: str, heading: str) -> None:
    shown = run("alerts", "precision", str(answers), "--lang", language)
    assert shown.exit_code == 0, shown.output
    assert heading in shown.output
    assert any(line.split()[:2] == ["sex:1", "1.00"] for line in shown.output.splitlines())
    assert any(line.split()[:2] == ["age:2", "0.00"] for line in shown.output.splitlines())
    assert "answers.jsonl:64" in shown.output


def test_shadow_learns_and_takes_what_is_set_by_hand(answers: Path, tmp_path: Path) -> None:
    hand = tmp_path / "hand.toml"
    hand.write_text('[[rule]]\nid = "sex:1"\nstate = "off"\nfrom = 2026-12-01\nnote = "x"\n', "utf-8")
    target = tmp_path / "shadow.bundle"
    shown = run(
        "alerts", "shadow", "-a", str(answers), "--hand", str(hand), "-o", str(target), "--lang", "en"
    )
    assert shown.exit_code == 0, shown.output
    listed = ShadowList.open(target)
    assert dict(listed.states("2026-12-02")) == {"age:2": "shadow", "sex:1": "off"}
    assert listed.sha256 in shown.output
    again = tmp_path / "again.bundle"
    run("alerts", "shadow", "-a", str(answers), "--hand", str(hand), "-o", str(again))
    assert again.read_bytes() == target.read_bytes()


@pytest.mark.parametrize(
    "command", [["precision", "nowhere.csv"], ["shadow", "-a", "nowhere.csv", "-o", "x"]]
)
def test_what_cannot_be_read_is_said(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run("alerts", *command)
    assert shown.exit_code == 1
    assert "nowhere.csv" in shown.output
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("language", "state"), [("en", "suspected"), ("zh", "待查")])
def test_terms(language: str, state: str) -> None:
    shown = run("terms", "肺炎待查", "--limit", "1", "--lang", language)
    assert shown.exit_code == 0, shown.output
    assert state in shown.output
    assert "J18.900" in shown.output


def test_terms_that_cannot_be_searched() -> None:
    shown = run("terms", "痛" * 201)
    assert shown.exit_code == 1
    assert "text" in shown.output
