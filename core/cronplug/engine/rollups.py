"""Rolls past executions up into figures by hours and days (`cronplug.store.rollups`), in the background, in small steps.

Nothing of it is on the way of an execution. An hour is rolled up once it is over: its executions are read in pieces, its
rows are written in batches, each in the place of what may be there, and the last transaction moves the position on.
Whatever dies in between, the hour is done anew. What had not ended by then is added, once, when it has.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cronplug.clock import Clock, from_millis, to_millis
from cronplug.planning.stretches import HOUR as HOUR_MILLIS
from cronplug.planning.stretches import day_of, part_of_hour, start_of_day, zone_or_utc
from cronplug.planning.tallies import Tally
from cronplug.schedules.zones import ZoneTable
from cronplug.store import Conn, Store, rollups
from cronplug.store.rollups import DAY, HALF_HOUR, HOUR, Cell, Past

HOURS_KEPT = timedelta(days=35)
DAYS_KEPT = timedelta(days=400)
SETTLING = timedelta(minutes=2)
"""An hour is over for us so much later: transactions that began in it have ended by then."""

_ONE_HOUR = timedelta(hours=1)
_PIECE = 1_000
_BATCH = 500
_PAUSE_SECONDS = 0.005
"""Between pieces, so that nothing else waits for long."""

_ZONES_REMEMBERED = 20_000


class Roller:
    """Keeps the figures of the past. Several nodes may do it side by side: each step checks that it is still to be done."""

    def __init__(
        self, *, store: Store, clock: Clock, default_timezone: str, pause_seconds: float = _PAUSE_SECONDS
    ) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone_or_utc(default_timezone)
        self._pause_seconds = pause_seconds
        self._zones: OrderedDict[tuple[str, int], ZoneTable] = OrderedDict()

    async def step_once(self) -> bool:
        """Do a bounded part of what there is to do; True: more may be left."""
        rolled = await self.roll_hour_once()
        added = await self.add_ended_once()
        merged = await self.merge_days_once()
        return rolled or added or merged

    async def roll_hour_once(self) -> bool:
        """Roll up the next hour that is over and has executions; False when there is none."""
        now = self._clock.now()
        over = now - SETTLING
        position = await self._store.read(rollups.select_position)
        if position is None:
            first = await self._store.read(lambda conn: rollups.select_first_queued_at(conn, from_millis(0)))
            begin = _hour_of(min(first or over, over))
            await self._store.write(lambda conn: rollups.begin_at(conn, begin))
            return first is not None
        since = position
        if (
            since > now
        ):  # the clock was set back: what is queued now would lie before the position, and never be counted
            back = _hour_of(now) - _ONE_HOUR
            await self._store.write(lambda conn: rollups.set_back(conn, since, to=back))
            return True
        following = await self._store.read(lambda conn: rollups.select_first_queued_at(conn, since))
        hour = max(position, _hour_of(min(following or over, over)))
        if hour + _ONE_HOUR > over:
            if hour > position:  # so that the present hour alone is read live
                await self._store.write(lambda conn: rollups.hold_position(conn, since, new=hour))
            return False
        await self._roll_hour(position, hour)
        return True

    async def _roll_hour(self, position: datetime, hour: datetime) -> None:
        tallies: dict[Cell, Tally] = {}
        pending: list[str] = []
        after_id: str | None = None
        piece: Sequence[Past] = ()
        while after_id is None or len(piece) == _PIECE:

            async def select(conn: Conn, after_id: str | None = after_id) -> list[Past]:
                return await rollups.select_piece(conn, hour, hour + _ONE_HOUR, after_id=after_id, limit=_PIECE)

            piece = await self._store.read(select)
            if not piece:
                break
            pending += await self._count(piece, tallies)
            after_id = piece[-1].id
            await asyncio.sleep(self._pause_seconds)
        rows = sorted(tallies.items(), key=lambda row: (row[0].kind, row[0].key, row[0].start))
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]

            async def put(conn: Conn, batch: Sequence[tuple[Cell, Tally]] = batch) -> bool:
                held = await rollups.hold_position(conn, position)
                if held:
                    await rollups.put_rows(conn, batch)
                return held

            if not await self._store.write(put):
                return  # another node was faster
            await asyncio.sleep(self._pause_seconds)

        async def move_on(conn: Conn) -> None:
            if await rollups.hold_position(conn, position, new=hour + _ONE_HOUR):
                await rollups.insert_pending(conn, pending)

        await self._store.write(move_on)

    async def add_ended_once(self) -> bool:
        """Count executions that had not ended when their hour was rolled up, and have by now."""
        ended = await self._store.read(lambda conn: rollups.select_ended_pending(conn, limit=_BATCH))
        if not ended:
            return False
        tallies: dict[Cell, Tally] = {}
        await self._count(ended, tallies)
        position = await self._store.read(rollups.select_position)
        ids = {past.id for past in ended}

        async def add(conn: Conn) -> bool:
            if position is None or not await rollups.hold_position(conn, position):
                return True
            still = {past.id for past in await rollups.select_ended_pending(conn, limit=_BATCH)}
            if not ids <= still:
                return True  # another node has counted some of them: look again
            await rollups.add_to_rows(conn, tallies)
            await rollups.delete_pending(conn, ids)
            return len(ids) == _BATCH

        return await self._store.write(add)

    async def merge_days_once(self) -> bool:
        """Put old rows together into days, and forget days that are older still."""
        now = self._clock.now()
        for seconds in (HALF_HOUR, HOUR):
            old = await self._select_older(seconds, now - HOURS_KEPT)
            if old:
                return await self._merge(old)
        forgotten = [cell for cell, _ in await self._select_older(DAY, now - DAYS_KEPT)]
        if forgotten:
            await self._store.write(lambda conn: rollups.delete_rows(conn, forgotten))
        return len(forgotten) == _BATCH

    async def _select_older(self, seconds: int, before: datetime) -> list[tuple[Cell, Tally]]:
        return await self._store.read(
            lambda conn: rollups.select_older(conn, seconds=seconds, before=before, limit=_BATCH)
        )

    async def _merge(self, old: Sequence[tuple[Cell, Tally]]) -> bool:
        tasks = {cell.key for cell, _ in old if cell.kind == "task"}
        names = await self._store.read(lambda conn: rollups.select_present_zones(conn, tasks)) if tasks else {}
        position = await self._store.read(rollups.select_position)
        cells = {cell for cell, _ in old}
        seconds = old[0][0].seconds
        last = max(cell.start for cell in cells)

        async def merge(conn: Conn) -> bool:
            if position is None or not await rollups.hold_position(conn, position):
                return True
            present = await rollups.select_older(conn, seconds=seconds, before=from_millis(last + 1), limit=_BATCH)
            days: dict[Cell, Tally] = {}
            taken = [(cell, tally) for cell, tally in present if cell in cells]
            for cell, tally in taken:
                zone = zone_or_utc(names.get(cell.key, "UTC")) if cell.kind == "task" else self._zone
                start = start_of_day(day_of(cell.start, zone), zone)
                days.setdefault(Cell(cell.kind, cell.key, DAY, start), Tally()).merge(tally)
            await rollups.add_to_rows(conn, days)
            await rollups.delete_rows(conn, [cell for cell, _ in taken])
            return True

        return await self._store.write(merge)

    async def _count(self, pasts: Sequence[Past], tallies: dict[Cell, Tally]) -> list[str]:
        """Count what has ended; the ids of the rest."""
        await self._learn_zones(pasts)
        pending = []
        for past in pasts:
            if not past.has_ended:
                pending.append(past.id)
                continue
            for cell in self._cells(past):
                tally = tallies.get(cell)
                if tally is None:
                    tally = tallies[cell] = Tally()
                past.count_in(tally)
        return pending

    def _cells(self, past: Past) -> Iterable[Cell]:
        at = past.at
        yield Cell("all", "", HALF_HOUR, at - at % (HALF_HOUR * 1000))
        if past.function_name is not None:
            yield Cell("function", past.function_name, HOUR, at - at % HOUR_MILLIS)
        if past.task_id is not None:
            zone = self._zones.get((past.task_id, past.task_revision or 0))
            start = at - at % HOUR_MILLIS if zone is None else part_of_hour(at, zone)
            yield Cell("task", past.task_id, HOUR, start)

    async def _learn_zones(self, pasts: Iterable[Past]) -> None:
        """Where days and hours begin for a task is a matter of its zone at the revision that was run."""
        revisions = {(past.task_id, past.task_revision or 0) for past in pasts if past.task_id is not None}
        unknown = [revision for revision in revisions if revision not in self._zones]
        if unknown:
            names = await self._store.read(lambda conn: rollups.select_zones(conn, unknown))
            for revision in unknown:
                self._zones[revision] = zone_or_utc(names.get(revision, "UTC"))
            while len(self._zones) > _ZONES_REMEMBERED + len(unknown):
                self._zones.popitem(last=False)


def _hour_of(at: datetime) -> datetime:
    millis = to_millis(at)
    return from_millis(millis - millis % HOUR_MILLIS)
