"""What holds for a task's executions beside its fire times: jitter, a limit, pauses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cronplug.model import Pause, TaskDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`fired_count` of `max_executions` are used up. `pause` is that of all schedules, in force or over."""

    jitter_seconds: int = 0
    max_executions: int | None = None
    fired_count: int = 0
    paused_until: datetime | None = None
    pause: Pause | None = None

    @property
    def executions_left(self) -> int | None:
        """How many more may start; None without a limit."""
        return None if self.max_executions is None else max(self.max_executions - self.fired_count, 0)

    def is_paused(self, at: datetime) -> bool:
        """Whether a fire time is skipped because of a pause."""
        if self.paused_until is not None and at < self.paused_until:
            return True
        return self.pause is not None and self.pause.covers(at)


def terms_of(definition: TaskDefinition, *, fired_count: int = 0, pause: Pause | None = None) -> Terms:
    """The terms of a task."""
    return Terms(
        jitter_seconds=definition.jitter_seconds,
        max_executions=definition.max_executions,
        fired_count=fired_count,
        paused_until=definition.paused_until,
        pause=pause,
    )


NO_TERMS = Terms()
