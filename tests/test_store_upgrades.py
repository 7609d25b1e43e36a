"""Stores of earlier versions are brought up with all they hold, or left as they were."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

import postgresql
from casemeter_server.store import opening
from casemeter_server.store.opening import database_of, version_of
from casemeter_server.store.store import Store, StoreError
from casemeter_server.store.tables import SCHEMA

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD = ("0001",)


def at_version(url: str, version: str) -> None:
    """Make a store as that version of the schema had it, with a stay and an event of it."""
    database = database_of(url)
    with database.writer.connect() as connection, connection.begin():
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(opening.__file__).parent / "migrations"))
        command.upgrade(config, version)
        stay = {"at": NOW if url.startswith("postgresql") else NOW.replace(tzinfo=None)}
        for statement in (
            "INSERT INTO encounters VALUES ('H1', 'E1', 1, :at, :at, 1)",
            "INSERT INTO events VALUES ('H1', 'E1', 'a', 1, :at, :digest, :digest)",
        ):
            connection.execute(text(statement), {**stay, "digest": b"d"})
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 's.db'}"
    server: postgresql.Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.mark.parametrize("version", OLD)
def test_an_older_store_is_brought_up_with_all_it_holds(version: str, empty_url: str) -> None:
    at_version(empty_url, version)
    with closing(Store.open(empty_url)) as store:
        assert store.schema_before == version
        row = store.read_now(lambda it: it.encounter("H1", "E1"))
        assert row and (row.version, row.opened_at) == (1, NOW)
        assert [event.event_id for event in store.read_now(lambda it: it.events("H1", "E1"))] == ["a"]
        assert store.read_now(lambda it: list(it.forecast_days("2026-01-01", "2026-12-31"))) == []
        assert store.read_now(lambda it: it.outcomes("H1", "E1")) == []
    with closing(Store.open(empty_url)) as store:
        assert store.schema_before == SCHEMA


@pytest.mark.parametrize("version", OLD)
def test_an_upgrade_that_fails_leaves_the_store_as_it_was(version: str, empty_url: str) -> None:
    at_version(empty_url, version)
    database = database_of(empty_url)
    with database.writer.connect() as connection, connection.begin():
        connection.execute(text("CREATE VIEW outcomes AS SELECT 1 AS one"))
    with pytest.raises(StoreError, match="outcomes"):
        Store.open(empty_url)
    with database.reader.connect() as connection, connection.begin():
        assert version_of(connection) == version
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 1
    with database.writer.connect() as connection, connection.begin():
        connection.execute(text("DROP VIEW outcomes"))
    database.close()
    Store.open(empty_url).close()
