"""Forecasts by day, and the final groups that are told otherwise than by events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "forecast_days",
        *_texts("hospital", "encounter", "day"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day_of_stay", sa.Integer, nullable=False),
        *_texts("state_hash", "pack", "pack_version", "pack_sha256", "bundle_sha256"),
        *_texts("group", "planned_group", "content"),
        sa.PrimaryKeyConstraint("hospital", "encounter", "day"),
    )
    op.create_index("forecast_days_day", "forecast_days", ["day", "hospital", "encounter"])
    op.create_table(
        "outcomes",
        *_texts("hospital", "encounter", "source"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *_texts("way", "group", "pack", "pack_version", "content"),
        sa.PrimaryKeyConstraint("hospital", "encounter", "source"),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]
