"""``casemeter alerts`` and ``casemeter terms``."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from casemeter_rules.alerting.shadow import ShadowList
from casemeter_server.cli.main import app
from casemeter_server.store.rows import Answer
from casemeter_server.store.store import Store, Writing

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


def keep_answers(url: str, lines: list[dict[str, str]]) -> None:
    """Keep answers in a store, as a server does."""
    with closing(Store.open(url)) as store:
        for line in lines:
            found = {"reason": "", "alert": "", **line, "at": datetime.fromisoformat(line["at"])}
            kept = Answer(**{name: "x" for name in Answer._fields if name not in found} | found)  # type: ignore[arg-type]  # as the table says
            store.write_now(partial(Writing.add_answer, answer=kept))


def test_stored_answers_say_what_those_of_a_file_say(answers: Path, tmp_path: Path, store_url: str) -> None:
    lines = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    gone = {**ANSWER, "answer": "overridden", "reason": "no_such_reason", "alert": "c"}
    keep_answers(store_url, [*lines[:-1], gone])
    config = tmp_path / "casemeter.toml"
    config.write_text(f"store = '{store_url}'\n", "utf-8")
    of_file = run("alerts", "precision", str(answers), "--lang", "en")
    for option in (["--store", store_url], ["--config", str(config)]):
        shown = run("alerts", "precision", *option, "--lang", "en")
        assert shown.exit_code == 0, shown.output
        assert shown.stdout == of_file.stdout
        assert ":64: 'reason' is 'no_such_reason'" in shown.output
    of_file = run("alerts", "shadow", "-a", str(answers), "-o", str(tmp_path / "1"))
    shown = run("alerts", "shadow", "--store", store_url, "-o", str(tmp_path / "2"))
    assert shown.exit_code == of_file.exit_code == 0, shown.output
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["precision"], "name a file of answers, or a store"),
        (["precision", "a.csv", "--store", "sqlite:///s.db"], "one of them"),
        (["precision", "--store", "sqlite:///s.db"], "s.db: there is no such file"),
        (["shadow", "-o", "x", "--store", "mysql://u:geheim@h/d"], "the store cannot be kept in 'mysql'"),
        (["precision", "--config", "none.toml"], "the configuration says that nothing is kept"),
        (["precision", "--config", "bad.toml"], "'packs' is empty"),
    ],
)
def test_stores_that_cannot_be_asked(
    command: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "none.toml").write_text('store = "none"\n', "utf-8")
    (tmp_path / "bad.toml").write_text("packs = []\n", "utf-8")
    shown = run("alerts", *command)
    assert shown.exit_code == 1
    assert says in shown.output
    assert "geheim" not in shown.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.toml", "none.toml"]


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
