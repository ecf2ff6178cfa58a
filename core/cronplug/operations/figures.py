"""Figures over everything that is stored."""

from __future__ import annotations

from cronplug.operations.means import Room
from cronplug.operations.views import Figures
from cronplug.store import Conn, pauses, stats, tasks


class FigureOperations(Room):
    """Counting."""

    async def stats(self) -> Figures:
        """The figures of the last 24 hours and of now."""
        now = self._means.clock.now()

        async def select(conn: Conn) -> Figures:
            pause = await pauses.select_pause(conn)
            return Figures(
                at=now,
                stats=await stats.select_stats(conn, now=now),
                pause=pause if pause is not None and pause.covers(now) else None,
                next_fire_at=await tasks.select_next_due_at(conn),
                database_bytes=await stats.database_size(conn),
                dialect=self._means.store.dialect,
            )

        return await self._means.store.read(select)

    async def count_tasks_by_function(self) -> dict[str, int]:
        """How many tasks run each function."""
        return await self._means.store.read(stats.count_tasks_by_function)
