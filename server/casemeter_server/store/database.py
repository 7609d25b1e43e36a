"""What SQLite and PostgreSQL do differently."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, Engine, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from casemeter_server.store.tables import encounters

Key = tuple[str, str]
"""Hospital and encounter."""

EVERYTHING: Final[Key] = ("", "")
"""Something may have been missed: everything is to be looked at again."""

SETTINGS: Final[Key] = ("", "settings")
"""Settings changed."""

WAIT_SECONDS: Final = 10
"""How long one process waits for another one that is writing."""

READERS: Final = 4
"""Threads that read, each with its own connection."""


class Database(ABC):
    """A database: how to connect, to lock, and to tell others.

    Attributes:
        shown: its URL without password.
        writer: engine of the one connection that writes; ``begin`` takes the right to write.
        reader: engine of the connections that read; a transaction sees one moment.
        change: the number of a change, for those who look what is new.
    """

    def __init__(self, shown: str, writer: Engine, reader: Engine, change: ColumnElement[int]) -> None:
        self.shown, self.writer, self.reader, self.change = shown, writer, reader, change
        # Built once: building a statement takes as long as running it.
        self.move_on = (
            update(encounters)
            .where(encounters.c.hospital == bindparam("of"), encounters.c.encounter == bindparam("number"))
            .values(version=bindparam("new_version"), changed_at=bindparam("at"), change=change)
        )

    @abstractmethod
    def explain(self, error: Exception) -> str:
        """Return why it cannot be opened, and how to mend it."""

    @abstractmethod
    def lock_schema(self, connection: Connection) -> None:
        """Keep other processes from changing the schema until the transaction ends."""

    @abstractmethod
    def hold(self, connection: Connection, key: Key, *, wait: bool) -> bool:
        """Hold something that may not be there yet until the transaction ends.

        Returns:
            Whether it is held; false only without ``wait``.
        """

    @abstractmethod
    def announce(self, connection: Connection, keys: Iterable[Key]) -> None:
        """Tell all processes of changes once the transaction is committed."""

    @abstractmethod
    def check_transaction(self, connection: Connection) -> None:
        """Look whether the transaction is still the one that was begun.

        Raises:
            StoreUnavailable: the database has undone it on its own.
        """

    @abstractmethod
    def watch(
        self, tell: Callable[[Iterable[Key]], None], woken: threading.Event, stopped: threading.Event
    ) -> None:
        """Tell of changes, those of other processes too, until stopped; first of all, of everything."""

    @abstractmethod
    def size(self, connection: Connection) -> int:
        """Return how many bytes it takes."""

    def insert_new(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that passes over rows that are there."""
        if self.writer.dialect.name == "sqlite":
            return sqlite.insert(table).on_conflict_do_nothing()
        return postgresql.insert(table).on_conflict_do_nothing()

    def put_later(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an insert that replaces a row of the same key, unless that one is of a later time."""
        sqlite_kind = self.writer.dialect.name == "sqlite"
        adding = sqlite.insert(table) if sqlite_kind else postgresql.insert(table)
        keys = [column.name for column in table.primary_key]
        values = {column.name: adding.excluded[column.name] for column in table.c if column.name not in keys}
        later = adding.excluded["at"] >= table.c["at"]
        return adding.on_conflict_do_update(index_elements=keys, set_=values, where=later)

    def close(self) -> None:
        """Close all connections."""
        self.writer.dispose()
        self.reader.dispose()
