"""The ends of attempts, written in groups: while one transaction is under way, all that end meanwhile share the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cronplug.errors import StoreError
from cronplug.model import LogLine
from cronplug.store import Conn, Store, executions, health, logs

log = logging.getLogger(__name__)

_MAX_GROUP = 500
_RETRY_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _End:
    """One end that waits to be written. `won` is None until then."""

    finish: executions.Finish
    lines: Sequence[LogLine]
    won: bool | None = None


class Recorder:
    """Writes the end of an attempt and its last lines in one transaction, together with those of its neighbours."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_End] = []
        self._turn = asyncio.Lock()

    async def record(self, finish: executions.Finish, lines: Sequence[LogLine]) -> bool:
        """Keep an end durably; False when the lease was lost and nothing was changed.

        While the database is away this waits and tries again: what code did is not thrown away.
        """
        end = _End(finish, lines)
        self._waiting.append(end)
        while end.won is None:
            # Held over the write on purpose: whoever comes next writes for all that gathered behind it.
            async with self._turn:
                if end.won is None:
                    await self._write_group()
        return end.won

    async def _write_group(self) -> None:
        group, self._waiting = self._waiting[:_MAX_GROUP], self._waiting[_MAX_GROUP:]

        async def write(conn: Conn) -> set[str]:
            finishes = [end.finish for end in group]
            won = await executions.finish_executions(conn, finishes)
            await health.keep_failing_since(conn, finishes, won)
            await logs.append_all(
                conn, {end.finish.execution_id: end.lines for end in group if end.finish.execution_id in won}
            )
            return won

        try:
            won = await self._store.write(write)
        except StoreError as error:
            self._waiting[:0] = group
            log.error("the ends of %d attempt(s) cannot be written, trying again: %s", len(group), error)
            await asyncio.sleep(_RETRY_SECONDS)
            return
        except BaseException:
            self._waiting[:0] = group
            raise
        for end in group:
            end.won = end.finish.execution_id in won
