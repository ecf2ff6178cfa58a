"""Indexes for lists and figures of many tasks and a million executions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FAULTY = sa.text("schedule_error IS NOT NULL")
OFF = sa.text("NOT enabled")
NOT_SCHEDULED = sa.text("\"trigger\" <> 'schedule'")
NO_SUCCESS = sa.text("status IN ('failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed')")


def upgrade() -> None:
    _create("ix_tasks_created_at", "tasks", "created_at", "id")
    _create("ix_tasks_updated_at", "tasks", "updated_at", "id")
    _create("ix_tasks_schedule_error", "tasks", "id", where=FAULTY)
    _create("ix_tasks_off", "tasks", "next_run_at", where=OFF)
    _create("ix_executions_not_scheduled", "executions", "trigger", "id", "task_id", where=NOT_SCHEDULED)
    _create("ix_executions_task_no_success", "executions", "task_id", "status", "id", where=NO_SUCCESS)
    _create("ix_executions_function_no_success", "executions", "function_name", "status", "id", where=NO_SUCCESS)


def downgrade() -> None:
    for name in ("function_no_success", "task_no_success", "not_scheduled"):
        op.drop_index(f"ix_executions_{name}", "executions")
    for name in ("off", "schedule_error", "updated_at", "created_at"):
        op.drop_index(f"ix_tasks_{name}", "tasks")


def _create(name: str, table: str, *columns: str, where: sa.TextClause | None = None) -> None:
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
