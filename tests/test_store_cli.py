"""``casemeter store``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from casemeter_server.cli.main import app
from casemeter_server.store.opening import database_of
from casemeter_server.store.rows import Access
from casemeter_server.store.store import Store
from casemeter_server.store.tables import SCHEMA, VERSION_TABLE


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["store", *arguments])


@pytest.mark.parametrize(
    ("language", "made", "same"), [("en", "made", "up to date"), ("zh", "已新建", "已是最新")]
)
def test_upgrade_makes_a_store_once(language: str, made: str, same: str, tmp_path: Path) -> None:
    config = tmp_path / "casemeter.toml"
    config.write_text('data = "kept"\n', "utf-8")
    for says in (made, same):
        shown = run("upgrade", "--config", str(config), "--lang", language)
        assert shown.exit_code == 0, shown.output
        assert says in shown.output
    assert (tmp_path / "kept" / "casemeter.db").exists()


def test_info_says_what_there_is(store_url: str) -> None:
    run("upgrade", "--store", store_url)
    shown = run("info", "--store", store_url, "--lang", "en")
    assert shown.exit_code == 0, shown.output
    lines = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines())
    assert lines["schema"] == f"{SCHEMA} (this program: {SCHEMA})"
    assert lines["events"] == lines["encounters"] == "0"
    assert lines["size"].endswith(" MB")
    database = database_of(store_url)
    assert lines["store"] == database.shown
    database.close()


def test_a_store_of_a_newer_version_is_shown_and_not_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    run("upgrade", "--store", url)
    database = database_of(url)
    with database.writer.connect() as connection, connection.begin():
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    database.close()
    shown = run("info", "--store", url, "--lang", "en")
    assert f"9999 (this program: {SCHEMA})" in shown.stdout
    assert "events" not in shown.stdout
    refused = run("upgrade", "--store", url)
    assert refused.exit_code == 1
    assert "newer version" in refused.output


@pytest.mark.parametrize("command", ["info", "upgrade"])
def test_what_cannot_be_used_is_said_without_password(command: str, tmp_path: Path) -> None:
    shown = run(command, "--store", f"postgresql://u:geheim@/db?host={tmp_path}")
    assert shown.exit_code == 1
    assert "postgresql://u:***@/db" in shown.output
    assert "geheim" not in shown.output


def test_info_makes_nothing(tmp_path: Path) -> None:
    shown = run("info", "--store", f"sqlite:///{tmp_path / 'deeper' / 's.db'}")
    assert shown.exit_code == 1
    assert "there is no such file" in shown.output
    assert not list(tmp_path.iterdir())


def test_looks_at_a_stay_are_shown(store_url: str) -> None:
    at = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
    mine = Access(at, "H1", "u17", "physician", "0301", "ReadEncounter", "Z1", "H1")
    opened = Store.open(store_url)
    opened.record(mine, mine._replace(encounter="Z2"), mine._replace(user="a1", role="auditor", hospital="B"))
    opened.close()
    shown = run("looks", "H1", "Z1", "--store", store_url)
    assert shown.exit_code == 0, shown.output
    told = [json.loads(line) for line in shown.stdout.splitlines()]
    assert told[0] == {**mine._asdict(), "at": "2026-06-01T08:30:00+00:00"}
    assert [(look["user"], look["hospital"]) for look in told] == [("u17", "H1"), ("a1", "B")]
    assert run("looks", "H2", "Z1", "--store", store_url).stdout == ""
