"""PostgreSQL, through psycopg 3."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import URL, Connection, create_engine, event, literal, text
from sqlalchemy.engine.interfaces import DBAPIConnection

from casemeter_server.store.database import EVERYTHING, READERS, WAIT_SECONDS, Database, Key
from casemeter_server.store.errors import StoreError, first_line

CHANNEL: Final = "casemeter"

_SCHEMA_LOCK: Final = 0x0CA5E0E7E2
_MAX_PAYLOAD: Final = 7_900
"""PostgreSQL takes less than 8,000 bytes."""
_LOOK_SECONDS: Final = 0.2
_LOST_SECONDS: Final = 0.5
_CONNECT: Final = {
    "connect_timeout": 5,
    "application_name": "casemeter",
    # Whatever the database's own: one that was made without a locale would give bytes for texts.
    "client_encoding": "utf8",
    # A server that is gone without a word is given up after some ten seconds.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_NOTIFY: Final = text("SELECT pg_notify(:channel, payload) FROM unnest(CAST(:payloads AS text[])) AS payload")


class PostgresDatabase(Database):
    """A database of a PostgreSQL server."""

    def __init__(self, url: URL) -> None:
        try:
            import psycopg
        except ImportError:
            raise StoreError(
                "PostgreSQL needs the driver psycopg; install it with: pip install 'casemeter[postgresql]'"
            ) from None
        self._driver = psycopg
        self._secrets = [str(one) for one in (url.password, url.query.get("password")) if one]
        # What stands after the question mark may hold a password too.
        shown = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
        options = {**{key: str(value) for key, value in _CONNECT.items()}, **url.query}
        self._url = url.set(drivername="postgresql+psycopg", query=options)
        writer = create_engine(self._url, pool_size=1, max_overflow=0, hide_parameters=True)
        reader = create_engine(
            self._url,
            pool_size=READERS,
            max_overflow=0,
            hide_parameters=True,
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        )
        event.listen(writer, "connect", _prepare_writer)
        # Nobody looks, all are told.
        super().__init__(shown, writer, reader, literal(0))

    def explain(self, error: Exception) -> str:
        """Return why it cannot be opened, and how to mend it."""
        said = first_line(error)
        for secret in self._secrets:
            said = said.replace(secret, "***")
        mend = "Check address, user and password, and that the database exists (createdb casemeter)."
        return f"{self.shown}: {said}. {mend}"

    def lock_schema(self, connection: Connection) -> None:
        """Wait until no other process changes the schema."""
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _SCHEMA_LOCK})

    def hold(self, connection: Connection, key: Key, *, wait: bool) -> bool:
        """Hold a name: a row that is not there yet cannot be held."""
        digest = hashlib.blake2b("\0".join(key).encode(), digest_size=8).digest()
        number = {"key": int.from_bytes(digest, signed=True)}
        if wait:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), number)
            return True
        return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), number).scalar_one())

    def announce(self, connection: Connection, keys: Iterable[Key]) -> None:
        """Notify all that listen; the server does so once the transaction is committed, or never."""
        payloads = [json.dumps(key, ensure_ascii=False) for key in keys]
        fitting = [one if len(one.encode()) < _MAX_PAYLOAD else json.dumps(EVERYTHING) for one in payloads]
        if fitting:
            connection.execute(_NOTIFY, {"channel": CHANNEL, "payloads": fitting})

    def check_transaction(self, connection: Connection) -> None:
        """Do nothing: a transaction that failed cannot be committed."""

    def watch(
        self,
        tell: Callable[[Iterable[Key]], None],
        woken: threading.Event,  # noqa: ARG002 (of SQLite)
        stopped: threading.Event,
    ) -> None:
        """Listen; after every connection, whatever came in between may have been missed."""
        conninfo = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while not stopped.is_set():
            try:
                with self._driver.connect(conninfo, autocommit=True) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    tell([EVERYTHING])
                    while not stopped.is_set():
                        for notice in connection.notifies(timeout=_LOOK_SECONDS):
                            tell([_key(notice.payload)])
            except self._driver.Error:
                stopped.wait(_LOST_SECONDS)

    def size(self, connection: Connection) -> int:
        """Return how many bytes the database has."""
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _prepare_writer(connection: DBAPIConnection, _: object) -> None:
    """Set limits, so that a process that hangs holds up nobody for long; never trade commits for speed."""
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{3 * WAIT_SECONDS}s'")
    cursor.execute("SHOW synchronous_commit")
    if cursor.fetchone() == ("off",):
        cursor.execute("SET synchronous_commit = on")
    cursor.close()
    connection.commit()


def _key(payload: str) -> Key:
    """Return what a notification is of; whatever cannot be read is of everything."""
    try:
        hospital, encounter = json.loads(payload)
    except (TypeError, ValueError):
        return EVERYTHING
    return str(hospital), str(encounter)
