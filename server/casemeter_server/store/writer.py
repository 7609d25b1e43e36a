"""The one thread that writes. Many works share a commit, for it is the commit that takes time.

A work is acknowledged once the transaction that it is part of is on the disk, never before. If the
transaction cannot be brought to its commit, it is tried once more as a whole; if the commit itself fails,
nobody knows whether it holds, and all of its works are told that the store does not answer.

Works seldom fail after they have written something. They are run one after the other as they are; only if one
does, the transaction is undone and all are run again, each behind a savepoint of its own.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import Enum
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from casemeter_server.store.database import Database, Key
from casemeter_server.store.errors import StoreError, first_line, is_outage, unavailable
from casemeter_server.store.rows import Recorded
from casemeter_server.store.spool import Spool
from casemeter_server.store.writing import Held, Writing

T = TypeVar("T")

_LOG: Final = logging.getLogger(__name__)
_MOST_AT_ONCE: Final = 256
_FLUSH_SECONDS: Final = 0.02
"""How long what is written down beside replies may wait for company."""
_REST_SECONDS: Final = 0.25
"""How long it may if nobody will ask for it soon: each commit takes time from those who answer."""
_OUT_SECONDS: Final = 1.0
"""How long it waits for a store that does not answer."""


class _Sign(Enum):
    LOOK = "look"
    STOP = "stop"


class _Work:
    """Something to be kept, and who waits for it."""

    def __init__(self, run: Callable[[Writing], Any]) -> None:
        self.run = run
        self.done: Future[Any] = Future()


class _Undone(Exception):
    """A transaction that did not come to its commit: nothing of it holds."""


class _WorkFailed(Exception):
    """A work failed that had no savepoint: nothing of its transaction holds."""


class Writer:
    """Writes what it is given, in a thread of its own."""

    def __init__(self, database: Database, spool: Spool, committed: Callable[[], None]) -> None:
        """Start the thread.

        Args:
            database: to write to.
            spool: what is written down besides.
            committed: called after every commit.
        """
        self._database, self._spool, self._committed = database, spool, committed
        self._queue: queue.SimpleQueue[_Work | _Sign] = queue.SimpleQueue()
        self._first: deque[_Work] = deque()
        self._closing = threading.Lock()
        self._closed = False
        self._awake = self._hurried = False
        self._out = False
        self._thread = threading.Thread(target=self._serve, name="casemeter-store", daemon=True)
        self._thread.start()

    def submit(self, run: Callable[[Writing], T]) -> Future[T]:
        """Let work be done; the future is done once it is committed.

        Raises:
            StoreError: the store is closed.
        """
        work = _Work(run)
        with self._closing:
            if self._closed:
                raise StoreError("the store is closed")
            self._queue.put(work)
        return work.done

    def look(self, *, hurry: bool = True) -> None:
        """Let the spool be written; to be called after something was put there.

        Args:
            hurry: whether somebody may ask for it soon.
        """
        if not self._awake or (hurry and not self._hurried):
            self._awake = True
            self._hurried |= hurry
            self._queue.put(_Sign.LOOK)

    def close(self) -> None:
        """Write what is there, and end."""
        with self._closing:
            self._closed = True
            self._queue.put(_Sign.STOP)
        self._thread.join()

    def _serve(self) -> None:
        stopping = False
        while not stopping:
            works, stopping = self._collect()
            self._write(works)
        while self._first:
            self._write(self._take_first())
        if left := len(self._spool.take()):
            self._spool.dropped += left
            _LOG.error("%d rows were not written before the end", left)

    def _collect(self) -> tuple[list[_Work], bool]:
        """Return the works there are by now, and whether there will be no more."""
        works = self._take_first()
        wait: float | None = 0.0 if works else None
        if not works and self._spool:
            wait = _OUT_SECONDS if self._out else self._patience()
        while len(works) < _MOST_AT_ONCE:
            try:
                got = self._queue.get(wait != 0, wait)
            except queue.Empty:
                break
            if got is _Sign.STOP:
                return works, True
            if isinstance(got, _Work):
                works.append(got)
                wait = 0.0
            else:
                wait = self._patience() if wait is None else min(wait, self._patience())
        return works, False

    def _patience(self) -> float:
        return _FLUSH_SECONDS if self._hurried else _REST_SECONDS

    def _take_first(self) -> list[_Work]:
        """Return the works that were put off."""
        return [self._first.popleft() for _ in range(len(self._first))]

    def _write(self, works: list[_Work]) -> None:
        """Write works and the spool, and tell those who wait."""
        works = [work for work in works if work.done.running() or work.done.set_running_or_notify_cancel()]
        self._awake = self._hurried = False
        rows = self._spool.take()
        if not works and not rows:
            return
        try:
            outcomes = self._commit_in_the_end(works, rows)
        except Exception as error:
            # Whatever it is: if this thread ended, all callers would wait for ever.
            cause = error.__cause__ if isinstance(error, _Undone) and error.__cause__ else error
            self._spool.put_back(rows)
            self._say(cause)
            for work in works:
                work.done.set_exception(unavailable(cause))
            return
        self._say(None)
        if works:
            self._committed()
        for work, value in outcomes:
            if isinstance(value, Held):
                self._first.append(work)
            elif isinstance(value, BaseException):
                work.done.set_exception(value)
            else:
                work.done.set_result(value)

    def _commit_in_the_end(self, works: Sequence[_Work], rows: Sequence[Recorded]) -> list[tuple[_Work, Any]]:
        """Run works in one transaction, of which not every try need succeed; see :meth:`_commit`."""
        apart, tries = False, 2
        while True:
            try:
                return self._commit(works, rows, apart=apart)
            except _WorkFailed:
                apart = True
            except _Undone:
                tries -= 1
                if not tries:
                    raise

    def _commit(
        self, works: Sequence[_Work], rows: Sequence[Recorded], *, apart: bool
    ) -> list[tuple[_Work, Any]]:
        """Run works in one transaction; return what became of each.

        Raises:
            _WorkFailed: one of them failed; nothing of it holds. Not with ``apart``.
            _Undone: nothing of it holds.
            SQLAlchemyError: nobody knows whether it holds.
        """
        try:
            connection = self._database.writer.connect()
        except SQLAlchemyError as error:
            raise _Undone from error
        with connection:
            try:
                transaction = connection.begin()
                # First what was recorded before the works came: they find it.
                if rows:
                    self._spool.write(rows, connection, self._database)
                outcomes = self._run(connection, works, apart=apart)
                self._database.check_transaction(connection)
            except (SQLAlchemyError, StoreError) as error:
                raise _Undone from error
            transaction.commit()
        return outcomes

    def _run(self, connection: Connection, works: Sequence[_Work], *, apart: bool) -> list[tuple[_Work, Any]]:
        outcomes: list[tuple[_Work, Any]] = []
        changed: dict[Key, None] = {}
        for at, work in enumerate(works):
            writing = Writing(connection, self._database, wait=at == 0)
            savepoint = connection.begin_nested() if apart else None
            try:
                value = work.run(writing)
            except Exception as error:
                # Whatever a work raises is told to those who gave it; but if the store is out, all are.
                if is_outage(error):
                    raise
                if savepoint:
                    savepoint.rollback()
                elif writing.wrote or isinstance(error, SQLAlchemyError):
                    raise _WorkFailed from error
                outcomes.append((work, error))
            else:
                if savepoint:
                    savepoint.commit()
                outcomes.append((work, value))
                changed.update(dict.fromkeys(writing.changed))
        self._database.announce(connection, changed)
        return outcomes

    def _say(self, error: BaseException | None) -> None:
        """Log that the store is out, and that it is back; each once."""
        if error and not self._out:
            _LOG.error("the store %s does not answer: %s", self._database.shown, first_line(error))
        elif not error and self._out:
            _LOG.warning("the store %s answers again", self._database.shown)
        self._out = error is not None
