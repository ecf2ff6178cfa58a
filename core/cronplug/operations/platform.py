"""Work on the platform itself, offered to trusted functions as `ctx.platform`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cronplug.clock import Clock
from cronplug.events import EventBus
from cronplug.sdk.context import BackupMade, Optimized
from cronplug.sdk.steering import PermanentError
from cronplug.store import Store, executions, stats, upkeep

_PAUSE_SECONDS = 0.02
"""Between batches, so that a long clean-up never delays a start."""


class PlatformOperations:
    """Implements `cronplug.sdk.Platform` on this node's store."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        bus: EventBus,
        success_days: int,
        failed_days: int,
        backup_dir: Path,
    ) -> None:
        """`success_days` and `failed_days` are the retention settings, used where a caller gives none.

        Backups go to `backup_dir` or below, nowhere else.
        """
        self._store = store
        self._clock = clock
        self._bus = bus
        self._success_days = success_days
        self._failed_days = failed_days
        self._backup_dir = backup_dir
        self._backing_up = asyncio.Lock()

    async def delete_ended_executions(
        self,
        *,
        success_older_than_days: int | None = None,
        failed_older_than_days: int | None = None,
        batch_size: int = 500,
    ) -> int:
        """Delete ended executions with their logs and attempts; each task's newest stays. Returns how many went.

        Failures, time-outs and lost ones go by `failed_older_than_days`, all others by `success_older_than_days`;
        None is the retention setting. Each batch is a transaction of its own, so stopping midway is harmless.
        """
        now = self._clock.now()
        success_days = self._success_days if success_older_than_days is None else success_older_than_days
        failed_days = self._failed_days if failed_older_than_days is None else failed_older_than_days
        deleted = 0
        while True:
            gone = await self._store.write(
                lambda conn: executions.delete_ended(
                    conn,
                    success_before=now - timedelta(days=success_days),
                    failed_before=now - timedelta(days=failed_days),
                    limit=batch_size,
                )
            )
            deleted += gone
            if gone < batch_size:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        if deleted:
            self._bus.publish("stats", "*", "updated")
        return deleted

    async def optimize(self, *, reclaim: bool = False) -> Optimized:
        """Refresh the planner's statistics; on SQLite also give free space back, bit by bit where the file allows it.

        A SQLite file that does not is rewritten when `reclaim` asks for it, and allows it from then on. Writes wait
        meanwhile: 10 s were measured for 470 MB. PostgreSQL frees space by its own autovacuum.
        """
        before = await self._store.read(stats.database_size)
        await self._store.write(upkeep.refresh_statistics)
        free = 0
        if self._store.dialect == "sqlite":
            free = await self._give_back_space(reclaim=reclaim)
        after = await self._store.read(stats.database_size)
        return Optimized(database=self._store.dialect, bytes_before=before, bytes_after=after, free_bytes=free)

    async def _give_back_space(self, *, reclaim: bool) -> int:
        space = await self._store.read(upkeep.select_space)
        if not space.can_shrink and reclaim:
            await self._store.run_alone(upkeep.REWRITE)
            space = await self._store.read(upkeep.select_space)
        while space.can_shrink and space.free_bytes:
            left = await self._store.write(upkeep.give_back_space)
            if left.free_bytes >= space.free_bytes:
                break  # others free as much as is given back: enough for now
            space = left
            await asyncio.sleep(_PAUSE_SECONDS)
        return space.free_bytes

    async def backup(
        self, *, folder: str = "", keep: int = 7, report: Callable[[float], object] | None = None
    ) -> BackupMade:
        """Copy the SQLite file to `folder` below the backup folder, check the copy, and keep the newest `keep`.

        One at a time; others wait. Raises PermanentError for PostgreSQL or a folder elsewhere, StoreError when the copy
        cannot be made; then the older copies stay.
        """
        source = self._store.file
        if source is None:
            raise PermanentError(
                "This server's database is PostgreSQL, which cronplug does not back up: use pg_dump, or whatever the"
                " rest of your databases use."
            )
        target = self._backup_folder(folder)
        async with self._backing_up:
            copy, removed = await self._copy(source, target, keep=keep, report=report)
        return BackupMade(path=str(copy), bytes=copy.stat().st_size, removed=tuple(path.name for path in removed))

    def _backup_folder(self, folder: str) -> Path:
        root = self._backup_dir.resolve()
        target = (root / folder).resolve()  # follows symbolic links, so that none leads out
        if target != root and root not in target.parents:
            raise PermanentError(
                f"Backups go below {root} only, and {folder!r} is not: name a folder in it, or change"
                " SCHEDULER_BACKUP_DIR."
            )
        return target

    async def _copy(
        self, source: Path, folder: Path, *, keep: int, report: Callable[[float], object] | None
    ) -> tuple[Path, list[Path]]:
        """The copying in a thread; being cancelled waits for its end, which comes soon."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        at = self._clock.now()

        def tell(fraction: float) -> None:
            if report is not None:
                loop.call_soon_threadsafe(report, fraction)

        def work() -> tuple[Path, list[Path]]:
            copy = upkeep.copy_sqlite(source, folder, at=at, report=tell, stopped=stop.is_set)
            return copy, upkeep.remove_old_copies(copy, source=source, keep=keep)

        copying = loop.run_in_executor(None, work)
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([copying])
            copying.exception()  # looked at: its end is this one's doing
            raise
