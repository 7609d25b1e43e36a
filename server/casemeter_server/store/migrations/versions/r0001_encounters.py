"""Encounters, events, alerts, answers, looks at patients, seals and settings."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "encounters",
        *_texts("hospital", "encounter"),
        sa.Column("version", sa.BigInteger, nullable=False),
        *_times("opened_at", "changed_at"),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hospital", "encounter"),
    )
    op.create_index("encounters_change", "encounters", ["change"])
    op.create_table(
        "events",
        *_texts("hospital", "encounter", "event_id"),
        sa.Column("version", sa.BigInteger, nullable=False),
        *_times("kept_at"),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("hospital", "encounter", "event_id"),
        sa.ForeignKeyConstraint(["hospital", "encounter"], ["encounters.hospital", "encounters.encounter"]),
    )
    op.create_index("events_version", "events", ["hospital", "encounter", "version"])
    op.create_index("events_kept_at", "events", ["kept_at"])
    op.create_table(
        "alerts",
        *_texts("id", "hospital", "encounter"),
        *_times("at"),
        *_texts("rule", "alert_key"),
        sa.Column("tier", sa.Integer, nullable=False),
        *_texts("band", "presentation", "state_hash", "role", "user", "door"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alerts_encounter", "alerts", ["hospital", "encounter", "alert_key"])
    op.create_table(
        "answers",
        sa.Column("id", number, primary_key=True),
        *_texts("hospital", "encounter", "rule", "alert_key"),
        *_times("at"),
        *_texts("answer", "reason", "text", "state_hash", "user", "role", "alert"),
    )
    op.create_index("answers_encounter", "answers", ["hospital", "encounter", "alert_key"])
    op.create_index("answers_at", "answers", ["at", "id"])
    op.create_table(
        "accesses",
        sa.Column("id", number, primary_key=True),
        *_times("at"),
        *_texts("hospital", "user", "role", "department", "call", "encounter", "of_hospital"),
    )
    op.create_index("accesses_encounter", "accesses", ["of_hospital", "encounter", "id"])
    op.create_table(
        "seals",
        *_texts("id", "hospital", "encounter"),
        *_times("at"),
        *_texts("user", "content_sha256", "token"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("seals_encounter", "seals", ["hospital", "encounter", "at"])
    op.create_table(
        "settings",
        *_texts("name", "content"),
        sa.Column("version", sa.BigInteger, nullable=False),
        *_texts("changed_by"),
        *_times("changed_at"),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("settings_change", "settings", ["change"])


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _times(*names: str) -> list[sa.Column[datetime]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]
