"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER orders a SQLite table by its key
Instant = sa.BigInteger()
Words = sa.Text()
Sorted = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("name_key", Sorted, nullable=False),
        sa.Column("type", Words, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("function_name", Words),
        sa.Column("search_text", Words, nullable=False),
        sa.Column("definition", Words, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("next_run_at", Instant),
        sa.Column("schedule_error", Words),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
    )
    _partial_index("ix_tasks_due", "tasks", ["next_run_at", "id"], "next_run_at IS NOT NULL")
    op.create_index("ix_tasks_name_key", "tasks", ["name_key", "id"])
    op.create_index("ix_tasks_function_name", "tasks", ["function_name"])

    op.create_table(
        "task_tags",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("tag", Words, nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_task_tags_task_id_tasks", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "tag", name="pk_task_tags"),
    )
    op.create_index("ix_task_tags_tag", "task_tags", ["tag", "task_id"])

    op.create_table(
        "task_revisions",
        sa.Column("task_id", Id, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", Words, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "revision", name="pk_task_revisions"),
    )
    op.create_index("ix_task_revisions_created_at", "task_revisions", ["created_at"])

    op.create_table(
        "executions",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("trigger", Words, nullable=False),
        sa.Column("status", Words, nullable=False),
        sa.Column("scheduled_for", Instant, nullable=False),
        sa.Column("queued_at", Instant, nullable=False),
        sa.Column("available_at", Instant, nullable=False),
        sa.Column("task_id", Id),
        sa.Column("task_name", Words),
        sa.Column("task_revision", sa.Integer()),
        sa.Column("type", Words, nullable=False),
        sa.Column("function_name", Words),
        sa.Column("payload", Words),
        sa.Column("timeout_seconds", sa.Integer()),
        sa.Column("reason", Words),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cut_offs", sa.Integer(), nullable=False),
        sa.Column("retry_of", Id),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", Words),
        sa.Column("lease_until", Instant),
        sa.Column("worker", Words),
        sa.Column("started_at", Instant),
        sa.Column("attempt_started_at", Instant),
        sa.Column("finished_at", Instant),
        sa.Column("error_message", Words),
        sa.Column("result", Words),
        sa.Column("result_summary", Words),
        sa.Column("progress", sa.Double()),
        sa.Column("progress_note", Words),
        sa.Column("log_lines", sa.Integer(), nullable=False),
        sa.Column("log_truncated", sa.Boolean(), nullable=False),
        sa.Column("missed_count", sa.Integer()),
        sa.Column("missed_until", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_executions"),
    )
    _partial_index(
        "uq_executions_fire_time",
        "executions",
        ["task_id", "scheduled_for"],
        "\"trigger\" IN ('schedule', 'catch_up')",
        unique=True,
    )
    op.create_index("ix_executions_task", "executions", ["task_id", "id"])
    op.create_index("ix_executions_status", "executions", ["status", "id"])
    op.create_index("ix_executions_function", "executions", ["function_name", "id"])
    _partial_index("ix_executions_queued", "executions", ["available_at", "id"], "status || '' = 'queued'")
    _partial_index("ix_executions_lease", "executions", ["lease_until"], "lease_until IS NOT NULL")
    _partial_index("ix_executions_unfinished", "executions", ["task_id"], "status || '' IN ('queued', 'running')")

    op.create_table(
        "attempts",
        sa.Column("execution_id", Id, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("finished_at", Instant, nullable=False),
        sa.Column("status", Words, nullable=False),
        sa.Column("reason", Words, nullable=False),
        sa.Column("error_message", Words),
        sa.Column("worker", Words),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_attempts_execution_id_executions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", "ordinal", name="pk_attempts"),
    )

    op.create_table(
        "log_chunks",
        sa.Column("execution_id", Id, nullable=False),
        sa.Column("first_seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("lines", Words, nullable=False),
        sa.ForeignKeyConstraint(
            ["execution_id"], ["executions.id"], name="fk_log_chunks_execution_id_executions", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("execution_id", "first_seq", name="pk_log_chunks"),
    )

    op.create_table(
        "nodes",
        sa.Column("id", Words, nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("lease_until", Instant, nullable=False),
        sa.Column("stopped_at", Instant),
        sa.Column("version", Words, nullable=False),
        sa.Column("host", Words, nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_nodes"),
    )
    op.create_index("ix_nodes_seen_at", "nodes", ["seen_at"])

    op.create_table(
        "outages",
        sa.Column("down_from", Instant, autoincrement=False, nullable=False),
        sa.Column("down_until", Instant, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("down_from", "down_until", name="pk_outages"),
    )
    op.create_index("ix_outages_down_until", "outages", ["down_until"])

    op.create_table(
        "tokens",
        sa.Column("id", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("secret_hash", Words, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant),
        sa.Column("last_used_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
    )

    op.create_table(
        "sessions",
        sa.Column("id_hash", Words, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])

    op.create_table(
        "idempotency_answers",
        sa.Column("scope", Words, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("request_hash", Words, nullable=False),
        sa.Column("answer", Words, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_answers"),
    )
    op.create_index("ix_idempotency_answers_created_at", "idempotency_answers", ["created_at"])

    op.create_table(
        "meta",
        sa.Column("key", Words, nullable=False),
        sa.Column("value", Words, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def downgrade() -> None:
    raise NotImplementedError("There is nothing before the first tables: restore a backup instead.")


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
