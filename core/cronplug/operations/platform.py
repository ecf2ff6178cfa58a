"""Work on the platform itself, offered to trusted functions as `ctx.platform`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cronplug.clock import Clock
from cronplug.events import EventBus
from cronplug.store import Store, executions

_PAUSE_SECONDS = 0.02
"""Between batches, so that a long clean-up never delays a start."""


class PlatformOperations:
    """Implements `cronplug.sdk.Platform` on this node's store."""

    def __init__(self, *, store: Store, clock: Clock, bus: EventBus, success_days: int, failed_days: int) -> None:
        """`success_days` and `failed_days` are the retention settings, used where a caller gives none."""
        self._store = store
        self._clock = clock
        self._bus = bus
        self._success_days = success_days
        self._failed_days = failed_days

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
