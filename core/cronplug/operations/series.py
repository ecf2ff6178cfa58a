"""Figures of the past by hours and days: of a task, of a function, of everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from cronplug.clock import from_millis, to_millis
from cronplug.errors import FieldError, InvalidInput
from cronplug.operations.means import Room
from cronplug.planning.stretches import DAY, HOUR, day_of, hour_on_wall, start_of_day, zone_or_utc
from cronplug.planning.tallies import PackedTally, Tally, unpack
from cronplug.schedules.zones import ZoneTable
from cronplug.store import Conn, rollups
from cronplug.store.rollups import Cell, Kind

BucketName = Literal["hour", "day"]
MOST_BUCKETS = 800
_DEFAULT_STRETCH: Mapping[BucketName, timedelta] = {"hour": timedelta(days=7), "day": timedelta(days=364)}
_HALF_A_DAY = DAY // 2
LAST_DAYS = 7


@dataclass(frozen=True, slots=True)
class Bucket:
    """The ended executions that were queued in one hour or one day; `day` is its date, None of hours."""

    start: datetime
    day: date | None
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Buckets, the oldest first, from `since` to before `until`; empty ones are left out."""

    bucket: BucketName
    timezone: str
    since: datetime
    until: datetime
    buckets: Sequence[Bucket]


class SeriesOperations(Room):
    """Looking back."""

    async def task_series(
        self, task_id: str, *, bucket: BucketName, since: datetime | None = None, until: datetime | None = None
    ) -> Series:
        """Figures of a task by the hours or days of its zone, `since` rounded down to one. Raises NotFound, InvalidInput."""
        task = await self._means.task(task_id)
        return await self._series("task", task_id, task.definition.shown_timezone, bucket, since, until)

    async def series(
        self,
        *,
        function_name: str | None = None,
        bucket: BucketName,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Series:
        """Figures of a function, registered or not, or of everything, by the default zone. Raises InvalidInput."""
        kind: Kind = "all" if function_name is None else "function"
        timezone = self._means.settings.default_timezone
        return await self._series(kind, function_name or "", timezone, bucket, since, until)

    async def figures_of_functions(self) -> dict[str, Tally]:
        """What became of the executions of each function that were queued in the last seven days."""
        now = self._means.clock.now()
        since = from_millis(to_millis(now - timedelta(days=LAST_DAYS)) // HOUR * HOUR)

        async def read(conn: Conn) -> dict[str, Tally]:
            position = await rollups.select_position(conn)
            tallies = await rollups.select_of_functions(conn, since=since)
            live = await rollups.read_live_of_functions(conn, since=max(position or since, since), until=_after(now))
            for name, tally in live.items():
                tallies.setdefault(name, Tally()).merge(tally)
            return tallies

        return await self._means.store.read(read)

    async def _series(
        self, kind: Kind, key: str, timezone: str, bucket: BucketName, since: datetime | None, until: datetime | None
    ) -> Series:
        now = self._means.clock.now()
        zone = zone_or_utc(timezone)
        until = _after(now) if until is None else until
        wanted = max(until - _DEFAULT_STRETCH[bucket], from_millis(0)) if since is None else since
        if wanted > until:
            raise InvalidInput([FieldError("to", "must not be before from", "order")])
        since = _begin_of(wanted, bucket, zone)
        if (until - since) / timedelta(milliseconds=HOUR if bucket == "hour" else DAY) > MOST_BUCKETS:
            message = f"is too long ago: a series has at most {MOST_BUCKETS} buckets"
            raise InvalidInput([FieldError("from", message, "too_many")])
        rolled, live = await self._means.store.read(lambda conn: _select(conn, kind, key, since, until))
        starts = _Starts(bucket, zone)
        packed: dict[int, list[PackedTally]] = {}
        for cell, it in rolled:
            if (start := starts.of(cell)) is not None:
                packed.setdefault(start, []).append(it)
        tallies = {start: unpack(found) for start, found in packed.items()}
        for at, tally in live.items():
            if (start := starts.of(Cell(kind, key, rollups.HALF_HOUR, at))) is not None:
                tallies.setdefault(start, Tally()).merge(tally)
        return Series(
            bucket=bucket,
            timezone=timezone,
            since=since,
            until=until,
            buckets=[
                Bucket(from_millis(start), day_of(start, zone) if bucket == "day" else None, tallies[start])
                for start in sorted(tallies)
                if start >= to_millis(since)
            ],
        )


async def _select(
    conn: Conn, kind: Kind, key: str, since: datetime, until: datetime
) -> tuple[list[tuple[Cell, PackedTally]], dict[int, Tally]]:
    position = await rollups.select_position(conn)
    rolled = await rollups.select_series(conn, kind, key, since=since, until=until)
    live_from = max(position or since, since)
    if live_from >= until:
        return rolled, {}
    return rolled, await rollups.read_live(conn, kind, key, since=live_from, until=until)


def _begin_of(at: datetime, bucket: BucketName, zone: ZoneTable) -> datetime:
    millis = to_millis(at)
    start = hour_on_wall(millis, zone) if bucket == "hour" else start_of_day(day_of(millis, zone), zone)
    return from_millis(max(start, 0))


class _Starts:
    """Tells the beginnings of the buckets that rows belong to."""

    def __init__(self, bucket: BucketName, zone: ZoneTable) -> None:
        self._bucket = bucket
        self._zone = zone
        self._of_days: dict[date, int] = {}

    def of(self, cell: Cell) -> int | None:
        """The beginning of the bucket that a row belongs to; None: it is a day, which tells no hours.

        A day of the zone that the task had before is the one that it has most in common with.
        """
        is_day = cell.seconds == rollups.DAY
        if self._bucket == "hour":
            return None if is_day else hour_on_wall(cell.start, self._zone)
        at = cell.start + (_HALF_A_DAY if is_day else 0)
        day = day_of(at, self._zone)
        if day not in self._of_days:
            self._of_days[day] = start_of_day(day, self._zone)
        return self._of_days[day]


def _after(now: datetime) -> datetime:
    return now + timedelta(milliseconds=1)
