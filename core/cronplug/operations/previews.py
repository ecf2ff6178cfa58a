"""What schedules will do: before they are saved, and of stored tasks."""

from __future__ import annotations

from datetime import datetime, timedelta

from cronplug.operations.definitions import schedule_of
from cronplug.operations.means import Room
from cronplug.schedules import CronSchedule, Preview, check_schedule, parse_schedule, preview


class PreviewOperations(Room):
    """Looking ahead."""

    async def forecast(self, task_id: str, *, count: int) -> Preview | None:
        """The coming fire times of a stored task; None when it is disabled or has no schedule. Raises NotFound."""
        task = await self._means.task(task_id)
        if not task.definition.enabled or task.next_run_at is None:
            return None
        schedule = schedule_of(task.definition, task_id=task.id)
        if schedule is None:
            return None
        just_before = min(task.next_run_at, self._means.clock.now() + timedelta(milliseconds=1)) - timedelta(
            milliseconds=1
        )
        part = schedule.parts[0]
        return preview(part, after=just_before, count=count) if isinstance(part, CronSchedule) else None

    def preview(self, cron_expression: str, timezone: str | None, *, count: int, after: datetime | None) -> Preview:
        """What a schedule would do after `after` (default now). Raises InvalidInput."""
        schedule = parse_schedule(
            cron_expression=cron_expression, timezone=timezone or self._means.settings.default_timezone
        )
        check_schedule(schedule, min_interval_seconds=self._means.settings.min_interval_seconds)
        return preview(schedule, after=after or self._means.clock.now(), count=count)
