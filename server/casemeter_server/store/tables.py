"""The tables. Every query has its index; every change of a table is a migration (``migrations/versions``)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

SCHEMA: Final = "0002"
"""The migration that these tables are the result of."""

VERSION_TABLE: Final = "casemeter_version"
"""Where a database says which migration it is at."""

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept in UTC whatever its offset was."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is written."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time that is kept needs its offset")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was read."""
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else value.replace(tzinfo=UTC)


_Number = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database counts up itself; SQLite does so for this type only."""


def _text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def _time(name: str) -> Column[datetime]:
    return Column(name, UtcTime, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


encounters = Table(
    "encounters",
    metadata,
    _text("hospital", primary_key=True),
    _text("encounter", primary_key=True),
    _count("version"),
    _time("opened_at"),
    _time("changed_at"),
    # SQLite only: counts the changes of all encounters and settings, for those who look what is new.
    _count("change"),
    Index("encounters_change", "change"),
)

events = Table(
    "events",
    metadata,
    _text("hospital", primary_key=True),
    _text("encounter", primary_key=True),
    _text("event_id", primary_key=True),
    # Of the encounter, with this event.
    _count("version"),
    _time("kept_at"),
    Column("digest", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    ForeignKeyConstraint(["hospital", "encounter"], ["encounters.hospital", "encounters.encounter"]),
    Index("events_version", "hospital", "encounter", "version"),
    Index("events_kept_at", "kept_at"),
)

alerts = Table(
    "alerts",
    metadata,
    _text("id", primary_key=True),
    _text("hospital"),
    _text("encounter"),
    _time("at"),
    _text("rule"),
    _text("alert_key"),
    Column("tier", Integer, nullable=False),
    _text("band"),
    _text("presentation"),
    _text("state_hash"),
    _text("role"),
    _text("user"),
    _text("door"),
    Index("alerts_encounter", "hospital", "encounter", "alert_key"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", _Number, primary_key=True),
    _text("hospital"),
    _text("encounter"),
    _text("rule"),
    _text("alert_key"),
    _time("at"),
    _text("answer"),
    _text("reason"),
    _text("text"),
    _text("state_hash"),
    _text("user"),
    _text("role"),
    _text("alert"),
    Index("answers_encounter", "hospital", "encounter", "alert_key"),
    Index("answers_at", "at", "id"),
)

accesses = Table(
    "accesses",
    metadata,
    Column("id", _Number, primary_key=True),
    _time("at"),
    _text("hospital"),
    _text("user"),
    _text("role"),
    _text("department"),
    _text("call"),
    _text("encounter"),
    _text("of_hospital"),
    Index("accesses_encounter", "of_hospital", "encounter", "id"),
)

seals = Table(
    "seals",
    metadata,
    _text("id", primary_key=True),
    _text("hospital"),
    _text("encounter"),
    _time("at"),
    _text("user"),
    _text("content_sha256"),
    _text("token"),
    Index("seals_encounter", "hospital", "encounter", "at"),
)

settings = Table(
    "settings",
    metadata,
    _text("name", primary_key=True),
    _text("content"),
    _count("version"),
    _text("changed_by"),
    _time("changed_at"),
    # As that of encounters.
    _count("change"),
    Index("settings_change", "change"),
)

forecast_days = Table(
    "forecast_days",
    metadata,
    _text("hospital", primary_key=True),
    _text("encounter", primary_key=True),
    # Of the hospital's own calendar, as YYYY-MM-DD.
    _text("day", primary_key=True),
    _time("at"),
    Column("day_of_stay", Integer, nullable=False),
    _text("state_hash"),
    _text("pack"),
    _text("pack_version"),
    _text("pack_sha256"),
    _text("bundle_sha256"),
    _text("group"),
    _text("planned_group"),
    _text("content"),
    Index("forecast_days_day", "day", "hospital", "encounter"),
)

outcomes = Table(
    "outcomes",
    metadata,
    _text("hospital", primary_key=True),
    _text("encounter", primary_key=True),
    _text("source", primary_key=True),
    _time("at"),
    _text("way"),
    _text("group"),
    _text("pack"),
    _text("pack_version"),
    _text("content"),
)
