"""Every fire time of a task, past and coming, with its execution or the reason there is none."""

from __future__ import annotations

from datetime import datetime

from cronplug.errors import NotFound
from cronplug.model import Execution, TaskType
from cronplug.operations.bars import select_what_bars
from cronplug.operations.fire_time_accounts import Facts, FireTimeAccount, Revision, account_for
from cronplug.operations.means import Room
from cronplug.store import Conn, fire_times, tasks

_MOST_REVISIONS = 100


class FireTimeOperations(Room):
    """Answering why something did or did not run."""

    def now(self) -> datetime:
        """The present instant, by which what is coming is told from what has passed."""
        return self._means.clock.now()

    async def account_for_fire_times(
        self, task_id: str, *, after: datetime, until: datetime, limit: int
    ) -> tuple[list[FireTimeAccount], bool]:
        """The oldest `limit` fire times in (after, until], and whether there are more. Raises NotFound.

        What is older than the newest 100 revisions of the stretch is told without them.
        """
        means = self._means
        now = means.clock.now()

        async def select(conn: Conn) -> Facts:
            task = await tasks.select_task(conn, task_id)
            if task is None:
                raise NotFound("task", task_id)
            rows = await fire_times.select_executions_of_fire_times(
                conn, task_id, after=after, until=until, limit=limit + 1
            )
            earlier = await fire_times.select_latest_execution_of_fire_time(conn, task_id, until=after)
            newest = await fire_times.select_latest_execution_of_fire_time(conn, task_id, until=now)
            revisions = await fire_times.select_revisions(conn, task_id, until=until, limit=_MOST_REVISIONS)
            what_bars = await select_what_bars(conn, [task.definition], cache=means.calendars)
            return Facts(
                task=task,
                now=now,
                revisions=[
                    Revision(number=number, since=since, definition=definition)
                    for number, since, definition in revisions
                ],
                rows=[*_reaching(earlier, after), *rows],
                kept_days=means.settings.log_retention_days,
                newest_row_at=None if newest is None else newest.missed_until or newest.scheduled_for,
                pause=what_bars.pause,
                calendars=what_bars.calendars,
                function_missing=task.definition.type is TaskType.FUNCTION
                and means.registry.function(task.definition.function_name or "") is None,
            )

        return account_for(await means.store.read(select), after=after, until=until, limit=limit)


def _reaching(row: Execution | None, after: datetime) -> list[Execution]:
    """The row of several missed fire times that begins before a stretch and reaches into it."""
    return [row] if row is not None and row.missed_until is not None and row.missed_until > after else []
