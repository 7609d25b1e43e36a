"""What a store is like, without changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from casemeter_server.store.errors import StoreError
from casemeter_server.store.opening import database_of, version_of
from casemeter_server.store.tables import SCHEMA, metadata


class Info(NamedTuple):
    """What a store is like.

    Attributes:
        shown: its URL, without password.
        schema: version of its schema; empty: it has none yet.
        bytes: what it takes.
        rows: how many rows each table has; empty for another version of the schema.
    """

    shown: str
    schema: str
    bytes: int
    rows: Mapping[str, int]


def info_of(url: str) -> Info:
    """Return what a store is like.

    Raises:
        StoreError: there is none, or it cannot be used.
    """
    database = database_of(url, make=False)
    try:
        with database.reader.connect() as connection, connection.begin():
            schema = version_of(connection)
            rows = {}
            for name in sorted(metadata.tables) if schema == SCHEMA else ():
                counting = select(func.count()).select_from(metadata.tables[name])
                rows[name] = connection.execute(counting).scalar_one()
            return Info(database.shown, schema, database.size(connection), rows)
    except SQLAlchemyError as error:
        raise StoreError(database.explain(error)) from None
    finally:
        database.close()
