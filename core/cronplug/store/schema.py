"""The tables, in SQLAlchemy Core. Migrations must lead to exactly this; a test compares the two."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from cronplug.store.columns import Id, Instant, JsonText, Words

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FIRED = sa.text("\"trigger\" IN ('schedule', 'catch_up')")
AWAITING_END = sa.text("after_end_seconds IS NOT NULL AND next_run_at IS NULL")
QUEUED = sa.text("status || '' = 'queued'")
UNFINISHED = sa.text("status || '' IN ('queued', 'running')")
FAILING = sa.text("failing_since IS NOT NULL")
OFF = sa.text("NOT enabled")
NOT_SCHEDULED = sa.text("\"trigger\" <> 'schedule'")
NO_SUCCESS = sa.text("status IN ('failed', 'timed_out', 'cancelled', 'lost', 'skipped', 'missed')")
"""Conditions of partial indexes. SQLite uses such an index only for a query that says the very same words, and would
rather use the index on status, and sort all it finds, if they named the bare column."""


def _only(where: sa.TextClause) -> dict[str, Any]:
    return {"sqlite_where": where, "postgresql_where": where}


tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("name", Words, nullable=False),
    # The name in lower case, sorted by code point on every database.
    sa.Column("name_key", Words().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
    sa.Column("type", Words, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("function_name", Words),
    sa.Column("search_text", Words, nullable=False),
    sa.Column("definition", JsonText, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("next_run_at", Instant),
    sa.Column("schedule_error", Words),
    sa.Column("fired_count", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("disabled_at", Instant),
    sa.Column("tzdata_version", Words),
    # Seconds from the end of the last execution to the next fire time; null: the schedule has fire times of its own.
    sa.Column("after_end_seconds", sa.Integer),
    # When its newest run of failures began; null: its newest decisive end was a success, or there was none.
    sa.Column("failing_since", Instant),
    # A comparison with next_run_at implies that it is not null, so "what is due" reads this index.
    sa.Index("ix_tasks_due", "next_run_at", "id", **_only(sa.text("next_run_at IS NOT NULL"))),
    sa.Index("ix_tasks_name_key", "name_key", "id"),
    sa.Index("ix_tasks_function_name", "function_name"),
    sa.Index("ix_tasks_awaiting_end", "id", **_only(AWAITING_END)),
    sa.Index("ix_tasks_failing", "failing_since", "id", **_only(FAILING)),
    sa.Index("ix_tasks_created_at", "created_at", "id"),
    sa.Index("ix_tasks_updated_at", "updated_at", "id"),
    sa.Index("ix_tasks_schedule_error", "id", **_only(sa.text("schedule_error IS NOT NULL"))),
    sa.Index("ix_tasks_off", "next_run_at", **_only(OFF)),
)

task_tags = sa.Table(
    "task_tags",
    metadata,
    sa.Column("task_id", Id, sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", Words, primary_key=True),
    sa.Index("ix_task_tags_tag", "tag", "task_id"),
)

# What a task was at each revision; no foreign key, since executions tell of it after the task is deleted.
task_revisions = sa.Table(
    "task_revisions",
    metadata,
    sa.Column("task_id", Id, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("definition", JsonText, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_task_revisions_created_at", "created_at"),
)

executions = sa.Table(
    "executions",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("status", Words, nullable=False),
    sa.Column("scheduled_for", Instant, nullable=False),
    sa.Column("queued_at", Instant, nullable=False),
    sa.Column("available_at", Instant, nullable=False),
    sa.Column("task_id", Id),
    sa.Column("task_name", Words),
    sa.Column("task_revision", sa.Integer),
    sa.Column("type", Words, nullable=False),
    sa.Column("function_name", Words),
    sa.Column("payload", JsonText),
    sa.Column("timeout_seconds", sa.Integer),
    sa.Column("reason", Words),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("cut_offs", sa.Integer, nullable=False),
    sa.Column("retry_of", Id),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("lease_owner", Words),
    sa.Column("lease_until", Instant),
    sa.Column("worker", Words),
    sa.Column("started_at", Instant),
    sa.Column("attempt_started_at", Instant),
    sa.Column("finished_at", Instant),
    sa.Column("error_message", Words),
    sa.Column("result", JsonText),
    sa.Column("result_summary", Words),
    sa.Column("progress", sa.Double),
    sa.Column("progress_note", Words),
    sa.Column("log_lines", sa.Integer, nullable=False),
    sa.Column("log_truncated", sa.Boolean, nullable=False),
    sa.Column("missed_count", sa.Integer),
    sa.Column("missed_until", Instant),
    # The promise: a fire time yields one execution.
    sa.Index("uq_executions_fire_time", "task_id", "scheduled_for", unique=True, **_only(FIRED)),
    sa.Index("ix_executions_task", "task_id", "id"),
    sa.Index("ix_executions_status", "status", "id"),
    sa.Index("ix_executions_function", "function_name", "id"),
    # What one looks for, and is rare: an execution that is fired and succeeds is in none of these.
    sa.Index("ix_executions_not_scheduled", "trigger", "id", "task_id", **_only(NOT_SCHEDULED)),
    sa.Index("ix_executions_task_no_success", "task_id", "status", "id", **_only(NO_SUCCESS)),
    sa.Index("ix_executions_function_no_success", "function_name", "status", "id", **_only(NO_SUCCESS)),
    sa.Index("ix_executions_queued", "available_at", "id", **_only(QUEUED)),
    sa.Index("ix_executions_lease", "lease_until", **_only(sa.text("lease_until IS NOT NULL"))),  # only running ones
    sa.Index("ix_executions_unfinished", "task_id", **_only(UNFINISHED)),
)

# Tries that were followed by another one. `ordinal` counts every start; `number` only those that used up a try.
attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("execution_id", Id, sa.ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant, nullable=False),
    sa.Column("status", Words, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("error_message", Words),
    sa.Column("worker", Words),
    sa.Column("counted", sa.Boolean, nullable=False),
)

log_chunks = sa.Table(
    "log_chunks",
    metadata,
    sa.Column("execution_id", Id, sa.ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("first_seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("lines", JsonText, nullable=False),
)

# The data stands last: a row is read up to the column that is asked for.
artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("execution_id", Id, sa.ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", Words, primary_key=True),
    sa.Column("media_type", Words, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# Work that an attempt has done and no later attempt of the execution does again.
once_results = sa.Table(
    "once_results",
    metadata,
    sa.Column("execution_id", Id, sa.ForeignKey("executions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", Words, primary_key=True),
    sa.Column("value", JsonText),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

# Figures of past executions (see `store.rollups`): by task, by function and over all. They outlive the executions.
rollups = sa.Table(
    "rollups",
    metadata,
    sa.Column("kind", Words, primary_key=True),
    sa.Column("key", Words, primary_key=True),
    sa.Column("seconds", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("start", Instant, primary_key=True, autoincrement=False),
    sa.Column("success", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("timed_out", sa.Integer, nullable=False),
    sa.Column("cancelled", sa.Integer, nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("skipped", sa.Integer, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("max_seconds", sa.Double),
    sa.Column("durations", sa.Text),
    sa.Column("delays", sa.Text),
    sa.Index("ix_rollups_start", "seconds", "start"),
    sqlite_with_rowid=False,
)

# Executions that had not ended when the hour in which they were queued was rolled up.
rollups_pending = sa.Table(
    "rollups_pending",
    metadata,
    sa.Column("execution_id", Id, primary_key=True, autoincrement=False),
)

nodes = sa.Table(
    "nodes",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("lease_until", Instant, nullable=False),
    sa.Column("stopped_at", Instant),
    sa.Column("version", Words, nullable=False),
    sa.Column("host", Words, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Index("ix_nodes_seen_at", "seen_at"),
)

outages = sa.Table(
    "outages",
    metadata,
    sa.Column("down_from", Instant, primary_key=True, autoincrement=False),
    sa.Column("down_until", Instant, primary_key=True, autoincrement=False),
    sa.Index("ix_outages_down_until", "down_until"),
)

calendars = sa.Table(
    "calendars",
    metadata,
    sa.Column("id", Id, primary_key=True, autoincrement=False),
    sa.Column("name", Words, nullable=False),
    # The name in lower case: two calendars must not differ in case only.
    sa.Column("name_key", Words, nullable=False),
    sa.Column("definition", JsonText, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index("uq_calendars_name_key", "name_key", unique=True),
)

# Which calendars the schedules of a task heed: a calendar in use is not deleted.
task_calendars = sa.Table(
    "task_calendars",
    metadata,
    sa.Column("task_id", Id, sa.ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("calendar_id", Id, sa.ForeignKey("calendars.id"), primary_key=True),
    sa.Index("ix_task_calendars_calendar_id", "calendar_id", "task_id"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("secret_hash", Words, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("last_used_at", Instant),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id_hash", Words, primary_key=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index("ix_sessions_expires_at", "expires_at"),
)

idempotency_answers = sa.Table(
    "idempotency_answers",
    metadata,
    sa.Column("scope", Words, primary_key=True),
    sa.Column("key", Words, primary_key=True),
    sa.Column("request_hash", Words, nullable=False),
    sa.Column("answer", JsonText, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Index("ix_idempotency_answers_created_at", "created_at"),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", Words, primary_key=True),
    sa.Column("value", Words, nullable=False),
)
