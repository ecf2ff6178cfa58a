"""Small tidying that no one schedules: expired sessions and answers kept for idempotency keys.

Executions are not touched here: the clean-up task is the one place that deletes them.
"""

from __future__ import annotations

from datetime import timedelta

from cronplug.clock import Clock
from cronplug.store import Conn, Store, access

ANSWERS_KEPT = timedelta(hours=24)
SESSIONS_IDLE = timedelta(hours=12)


class Housekeeper:
    """Keeps the small tables small."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def tidy_once(self) -> None:
        """Delete what has expired; cheap when there is nothing to do."""
        now = self._clock.now()

        async def tidy(conn: Conn) -> None:
            await access.delete_old_answers(conn, before=now - ANSWERS_KEPT)
            await access.delete_old_sessions(conn, now=now, idle_since=now - SESSIONS_IDLE)

        await self._store.write(tidy)
