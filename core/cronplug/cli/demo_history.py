"""Made-up executions of made-up tasks, in the order of time, as the database keeps them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cronplug.cli.demo_tasks import MINUTE, DemoTask
from cronplug.clock import from_millis
from cronplug.ids import encode_id, first_id_at
from cronplug.model import LogLine, Reason, Status
from cronplug.planning.stretches import DAY

COLUMNS = (
    "id", "trigger", "status", "scheduled_for", "queued_at", "available_at", "task_id", "task_name", "task_revision",
    "type", "function_name", "reason", "attempt", "cut_offs", "cancel_requested", "worker", "started_at",
    "attempt_started_at", "finished_at", "error_message", "result_summary", "log_lines", "log_truncated",
)  # fmt: skip
ATTEMPT_COLUMNS = (
    "execution_id", "ordinal", "number", "started_at", "finished_at", "status", "reason", "error_message", "worker", "counted",
)  # fmt: skip
_WORKERS = ("w1", "w2", "w3", "w4")
_OUTAGE_EVERY, _OUTAGE = 31 * DAY, 40 * MINUTE
_TIMEOUT = 600_000


@dataclass(frozen=True, slots=True)
class Made:
    """One execution: its row (`COLUMNS`), those of its earlier attempts, and what figures and logs need of it."""

    row: tuple[object, ...]
    attempts: Sequence[tuple[object, ...]]
    id: int
    task_id: str
    task: DemoTask
    queued_at: int
    status: Status
    seconds: float | None
    delay: float | None
    log_lines: int
    ended_at: int


class History:
    """Makes the executions of days, one after the other."""

    def __init__(self, tasks: Sequence[DemoTask], task_ids: Sequence[int], *, now: int, chance: random.Random) -> None:
        self._tasks = tasks
        self._task_ids = task_ids
        self._texts = [encode_id(id_) for id_ in task_ids]
        self._now = now
        self._chance = chance
        self._last_id = 0

    def fire_times(self, since: int, until: int) -> list[tuple[int, int]]:
        """(fire time, number of its task) of what fires from `since` to before `until`, in the order of time."""
        fires = [(at, task.number) for task in self._tasks for at in task.fire_times(since, until)]
        fires += [
            (self._chance.randrange(since, until), task.number)
            for task in self._tasks
            if not task.period and self._chance.random() < 0.15
        ]
        fires.sort()
        return fires

    def executions(self, fires: Sequence[tuple[int, int]], *, with_logs: bool = False) -> Iterator[Made]:
        """What became of these fire times."""
        for at, number in fires:
            yield self._make(self._tasks[number], at, with_logs=with_logs)

    def _make(self, task: DemoTask, at: int, *, with_logs: bool) -> Made:
        chance = self._chance.random
        queued = at + 2 + int(chance() * 12)
        id_ = self._last_id = max(self._last_id + 1, first_id_at(from_millis(queued)))
        status, reason = Status.SUCCESS, Reason.COMPLETED
        error: str | None = None
        started: int | None = queued + 3 + int(60 * chance() ** 4) + (int(900 * chance()) if chance() < 0.01 else 0)
        wave = 1.25 if at % (7 * DAY) < 2 * DAY else 1.0
        took = max(1, int(1000 * task.seconds * wave * self._chance.lognormvariate(0, 0.35)))
        attempt = 1
        luck = chance()
        if at % _OUTAGE_EVERY < _OUTAGE and at < self._now - DAY:
            status, reason, error, started = (
                Status.MISSED,
                Reason.SCHEDULER_DOWN,
                "No server was running at this fire time.",
                None,
            )
        elif luck < task.failing or (task.fails_from is not None and at >= task.fails_from):
            status, reason = Status.FAILED, Reason.ERROR if task.definition.function_name else Reason.HTTP_STATUS
            error = task.error.format(n=int(chance() * 9000) + 1000, h=f"{int(chance() * 2**48):012x}")
            attempt += task.definition.max_retries
        elif luck > 0.9993:
            status, reason, error, took = (
                Status.TIMED_OUT,
                Reason.TIMEOUT,
                "The attempt took longer than 600 s.",
                _TIMEOUT,
            )
        elif luck > 0.9985:
            status, reason, error = Status.CANCELLED, Reason.CANCELLED_BY_REQUEST, "Somebody asked to stop it."
        elif luck > 0.9965:
            status, reason, error, started = Status.SKIPPED, Reason.OVERLAP, "An earlier execution had not ended.", None
        worker = None if started is None else _WORKERS[id_ & 3]
        attempts: list[tuple[object, ...]] = []
        latest = started
        if status is Status.FAILED and started is not None:
            pause = 1000 * task.definition.retry_delay_seconds
            latest = started + (attempt - 1) * (took + pause)
            attempts = [
                (id_, number, number, begun, begun + took, status.value, reason.value, error, worker, True)
                for number, begun in enumerate(range(started, latest, took + pause), start=1)
            ]
        finished = queued if latest is None else min(latest + took, self._now)
        seconds = delay = None
        if started is not None:
            seconds, delay = (finished - started) / 1000, (started - at) / 1000
        elif status in (Status.MISSED, Status.SKIPPED):
            attempt = 0
        self._judge(task, status, finished)
        task.fired_count += started is not None
        lines = self._chance.randrange(4, 40) if with_logs and started is not None else 0
        definition = task.definition
        row = (
            id_, "manual" if not task.period else "schedule", status.value, at, queued, queued, self._task_ids[task.number],
            definition.name, 1, definition.type.value, definition.function_name, reason.value, attempt, 0, False,
            worker, started, latest, finished, error,
            "done" if status is Status.SUCCESS else None, lines, False,
        )  # fmt: skip
        return Made(row, attempts, id_, self._texts[task.number], task, queued, status, seconds, delay, lines, finished)

    def _judge(self, task: DemoTask, status: str, finished: int) -> None:
        if status is Status.SUCCESS:
            task.failing_since = None
        elif status in (Status.FAILED, Status.TIMED_OUT) and task.failing_since is None:
            task.failing_since = finished

    def log_lines(self, made: Made) -> list[LogLine]:
        """The output of an execution."""
        step = (made.ended_at - made.queued_at) / made.log_lines
        words = ("reading page", "writing batch", "checked", "waiting for", "skipped", "uploaded part")
        lines = [
            LogLine(
                number,
                _instant(made, number * step),
                "log",
                "info",
                1,
                f"{self._chance.choice(words)} {self._chance.randrange(10_000)}",
            )
            for number in range(1, made.log_lines)
        ]
        level = "info" if made.status is Status.SUCCESS else "error"
        return [
            *lines,
            LogLine(made.log_lines, from_millis(made.ended_at), "log", level, 1, f"ended: {made.status.value}"),
        ]


def _instant(made: Made, after: float) -> datetime:
    return from_millis(made.queued_at + int(after))
