"""Writes made-up tasks, executions, logs and figures into a database that no server uses."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

from cronplug.cli.demo_history import ATTEMPT_COLUMNS, COLUMNS, History, Made
from cronplug.cli.demo_tasks import DemoTask, make_tasks
from cronplug.clock import SystemClock, from_millis, to_millis
from cronplug.engine.rollups import HOURS_KEPT, SETTLING
from cronplug.errors import Conflict
from cronplug.ids import encode_id, first_id_at, time_of_id
from cronplug.model import Task
from cronplug.planning.next_run import plan_first_run_at
from cronplug.planning.stretches import DAY, HOUR, day_of, part_of_hour, start_of_day, zone_or_utc
from cronplug.planning.tallies import Tally
from cronplug.schedules import tzdata_version
from cronplug.schedules.zones import ZoneTable
from cronplug.settings import Settings
from cronplug.store import Conn, Store, logs, rollups, tasks, upkeep
from cronplug.store.filling import insert_raw
from cronplug.store.rollups import Cell
from cronplug.store.tasks import TaskFilter

_BATCH = 2_000
_TASKS_AT_ONCE = 200
_MOST_WITH_LOGS = 2_000


async def fill(
    settings: Settings, *, tasks: int, executions: int, days: int, chance: random.Random, quiet: bool, force: bool
) -> int:
    """Make so many tasks and about so many executions; how many executions. Raises Conflict when there are tasks."""
    store = await Store.open(settings.database_url, sqlite_synchronous="normal", readers=1)
    try:
        filler = _Filler(store, settings, now=to_millis(SystemClock().now()), chance=chance)
        await filler.check(force=force)
        return await filler.fill(tasks, executions, days, quiet=quiet)
    finally:
        await store.close()


_Place = tuple[rollups.Kind, str, int, int]
"""The fields of a `Cell`: a tuple is found sooner."""


class _Filler:
    def __init__(self, store: Store, settings: Settings, *, now: int, chance: random.Random) -> None:
        self._store = store
        self._now = now
        self._chance = chance
        self._zone = zone_or_utc(settings.default_timezone)
        self._hours_from = to_millis(from_millis(now) - HOURS_KEPT)
        self._position = 0
        self._tallies: dict[_Place, Tally] = {}
        self._is_new = True
        self._days: dict[tuple[int, str], int] = {}

    async def check(self, *, force: bool) -> None:
        """Raise Conflict when the database is in use, unless that is wanted."""
        count = await self._store.read(lambda conn: tasks.count_tasks(conn, TaskFilter()))
        self._is_new = not count
        if count and not force:
            raise Conflict("The database holds tasks already: name a new one, or say --force to add to them.")

    async def fill(self, count: int, executions: int, days: int, *, quiet: bool) -> int:
        """Make everything; how many executions."""
        over = from_millis(to_millis(from_millis(self._now) - SETTLING) // HOUR * HOUR)
        await self._store.write(lambda conn: rollups.begin_at(conn, over))
        position = await self._store.read(rollups.select_position)
        self._position = to_millis(over if position is None else position)
        made = make_tasks(count, executions, days, now=self._now, quiet=quiet, chance=self._chance)
        begin = self._now - days * DAY
        there_are = sum(len(task.fire_times(begin, self._now)) for task in made)
        if there_are > executions:
            begin = self._now - int(days * DAY * executions / there_are)
        first = first_id_at(from_millis(begin - DAY))
        ids = [first + (number << 22) for number in range(count)]  # a millisecond apart
        history = History(made, ids, now=self._now, chance=self._chance)
        total = await self._write_history(history, begin)
        await self._insert_tasks(made, [encode_id(id_) for id_ in ids])
        await self._store.write(upkeep.refresh_statistics)
        return total

    async def _write_history(self, history: History, begin: int) -> int:
        total = 0
        waiting: list[Made] = []
        while begin < self._now:
            end = min((begin // DAY + 1) * DAY, self._now)
            fires = history.fire_times(begin, end)
            is_last = end == self._now
            silent = max(len(fires) - _MOST_WITH_LOGS, 0) if is_last else len(fires)
            made = [*history.executions(fires[:silent]), *history.executions(fires[silent:], with_logs=True)]
            for it in made:
                self._count(it)
            waiting += made
            while len(waiting) >= _BATCH or (is_last and waiting):
                await self._write(history, waiting[:_BATCH])
                del waiting[:_BATCH]
            await self._write_figures(before=self._now if is_last else end - 2 * DAY)
            total += len(made)
            begin = end
        return total

    async def _write(self, history: History, made: Sequence[Made]) -> None:
        rows = [it.row for it in made]
        attempts = [attempt for it in made for attempt in it.attempts]
        lines = {encode_id(it.id): history.log_lines(it) for it in made if it.log_lines}

        async def write(conn: Conn) -> None:
            await insert_raw(conn, "executions", COLUMNS, rows)
            await insert_raw(conn, "attempts", ATTEMPT_COLUMNS, attempts)
            await logs.append_all(conn, lines)

        await self._store.write(write)

    def _count(self, made: Made) -> None:
        """Count it in the figures, as the server does with what is over."""
        if made.queued_at >= self._position:
            return
        at, name = made.queued_at, made.task.definition.function_name
        zone = made.task.zone
        cells: list[tuple[rollups.Kind, str, int, int, ZoneTable]] = [
            ("all", "", at - at % (rollups.HALF_HOUR * 1000), rollups.HALF_HOUR, self._zone)
        ]
        if name is not None:
            cells.append(("function", name, at - at % HOUR, rollups.HOUR, self._zone))
        cells.append(("task", made.task_id, part_of_hour(at, zone), rollups.HOUR, zone))
        for kind, key, start, seconds, of_zone in cells:
            if start < self._hours_from:
                start, seconds = self._day(start, of_zone), rollups.DAY
            place = (kind, key, seconds, start)
            tally = self._tallies.get(place)
            if tally is None:
                tally = self._tallies[place] = Tally()
            tally.add(made.status, seconds=made.seconds, delay=made.delay)

    def _day(self, at: int, zone: ZoneTable) -> int:
        known = (at, zone.name)
        start = self._days.get(known)
        if start is None:
            start = self._days[known] = start_of_day(day_of(at, zone), zone)
        return start

    async def _write_figures(self, *, before: int) -> None:
        """Write the rows that no more is added to."""
        done = sorted(place for place in self._tallies if place[3] < before)
        for start in range(0, len(done), _BATCH):
            part = {Cell(*place): self._tallies.pop(place) for place in done[start : start + _BATCH]}
            if self._is_new:
                await self._store.write(partial(rollups.put_rows, tallies=part.items()))
            else:
                await self._store.write(partial(rollups.add_to_rows, tallies=part))

    async def _insert_tasks(self, made: Sequence[DemoTask], ids: Sequence[str]) -> None:
        for start in range(0, len(made), _TASKS_AT_ONCE):
            part = [self._task(task, ids[task.number]) for task in made[start : start + _TASKS_AT_ONCE]]

            async def insert(conn: Conn, part: Sequence[Task] = part) -> None:
                for task in part:
                    await tasks.insert_task(conn, task)

            await self._store.write(insert)

    def _task(self, made: DemoTask, id_: str) -> Task:
        now, made_at = from_millis(self._now), time_of_id(id_)
        return Task(
            id=id_,
            definition=made.definition,
            revision=1,
            created_at=made_at,
            updated_at=made_at,
            next_run_at=plan_first_run_at(made.definition, task_id=id_, now=now),
            fired_count=made.fired_count,
            disabled_at=None if made.definition.enabled else now,
            tzdata_version=tzdata_version(),
            failing_since=None if made.failing_since is None else from_millis(made.failing_since),
        )
