"""SQLite: one file, WAL, every commit on the disk before it is acknowledged."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL, ColumnElement, Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError

from casemeter_server.store.database import EVERYTHING, READERS, WAIT_SECONDS, Database, Key
from casemeter_server.store.errors import StoreError, StoreUnavailable, first_line
from casemeter_server.store.tables import encounters, settings

LOOK_SECONDS: Final = 0.01
"""How often it is looked whether another process has written."""

_LOST_SECONDS: Final = 1.0
_TRY_SECONDS: Final = 0.001
_JOURNAL_BYTES: Final = 64 << 20
_CHANGED: Final = """
    SELECT hospital, encounter, change FROM encounters WHERE change > ?
    UNION ALL SELECT '', 'settings', change FROM settings WHERE change > ? ORDER BY change
"""
_LATEST: Final = """
    SELECT coalesce(max(change), 0)
    FROM (SELECT max(change) AS change FROM encounters UNION ALL SELECT max(change) FROM settings)
"""
_MENDS: Final = (
    ("not a database", "It is a file of another kind; name another one."),
    ("malformed", "It is damaged; restore it from a backup."),
    ("disk is full", "Make room on the disk."),
    ("locked", "Another program holds it; end that program."),
    ("readonly", "The user that runs CaseMeter needs the right to write the file and its folder."),
    ("unable to open", "The folder must be there, and the user that runs CaseMeter may write to it."),
)


class SqliteDatabase(Database):
    """A file of SQLite."""

    def __init__(self, url: URL, *, make: bool) -> None:
        if url.database in (None, "", ":memory:") or url.query:
            raise StoreError("the store needs a file of its own; write sqlite:////folder/casemeter.db")
        self.path = Path(url.database or "").absolute()
        if not make and not self.path.exists():
            raise StoreError(f"{self.path}: there is no such file")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder of {self.path} cannot be made: {error.strerror}") from None
        writer, reader = self._engine("IMMEDIATE", 1), self._engine("", READERS)
        super().__init__(f"sqlite:///{self.path}", writer, reader, _next_change())

    def _engine(self, begin: str, size: int) -> Engine:
        url = URL.create("sqlite", database=str(self.path))
        engine = create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"timeout": WAIT_SECONDS, "check_same_thread": False},
        )
        pragmas = [
            "synchronous = FULL",
            "foreign_keys = ON",
            f"journal_size_limit = {_JOURNAL_BYTES}",
            *([] if begin else ["query_only = ON"]),
        ]

        @event.listens_for(engine, "connect")
        def connected(connection: DBAPIConnection, _: object) -> None:
            # The driver must begin no transaction of its own: such a one may find itself locked later.
            connection.isolation_level = None
            _to_wal(connection)
            for pragma in pragmas:
                connection.execute(f"PRAGMA {pragma}")

        event.listen(engine, "begin", _begin_writing if begin else _begin_reading)
        return engine

    def explain(self, error: Exception) -> str:
        """Return why it cannot be opened, and how to mend it."""
        said = first_line(error)
        mends = [mend for mark, mend in _MENDS if mark in said]
        return f"{self.path}: {said}. {mends[0] if mends else ''}".rstrip()

    def lock_schema(self, connection: Connection) -> None:
        """Do nothing: whoever may write is alone."""

    def hold(self, connection: Connection, key: Key, *, wait: bool) -> bool:  # noqa: ARG002 (of PostgreSQL)
        """Do nothing: whoever may write is alone."""
        return True

    def announce(self, connection: Connection, keys: Iterable[Key]) -> None:
        """Do nothing: the numbers of changes tell."""

    def check_transaction(self, connection: Connection) -> None:
        """Look whether the transaction is still there: SQLite undoes it itself when the disk is full."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        if not driver.in_transaction:
            raise StoreUnavailable("the store does not answer: the transaction was undone")

    def watch(
        self, tell: Callable[[Iterable[Key]], None], woken: threading.Event, stopped: threading.Event
    ) -> None:
        """Look again and again; a commit of this process wakes it at once."""
        while not stopped.is_set():
            try:
                # A URI opens no new file where the old one was taken away.
                uri = f"{self.path.as_uri()}?mode=rw"
                with closing(
                    sqlite3.connect(uri, WAIT_SECONDS, uri=True, isolation_level=None)
                ) as connection:
                    _follow(connection, tell, woken, stopped)
            except sqlite3.Error:
                stopped.wait(_LOST_SECONDS)

    def size(self, connection: Connection) -> int:
        """Return how many bytes the file has."""
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def _next_change() -> ColumnElement[int]:
    """One more than any number of a change before: whoever writes is alone."""
    tables = encounters.alias("all_encounters"), settings.alias("all_settings")
    latest = [select(func.coalesce(func.max(table.c.change), 0)).scalar_subquery() for table in tables]
    following: ColumnElement[int] = func.max(*latest) + 1
    return following


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Connection) -> None:
    """Take the right to write. SQLite's own waiting sleeps 0.1 s at a time, and who comes often overtakes."""
    until = time.monotonic() + WAIT_SECONDS
    connection.exec_driver_sql("PRAGMA busy_timeout = 0").close()
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            break
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_TRY_SECONDS)
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(WAIT_SECONDS * 1000)}").close()


def _to_wal(connection: DBAPIConnection) -> None:
    """Let readers and the writer pass each other. SQLite does not wait here for others that do the same."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(LOOK_SECONDS)


def _follow(
    connection: sqlite3.Connection,
    tell: Callable[[Iterable[Key]], None],
    woken: threading.Event,
    stopped: threading.Event,
) -> None:
    """Tell of what is new in a database."""
    last = connection.execute(_LATEST).fetchone()[0]
    seen = None
    tell([EVERYTHING])
    while not stopped.is_set():
        # Another number only if another connection has committed in between; it costs no look into the file.
        version = connection.execute("PRAGMA data_version").fetchone()
        if version != seen:
            seen = version
            rows = connection.execute(_CHANGED, (last, last)).fetchall()
            if rows:
                last = rows[-1][2]
                tell([(hospital, encounter) for hospital, encounter, _ in rows])
        woken.wait(LOOK_SECONDS)
        woken.clear()
