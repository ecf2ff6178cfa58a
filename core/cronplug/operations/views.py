"""What operations answer: stored things with what a reader wants to know beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from cronplug.model import Attempt, Execution, Json, LogLine, Pause, Task, TaskDefinition
from cronplug.planning.tallies import Tally
from cronplug.store.executions import ShortResult
from cronplug.store.stats import Stats

T = TypeVar("T")

TaskState = Literal["active", "done", "disabled", "manual", "function_missing", "payload_invalid", "schedule_error"]
"""Computed, never stored. `manual`: enabled, but without a schedule. `done`: enabled, but its schedules have ended."""

TOTAL_CAP = 10_000
"""Lists of executions are counted exactly up to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task, its state, and its newest executions (newest first), more of them in short.

    `next_run_at` is the next fire time that will run: neither excluded by a calendar nor paused. In a list `recent` has
    the newest execution alone.
    """

    task: Task
    state: TaskState
    next_run_at: datetime | None
    recent: Sequence[Execution]
    results: Sequence[ShortResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list; `page` counts from 1, `total` is the whole list's length."""

    items: Sequence[T]
    total: int
    page: int
    page_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPage:
    """One page of executions, newest first. `next_cursor` None: this is the last page."""

    items: Sequence[Execution]
    total: int
    total_capped: bool
    page: int
    page_size: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionView:
    """An execution with its earlier attempts and the definition it runs (None when invoked without a task)."""

    execution: Execution
    attempts: Sequence[Attempt]
    definition: TaskDefinition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Lines of an execution's output. `next_offset` None: there is nothing after these lines now."""

    lines: Sequence[LogLine]
    total: int
    next_offset: int | None
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """A caller's promise that two requests with one `key` are one request.

    `scope` keeps keys of different routes apart; `request_hash` is the fingerprint of the body; `render` makes the
    answer that is kept with the effect, in the same transaction, and given again to a repeat.
    """

    key: str
    scope: str
    request_hash: str
    render: Callable[[Any], Json]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The kept answer of an earlier request with the same idempotency key."""

    answer: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is stored at an instant, in numbers. `next_fire_at` None: no task has a coming fire time.

    `pause` is the one of all schedules that is in force. `recent` has the ended executions of the last 48 half hours, the
    oldest first, by when they were queued.
    """

    at: datetime
    stats: Stats
    pause: Pause | None
    next_fire_at: datetime | None
    recent: Sequence[tuple[datetime, Tally]]
    database_bytes: int
    dialect: Literal["sqlite", "postgresql"]
