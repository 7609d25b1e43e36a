"""Opening a store: its schema, what cannot be opened, and several that open at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import postgresql
from casemeter_server.store import opening
from casemeter_server.store.opening import bring_up, database_of, version_of
from casemeter_server.store.store import Store, StoreError
from casemeter_server.store.tables import SCHEMA, VERSION_TABLE, metadata

CASES = tomllib.loads((Path(__file__).parent / "data" / "store_urls.toml").read_text("utf-8"))["case"]


def execute(url: str, *statements: str) -> None:
    database = database_of(url)
    with database.writer.connect() as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))
    database.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_url_that_names_no_store_is_refused(case: dict[str, str], tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_bytes(b"no database\n" * 100)
    with pytest.raises(StoreError) as error:
        Store.open(case["url"].format(folder=folder, file=file))
    assert case["says"].format(file=file) in str(error.value)
    assert "geheim" not in str(error.value)
    assert error.value.__cause__ is None
    assert file.read_bytes() == b"no database\n" * 100
    assert not list(folder.iterdir())


def test_a_new_store_makes_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "s.db"
    Store.open(f"sqlite:///{path}").close()
    assert path.exists()


def test_migrations_come_to_the_tables_of_the_code(store_url: str) -> None:
    Store.open(store_url).close()
    database = database_of(store_url)
    assert bring_up(database) == SCHEMA, "there is nothing left to do"
    with database.reader.connect() as connection:
        assert version_of(connection) == SCHEMA
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
    database.close()


def test_a_newer_schema_is_refused_and_left_alone(store_url: str) -> None:
    Store.open(store_url).close()
    execute(store_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(
        StoreError, match=rf"newer version .*schema 9999; .* up to {SCHEMA}.*restore the backup"
    ):
        Store.open(store_url)
    execute(store_url, f"UPDATE {VERSION_TABLE} SET version_num = '{SCHEMA}'")
    Store.open(store_url).close()


def test_a_database_of_another_program_is_refused_and_left_alone(
    tmp_path: Path, postgres: postgresql.Server
) -> None:
    for url in (f"sqlite:///{tmp_path / 's.db'}", postgres.new_database()):
        execute(url, "CREATE TABLE settings (a TEXT)", "CREATE TABLE other (a TEXT)")
        with pytest.raises(StoreError, match=r"tables of another program \(settings\); give CaseMeter a"):
            Store.open(url)
        execute(url, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM settings)", "DROP TABLE settings")
        Store.open(url).close()


def test_a_migration_that_fails_leaves_nothing(
    store_url: str, tmp_path: Path, postgres: postgresql.Server
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}" if store_url.startswith("sqlite") else postgres.new_database()
    execute(url, "CREATE VIEW answers AS SELECT 1 AS one")
    with pytest.raises(StoreError, match="answers"):
        Store.open(url)
    database = database_of(url)
    with database.reader.connect() as connection:
        assert version_of(connection) == ""
    database.close()
    execute(url, "DROP VIEW answers")
    Store.open(url).close()


OPENING = (
    "import sys; from casemeter_server.store.store import Store; input(); Store.open(sys.argv[1]).close()"
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_that_open_a_new_store_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 's.db'}"
    else:
        url = request.getfixturevalue("postgres").new_database()
    command = [sys.executable, "-c", OPENING, url]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
    Store.open(url).close()


def test_a_store_that_is_up_to_date_loads_no_migrations(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 's.db'}"
    Store.open(url).close()
    code = f"{OPENING.replace('input(); ', '')}; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, url], check=False).returncode == 0


def test_every_commit_of_sqlite_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with closing(Store.open(f"sqlite:///{path}")) as store:
        asked = store.write_now(
            lambda it: [
                it._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        )
    assert asked == ["wal", 2, 1]
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_server_set_to_trade_commits_for_speed_is_not_followed(postgres: postgresql.Server) -> None:
    """The servers of the tests are set so."""
    with closing(Store.open(postgres.new_store())) as store:
        asked = "SHOW synchronous_commit"
        assert store.read_now(lambda it: it._connection.execute(text(asked)).scalar()) == "off"
        assert store.write_now(lambda it: it._connection.execute(text(asked)).scalar()) == "on"


def test_a_database_that_was_made_without_a_locale(postgres: postgresql.Server) -> None:
    url = postgres.new_database("template0", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    with closing(Store.open(url)) as store:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        row, opened = store.write_now(lambda it: it.lock("第一医院", "住院-1", now))
        assert opened
        assert store.read_now(lambda it: it.encounter("第一医院", "住院-1")) == row


def test_postgresql_needs_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"pip install 'casemeter\[postgresql\]'"):
        opening.database_of("postgresql://u@h/db")
