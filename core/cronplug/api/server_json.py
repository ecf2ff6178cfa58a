"""How the server itself looks from outside: figures, health, sign-in, changes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from cronplug.api.fields import Answer, Body, Instant
from cronplug.api.pause_json import Pause
from cronplug.model import Status
from cronplug.operations import Figures
from cronplug.planning.tallies import Tally, merged
from cronplug.settings import SettingInForce, Settings


class StatusCounts(Answer):
    """Executions by status."""

    queued: int
    running: int
    success: int
    failed: int
    timed_out: int = Field(alias="timed_out")
    cancelled: int
    lost: int
    skipped: int
    missed: int


class HalfHour(Answer):
    """The ended executions that were queued in half an hour."""

    start: Instant
    success: int
    failed: int = Field(description="Failed, timed_out and lost ones.")
    other: int = Field(description="Cancelled, skipped and missed ones.")
    start_delay_p95_seconds: float | None

    @classmethod
    def of(cls, start: datetime, tally: Tally) -> Self:
        """The half hour as it is answered."""
        return cls(
            start=start,
            success=tally.count(Status.SUCCESS),
            failed=tally.failures,
            other=tally.count(Status.CANCELLED, Status.SKIPPED, Status.MISSED),
            start_delay_p95_seconds=tally.delay(0.95),
        )


class Stats(Answer):
    """Figures and facts of the server."""

    total_tasks: int
    enabled_tasks: int
    active_jobs: int = Field(description="Enabled tasks with a coming fire time.")
    failing_tasks: int = Field(description="Those whose newest decisive end was no success.")
    active_executions: int
    queued_executions: int
    last24h_executions: int = Field(alias="last24hExecutions")
    last24h_by_status: StatusCounts = Field(alias="last24hByStatus")
    start_delay_p95_seconds: float | None = Field(
        description="Of the last 24 hours: by how much executions started later than they could have; null without any."
    )
    series: list[HalfHour] = Field(description="The last 48 half hours, the oldest first; the last one is not over.")
    next_fire_at: Instant | None
    pause: Pause = Field(description="The pause of every schedule.")
    version: str
    python_version: str
    database: Literal["sqlite", "postgresql"]
    database_bytes: int
    workers: int = Field(description="Most worker processes.")
    max_concurrency: int = Field(description="Most executions running at once.")
    timezone: str = Field(description="The zone of tasks that name none.")
    log_retention_days: int
    failed_retention_days: int
    min_interval_seconds: int
    started_at: Instant
    uptime_seconds: float

    @classmethod
    def of(cls, figures: Figures, *, settings: Settings, facts: Mapping[str, Any]) -> Self:
        """The figures as they are answered."""
        counts = figures.stats.last_24h_by_status
        return cls(
            total_tasks=figures.stats.total_tasks,
            enabled_tasks=figures.stats.enabled_tasks,
            active_jobs=figures.stats.active_jobs,
            failing_tasks=figures.stats.failing_tasks,
            active_executions=figures.stats.active_executions,
            queued_executions=figures.stats.queued_executions,
            last24h_executions=sum(counts.values()),
            last24h_by_status=StatusCounts(**{status.value: counts.get(status, 0) for status in Status}),
            start_delay_p95_seconds=merged(tally for _, tally in figures.recent).delay(0.95),
            series=[HalfHour.of(start, tally) for start, tally in figures.recent],
            next_fire_at=figures.next_fire_at,
            pause=Pause.of(figures.pause),
            version=facts["version"],
            python_version=platform.python_version(),
            database=figures.dialect,
            database_bytes=figures.database_bytes,
            workers=settings.workers,
            max_concurrency=settings.max_concurrency,
            timezone=settings.default_timezone,
            log_retention_days=settings.log_retention_days,
            failed_retention_days=settings.failed_retention_days,
            min_interval_seconds=settings.min_interval_seconds,
            started_at=facts["startedAt"],
            uptime_seconds=(figures.at - facts["startedAt"]).total_seconds(),
        )


class Credentials(Body):
    """The token that a session is made from."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Session(Answer):
    """How the caller is signed in."""

    auth_mode: Literal["token", "none"]
    signed_in_by: Literal["session", "token", "none"]
    expires_at: Instant | None = Field(description="Set for sessions: when this one ends if it stays idle.")


class Me(Answer):
    """The caller, what they may do, and what a client wants to know of the server at its start."""

    name: str | None = Field(description="The name of the caller's token; null in a session, which has none.")
    auth_mode: Literal["token", "none"]
    permissions: list[Literal["read", "write"]]
    timezone: str = Field(description="The zone of tasks that name none.")
    version: str


class Setting(Answer):
    """A setting in force."""

    env: str = Field(description="Its name in the environment.")
    value: str | None = Field(description='As one would write it, "" for nothing; null: it is a secret.')
    default_value: str = Field(description="What it would be if nobody set it, given the others.")
    is_default: bool = Field(description="Whether it is what it would be anyway.")
    is_set: bool = Field(description="Somebody gave it a value, be it that of the default.")
    secret: bool
    description: str

    @classmethod
    def of(cls, setting: SettingInForce) -> Self:
        """The setting as it is answered."""
        return cls(
            env=setting.name,
            value=setting.value,
            default_value=setting.default,
            is_default=setting.is_default,
            is_set=setting.is_set,
            secret=setting.secret,
            description=setting.meaning,
        )


class SettingList(Answer):
    """Every setting, in the order of the documentation."""

    items: list[Setting] = Field(alias="list")


class Alive(Answer):
    """The process is up."""

    status: Literal["ok"] = "ok"


class Health(Answer):
    """Whether the server can do its work."""

    status: Literal["ok", "degraded", "stopping"]
    checks: dict[str, dict[str, Any]]


class Change(Answer):
    """Something changed; `id` names it. The event's name is the kind: task, execution, calendar, plugin or stats."""

    id: str
    change: Literal["created", "updated", "deleted"]
