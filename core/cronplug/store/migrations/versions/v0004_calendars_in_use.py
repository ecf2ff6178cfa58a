"""Which calendars the schedules of a task heed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "task_calendars",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("calendar_id", Id, nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_task_calendars_task_id_tasks", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendars.id"], name="fk_task_calendars_calendar_id_calendars"),
        sa.PrimaryKeyConstraint("task_id", "calendar_id", name="pk_task_calendars"),
    )
    op.create_index("ix_task_calendars_calendar_id", "task_calendars", ["calendar_id", "task_id"])


def downgrade() -> None:
    op.drop_table("task_calendars")
