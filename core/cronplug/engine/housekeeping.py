"""Small tidying that no one schedules: expired sessions, answers kept for idempotency keys, figures of the past, and
tasks that seem to fail since an end that a later one overtook.

Executions are not touched here: the clean-up task is the one place that deletes them.
"""

from __future__ import annotations

from datetime import timedelta

from cronplug.clock import Clock
from cronplug.engine.rollups import Roller
from cronplug.store import Conn, Store, access, health

ANSWERS_KEPT = timedelta(hours=24)
SESSIONS_IDLE = timedelta(hours=12)
OVERTAKEN_WITHIN = timedelta(hours=1)


class Housekeeper:
    """Keeps the small tables small, and the figures of the past up to date."""

    def __init__(self, *, store: Store, clock: Clock, roller: Roller) -> None:
        self._store = store
        self._clock = clock
        self._roller = roller

    async def tidy_once(self) -> bool:
        """Delete what has expired and roll up what is over; cheap when there is nothing to do. True: there is more to do."""
        now = self._clock.now()

        async def tidy(conn: Conn) -> None:
            await access.delete_old_answers(conn, before=now - ANSWERS_KEPT)
            await access.delete_old_sessions(conn, now=now, idle_since=now - SESSIONS_IDLE)
            await health.clear_overtaken(conn, since=now - OVERTAKEN_WITHIN)

        await self._store.write(tidy)
        return await self._roller.step_once()
