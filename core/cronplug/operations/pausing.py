"""The pause of every schedule."""

from __future__ import annotations

from datetime import datetime

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import Pause
from cronplug.operations.means import Room
from cronplug.store import Conn, pauses


class PauseOperations(Room):
    """Pausing and going on. Fire times in a pause are skipped, each with a row that says so; runs asked for go on."""

    async def get_pause(self) -> Pause | None:
        """The pause that is in force now."""
        pause = await self._means.store.read(pauses.select_pause)
        return pause if pause is not None and pause.covers(self._means.clock.now()) else None

    async def pause_all(self, *, reason: str, until: datetime | None) -> Pause:
        """Pause every schedule until an instant, or (None) until somebody resumes; or change the present pause.

        Raises InvalidInput when `until` is not in the future.
        """
        now = self._means.clock.now()
        if until is not None and until <= now:
            raise InvalidInput([FieldError("until", "Must be in the future.", "past")])

        async def pause(conn: Conn) -> Pause:
            before = await pauses.select_pause(conn)
            since = before.since if before is not None and before.covers(now) else now
            made = Pause(since=since, until=until, reason=reason)
            await pauses.set_pause(conn, made)
            return made

        made = await self._means.store.write(pause)
        self._announce()
        return made

    async def resume_all(self) -> None:
        """End the pause now; without one nothing happens. What was skipped stays skipped."""
        now = self._means.clock.now()

        async def resume(conn: Conn) -> bool:
            before = await pauses.select_pause(conn)
            if before is None or not before.covers(now):
                return False
            await pauses.set_pause(conn, Pause(since=before.since, until=now, reason=before.reason))
            return True

        if await self._means.store.write(resume):
            self._announce()

    def _announce(self) -> None:
        self._means.bus.publish("stats", "pause", "updated")
        self._means.bus.publish("task", "*", "updated")
        self._means.doorbells.plan.ring()
