"""Schedules of every kind: what the engine knows of them, and calendars."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.BigInteger()
Words = sa.Text()


def upgrade() -> None:
    op.add_column("tasks", sa.Column("fired_count", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("tasks", sa.Column("disabled_at", Instant))
    op.add_column("tasks", sa.Column("tzdata_version", Words))
    op.add_column("tasks", sa.Column("after_end_seconds", sa.Integer()))
    where = sa.text("after_end_seconds IS NOT NULL AND next_run_at IS NULL")
    op.create_index("ix_tasks_awaiting_end", "tasks", ["id"], sqlite_where=where, postgresql_where=where)

    op.create_table(
        "calendars",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("name_key", Words, nullable=False),
        sa.Column("definition", Words, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calendars"),
    )
    op.create_index("uq_calendars_name_key", "calendars", ["name_key"], unique=True)


def downgrade() -> None:
    op.drop_table("calendars")
    op.drop_index("ix_tasks_awaiting_end", "tasks")
    for name in ("after_end_seconds", "tzdata_version", "disabled_at", "fired_count"):
        op.drop_column("tasks", name)
