"""Opening a store: which database a URL names, and its schema."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, exc, inspect, make_url, text

from casemeter_server.store.database import Database
from casemeter_server.store.errors import StoreError
from casemeter_server.store.postgresql import PostgresDatabase
from casemeter_server.store.sqlite import SqliteDatabase
from casemeter_server.store.tables import SCHEMA, VERSION_TABLE, metadata

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME: Final = threading.Lock()
"""Alembic knows one migration at a time in a process."""


def database_of(url: str, *, make: bool = True) -> Database:
    """Return the database that a URL names.

    Args:
        url: of the database.
        make: whether a file is made that is not there.

    Raises:
        StoreError: it names none that can be used.
    """
    try:
        parsed: URL = make_url(url)
    except exc.ArgumentError:
        # The URL is not quoted: it may hold a password.
        raise StoreError(f"the store's URL cannot be read; {_LIKE}") from None
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        return SqliteDatabase(parsed, make=make)
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgresDatabase(parsed)
    raise StoreError(f"the store cannot be kept in '{parsed.drivername}'; {_LIKE}")


_LIKE: Final = "write sqlite:////folder/casemeter.db or postgresql://user@host/casemeter"


def bring_up(database: Database) -> str:
    """Bring the schema of a database up to date; processes that do so at once wait for each other.

    Returns:
        The version that it had before; empty: it was new.

    Raises:
        StoreError: it is of a newer version, or not a store.
    """
    with database.reader.connect() as connection, connection.begin():
        found = version_of(connection)
    if found == SCHEMA:
        return found
    with _ONE_AT_A_TIME, database.writer.connect() as connection, connection.begin():
        database.lock_schema(connection)
        found = version_of(connection)
        if found != SCHEMA:
            _upgrade(connection, database.shown, found)
        return found


def version_of(connection: Connection) -> str:
    """Return the version of a schema; empty: there is none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar() or ""


def _upgrade(connection: Connection, shown: str, found: str) -> None:
    # Loaded only when there is something to do: a process that starts seldom needs it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found and found not in known:
        raise StoreError(
            f"{shown} was written by a newer version of CaseMeter (schema {found}; this one knows up to "
            f"{SCHEMA}). Run that version, or restore the backup that was made before it."
        )
    others = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if not found and others:
        raise StoreError(
            f"{shown} has tables of another program ({', '.join(others)}); "
            "give CaseMeter a database of its own"
        )
    command.upgrade(config, "head")
