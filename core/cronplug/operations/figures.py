"""Figures over everything that is stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from cronplug.clock import from_millis, to_millis
from cronplug.operations.means import Room
from cronplug.operations.views import Figures
from cronplug.planning.stretches import HALF_HOUR
from cronplug.planning.tallies import Tally, unpack
from cronplug.store import Conn, pauses, rollups, stats, tasks

_HALF_HOURS = 48


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
                recent=await _select_half_hours(conn, now),
                next_fire_at=await tasks.select_next_due_at(conn),
                database_bytes=await stats.database_size(conn),
                dialect=self._means.store.dialect,
            )

        return await self._means.store.read(select)

    async def count_tasks_by_function(self) -> dict[str, int]:
        """How many tasks run each function."""
        return await self._means.store.read(stats.count_tasks_by_function)


async def _select_half_hours(conn: Conn, now: datetime) -> list[tuple[datetime, Tally]]:
    present = to_millis(now) // HALF_HOUR * HALF_HOUR
    tallies = {present - HALF_HOUR * ago: Tally() for ago in reversed(range(_HALF_HOURS))}
    since, until = from_millis(min(tallies)), now + timedelta(milliseconds=1)
    for cell, packed in await rollups.select_series(conn, "all", "", since=since, until=until):
        if cell.start in tallies:
            tallies[cell.start].merge(unpack([packed]))
    position = await rollups.select_position(conn)
    live = await rollups.read_live(conn, "all", "", since=max(position or since, since), until=until)
    for start, tally in live.items():
        if (half := start // HALF_HOUR * HALF_HOUR) in tallies:
            tallies[half].merge(tally)
    return [(from_millis(start), tally) for start, tally in tallies.items()]
