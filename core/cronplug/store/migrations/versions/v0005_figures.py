"""Since when tasks fail, and figures of past executions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.BigInteger()
Words = sa.Text()

# Of each task: when the first failure after its newest success ended.
FAILING_SINCE = """
UPDATE tasks SET failing_since = (
    SELECT min(f.finished_at) FROM executions AS f
    WHERE f.task_id = tasks.id AND f.status IN ('failed', 'timed_out', 'lost')
        AND f.id > coalesce((
            SELECT s.id FROM executions AS s WHERE s.task_id = tasks.id AND s.status = 'success'
            ORDER BY s.id DESC LIMIT 1
        ), 0)
)
"""


def upgrade() -> None:
    op.add_column("tasks", sa.Column("failing_since", Instant))
    op.execute(FAILING_SINCE)
    where = sa.text("failing_since IS NOT NULL")
    op.create_index("ix_tasks_failing", "tasks", ["failing_since", "id"], sqlite_where=where, postgresql_where=where)

    counts = ("success", "failed", "timed_out", "cancelled", "lost", "skipped", "missed")
    op.create_table(
        "rollups",
        sa.Column("kind", Words, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("start", Instant, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("max_seconds", sa.Double()),
        sa.Column("durations", Words),
        sa.Column("delays", Words),
        sa.PrimaryKeyConstraint("kind", "key", "seconds", "start", name="pk_rollups"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rollups_start", "rollups", ["seconds", "start"])
    op.create_table(
        "rollups_pending",
        sa.Column("execution_id", Id, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("execution_id", name="pk_rollups_pending"),
    )


def downgrade() -> None:
    op.drop_table("rollups_pending")
    op.drop_table("rollups")
    op.drop_index("ix_tasks_failing", "tasks")
    op.drop_column("tasks", "failing_since")
