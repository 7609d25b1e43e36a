"""The stored encounters of a day, read without changing anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.exc import SQLAlchemyError

from casemeter.v1 import living_pb2, service_pb2
from casemeter_server.dry_run.compare import Stay
from casemeter_server.encounters.fold import Fold
from casemeter_server.store.database import Database
from casemeter_server.store.errors import StoreError
from casemeter_server.store.opening import database_of, version_of
from casemeter_server.store.reading import Reading
from casemeter_server.store.rows import EncounterRow
from casemeter_server.store.sqlite import SqliteDatabase
from casemeter_server.store.tables import SCHEMA


@contextmanager
def opened(url: str) -> Iterator[Reading]:
    """Look into a store at one moment, for as long as the context lasts; nothing of it is changed.

    Raises:
        StoreError: it cannot be read, or is of another version.
    """
    database: Database = database_of(url)
    try:
        if isinstance(database, SqliteDatabase) and not database.path.is_file():
            raise StoreError(f"{database.shown}: there is no store yet; a server makes it")
        with database.reader.connect() as connection, connection.begin():
            found = version_of(connection)
            if found != SCHEMA:
                raise StoreError(
                    f"{database.shown} is of schema {found or 'none'}, not {SCHEMA}; "
                    "a server of this version brings it up to date when it starts"
                )
            yield Reading(connection)
    except SQLAlchemyError as error:
        raise StoreError(database.explain(error)) from None
    finally:
        database.close()


def changed(reading: Reading, since: datetime, until: datetime, hospital: str = "") -> list[EncounterRow]:
    """Return the encounters that got events from a moment on and before another one.

    Args:
        reading: the store.
        since: the first moment.
        until: the first moment that is too late.
        hospital: of these only; empty: of all.
    """
    return list(reading.encounters(since, until, hospital))


def stays(reading: Reading, rows: list[EncounterRow], as_of: datetime, phase: str = "") -> Iterator[Stay]:
    """Yield the question about each encounter, as it is known now.

    Nothing was alerted before: what would interrupt afresh is counted.

    Args:
        reading: the store.
        rows: the encounters.
        as_of: the moment the answers hold for.
        phase: the moment of care that rules decide for, such as ``submission``; empty: each tells its own.
    """
    moment = Timestamp()
    moment.FromDatetime(as_of)
    care_phase = f"CARE_PHASE_{(phase or 'unspecified').upper()}"
    for row in rows:
        fold = Fold(row.encounter)
        events = reading.events(row.hospital, row.encounter)
        fold.add(living_pb2.EncounterEvent.FromString(event.data) for event in events)
        request = service_pb2.EvaluateRequest(
            as_of=moment, encounter=fold.state().encounter, phase=care_phase
        )
        request.alert_context.history.SetInParent()
        request.alert_context.interruptions_this_hour = 0
        yield Stay(row.hospital, row.encounter, request)
