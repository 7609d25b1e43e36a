"""What SQLite and PostgreSQL do differently."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

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
    """

    def __init__(self, shown: str, writer: Engine, reader: Engine) -> None:
        self.shown, self.writer, self.reader = shown, writer, reader

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
    def for_update(self, statement: Select[Any], *, wait: bool) -> Select[Any]:
        """Return the statement such that its rows are held until the transaction ends.

        Without ``wait`` it finds no row that another process holds.
        """

    @abstractmethod
    def next_change(self, connection: Connection) -> int:
        """Return the number of a change, for those who look what is new."""

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

    def close(self) -> None:
        """Close all connections."""
        self.writer.dispose()
        self.reader.dispose()
