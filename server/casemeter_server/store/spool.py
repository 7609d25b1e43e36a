"""What is written down beside replies: it waits here for the writer, and no reply waits for it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from casemeter_server.store.database import Database
from casemeter_server.store.errors import first_line, is_outage
from casemeter_server.store.rows import Access, ForecastDay, Recorded, ShownAlert
from casemeter_server.store.tables import accesses, alerts, forecast_days

_LOG: Final = logging.getLogger(__name__)
_OF_ALERTS: Final = [name for name in ShownAlert._fields if name in alerts.c]


class Spool:
    """A line of rows, of bounded length.

    Attributes:
        dropped: rows that were not kept: there was no room, or the store refused them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: deque[Recorded] = deque()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[Recorded]) -> bool:
        """Take rows, all or none; return whether there was room."""
        if len(self._rows) + len(rows) > self._size:
            self.dropped += len(rows)
            return False
        self._rows.extend(rows)
        return True

    def take(self) -> list[Recorded]:
        """Return the rows there are by now, and hold them no longer."""
        return [self._rows.popleft() for _ in range(len(self._rows))]

    def put_back(self, rows: Sequence[Recorded]) -> None:
        """Hold rows again that could not be written."""
        self._rows.extendleft(reversed(rows))

    def write(self, rows: Sequence[Recorded], connection: Connection, database: Database) -> None:
        """Write rows inside a transaction. One that the store refuses is dropped, alone."""
        savepoint = connection.begin_nested()
        try:
            _insert(rows, connection, database)
        except Exception as error:
            # Whatever it is, it lies in one of the rows, unless the store itself is out.
            if is_outage(error):
                raise
            savepoint.rollback()
            if len(rows) == 1:
                self.dropped += 1
                _LOG.error("the store refuses a row of %s: %s", type(rows[0]).__name__, first_line(error))
                return
            middle = len(rows) // 2
            self.write(rows[:middle], connection, database)
            self.write(rows[middle:], connection, database)
        else:
            savepoint.commit()


def _insert(rows: Sequence[Recorded], connection: Connection, database: Database) -> None:
    shown = [row for row in rows if isinstance(row, ShownAlert)]
    looks = [row for row in rows if isinstance(row, Access)]
    days = [row for row in rows if isinstance(row, ForecastDay)]
    if shown:
        values = [{name: getattr(row, name) for name in _OF_ALERTS} for row in shown]
        connection.execute(database.insert_new(alerts), values)
    if looks:
        connection.execute(accesses.insert(), [row._asdict() for row in looks])
    if days:
        connection.execute(database.put_later(forecast_days), [row._asdict() for row in days])
