"""The store: what is acknowledged survives the end of any process.

::

    store = Store.open("sqlite:////var/lib/casemeter/casemeter.db")
    version = await store.write(lambda writing: writing.add_answer(answer))
    row = await store.read(lambda reading: reading.encounter("H001", "4711"))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Self, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from casemeter_server.store.announcements import Announcements
from casemeter_server.store.database import READERS, Database
from casemeter_server.store.errors import StoreError, StoreUnavailable, is_outage, unavailable
from casemeter_server.store.opening import bring_up, database_of
from casemeter_server.store.reading import Reading
from casemeter_server.store.rows import Recorded, ShownAlert
from casemeter_server.store.spool import Spool
from casemeter_server.store.writer import Writer
from casemeter_server.store.writing import Writing

__all__ = ["Reading", "Store", "StoreError", "StoreUnavailable", "Writing"]

SPOOL_ROWS: Final = 10_000
"""Rows written down beside replies that may wait for the writer."""

T = TypeVar("T")


class Store:
    """A store that is open. Each process opens its own.

    Attributes:
        schema_before: version of its schema before it was opened; empty: it is new.
    """

    def __init__(self, database: Database, schema_before: str, spool_rows: int) -> None:
        self._database = database
        self.schema_before = schema_before
        self._spool = Spool(spool_rows)
        self._announcements = Announcements(database)
        self._writer = Writer(database, self._spool, self._announcements.look)
        self._readers = ThreadPoolExecutor(READERS, "casemeter-store-reader")

    @classmethod
    def open(cls, url: str, *, spool_rows: int = SPOOL_ROWS, make: bool = True) -> Self:
        """Open a store, making it or bringing its schema up to date if need be.

        Args:
            url: ``sqlite:////folder/casemeter.db`` or ``postgresql://user@host/database``.
            spool_rows: rows written down beside replies that may wait for the writer.
            make: whether a file is made that is not there.

        Raises:
            StoreError: it cannot be used; says why and how to mend it, without passwords.
        """
        database = database_of(url, make=make)
        try:
            before = bring_up(database)
        except SQLAlchemyError as error:
            database.close()
            raise StoreError(database.explain(error)) from None
        except StoreError:
            database.close()
            raise
        return cls(database, before, spool_rows)

    @property
    def shown(self) -> str:
        """The URL of the store, without password."""
        return self._database.shown

    @property
    def dropped(self) -> int:
        """Rows written down beside replies that were not kept."""
        return self._spool.dropped

    async def write(self, work: Callable[[Writing], T]) -> T:
        """Keep something; it is on the disk when this returns.

        Args:
            work: keeps it, all or nothing, in the thread that writes. What it raises comes back, and nothing
                of it is kept. It may be run twice, so it must change nothing but the store; it must not wait.

        Raises:
            StoreUnavailable: the store does not answer; it is not acknowledged.
        """
        return await asyncio.wrap_future(self._writer.submit(work))

    async def read(self, work: Callable[[Reading], T]) -> T:
        """Look something up, in a thread, all at one moment; never behind what is written.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(self.read_now, work))

    def write_now(self, work: Callable[[Writing], T]) -> T:
        """Keep something, as :meth:`write` does, and wait for it."""
        return self._writer.submit(work).result()

    def read_now(self, work: Callable[[Reading], T]) -> T:
        """Look something up, as :meth:`read` does, in the thread of the caller."""
        try:
            return self._look(work)
        except SQLAlchemyError as error:
            if not is_outage(error):
                raise
        try:
            # A connection that was idle while the server was started again fails once.
            return self._look(work)
        except SQLAlchemyError as error:
            if not is_outage(error):
                raise
            raise unavailable(error) from None

    def record(self, *rows: Recorded) -> bool:
        """Write rows down soon; never waits. What is kept after this finds them, in this process.

        Returns:
            Whether they will be: ``False`` if there was no room for all of them, and they are dropped.
        """
        taken = self._spool.add(rows)
        if taken:
            self._writer.look(hurry=any(isinstance(row, ShownAlert) for row in rows))
        return taken

    def drop(self, rows: int) -> None:
        """Count rows that were not even made: there was no time or no room for it."""
        self._spool.dropped += rows

    def announcements(self) -> AsyncGenerator[tuple[str, str]]:
        """Yield hospital and encounter whenever any process has committed a change of one.

        ``("", "settings")`` are settings. ``("", "")`` says that something may have been missed and all is to
        be looked at; it comes first, and whatever changes after it is told.
        """
        return self._announcements.listen()

    def close(self) -> None:
        """Write what is waiting, and close all connections."""
        self._writer.close()
        self._announcements.close()
        self._readers.shutdown()
        self._database.close()

    def _look(self, work: Callable[[Reading], T]) -> T:
        with self._database.reader.connect() as connection, connection.begin():
            return work(Reading(connection))
