"""The ends of attempts, written in groups: while one transaction is under way, all that end meanwhile share the next.

There is no writer: whoever has an end to record while nobody writes does so for all that wait, and then hands the turn
to one of those that came meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cronplug.errors import StoreError
from cronplug.model import LogLine
from cronplug.store import Conn, Store, executions, health, logs
from cronplug.store.border import Refused

log = logging.getLogger(__name__)

_MAX_GROUP = 500
_RETRY_SECONDS = 0.5
_GATHER_SECONDS = 0.004
"""At the least between the beginnings of two groups: where runs end one by one, some share a commit even so."""

_REFUSALS = (Refused, ValueError, TypeError, RecursionError)
"""What an end raises that will never be written: the database refuses its values, or they are not what it keeps."""


@dataclass(slots=True, eq=False)
class _End:
    """One end that waits to be written. `won` is None until then; `turn` wakes its attempt, to read `won` or to write."""

    finish: executions.Finish
    lines: Sequence[LogLine]
    turn: asyncio.Future[None]
    won: bool | None = None


class Recorder:
    """Writes the end of an attempt and its last lines in one transaction, together with those of its neighbours.

    `on_write` is called whenever a group is about to be handed to the store; `being_written` is how many it has.
    """

    def __init__(self, store: Store, *, on_write: Callable[[], object] = lambda: None) -> None:
        self._store = store
        self._on_write = on_write
        self._waiting: list[_End] = []
        self._writing = False
        self._began_at = float("-inf")
        self.being_written = 0

    async def record(self, finish: executions.Finish, lines: Sequence[LogLine]) -> bool:
        """Keep an end durably; False when the lease was lost and nothing was changed.

        While the database is away this waits and tries again: what code did is not thrown away. An end that the
        database refuses for what it says is kept without its result, output and texts.
        """
        end = _End(finish, lines, asyncio.get_running_loop().create_future())
        self._waiting.append(end)
        if self._writing:
            try:
                await end.turn
            except asyncio.CancelledError:
                if not end.turn.cancelled() and end.won is None:
                    self._pass_turn()  # it was given to us in the same moment
                raise
            if end.won is not None:
                return end.won
        self._writing = True
        try:
            while end.won is None:
                await self._write_waiting()
        finally:
            end.turn.cancel()  # if we leave without having written it, whoever writes next does
            self._pass_turn()
        return end.won

    def _pass_turn(self) -> None:
        """Let the first attempt that waits write for all that do."""
        following = next((end for end in self._waiting if not end.turn.done()), None)
        self._writing = following is not None
        if following is not None:
            following.turn.set_result(None)

    async def _write_waiting(self) -> None:
        clock = asyncio.get_running_loop().time
        if (early := self._began_at + _GATHER_SECONDS - clock()) > 0:
            await asyncio.sleep(early)
        self._began_at = clock()
        group, self._waiting = self._waiting[:_MAX_GROUP], self._waiting[_MAX_GROUP:]
        try:
            self.being_written = len(group)
            self._on_write()
            await self._write(group)
        except StoreError as error:
            log.error("the ends of %d attempt(s) cannot be written, trying again: %s", len(group), error)
            self.being_written = 0
            await asyncio.sleep(_RETRY_SECONDS)
        finally:
            self.being_written = 0
            self._waiting[:0] = [end for end in group if end.won is None]

    async def _write(self, group: Sequence[_End]) -> None:
        """Write a group. Raises StoreError when the database does not answer; what it refuses does not stop the others."""
        try:
            won = await self._store.write(lambda conn: _write_ends(conn, group))
        except _REFUSALS as error:
            if len(group) > 1:
                middle = len(group) // 2
                await self._write(group[:middle])
                await self._write(group[middle:])
            else:
                await self._write_bare(group[0], error)
            return
        for end in group:
            self._tell(end, won=end.finish.execution_id in won)

    def _tell(self, end: _End, *, won: bool) -> None:
        end.won = won
        self.being_written -= 1
        if not end.turn.done():
            end.turn.set_result(None)

    async def _write_bare(self, end: _End, error: Exception) -> None:
        """Write an end without what the database may not like; one that it refuses even so is given up: its lease ends."""
        finish = end.finish
        log.error("the end of execution %s is refused, it is kept without its texts: %s", finish.execution_id, error)
        bare = replace(
            finish,
            error_message="How it ended could not be stored with its result and last output: the database refused them.",
            result=None,
            result_summary=None,
            progress_note=None,
            log_lines=finish.log_lines - len(end.lines),
            log_truncated=finish.log_truncated or bool(end.lines),
        )
        try:
            won = await self._store.write(lambda conn: _write_ends(conn, [_End(bare, (), end.turn)]))
            self._tell(end, won=finish.execution_id in won)
        except _REFUSALS as again:
            log.critical("the end of execution %s is given up: %s", finish.execution_id, again)
            self._tell(end, won=False)


async def _write_ends(conn: Conn, group: Sequence[_End]) -> set[str]:
    finishes = [end.finish for end in group]
    await health.hold_tasks(conn, finishes)
    won = await executions.finish_executions(conn, finishes)
    await health.keep_failing_since(conn, finishes, won)
    lines = {end.finish.execution_id: end.lines for end in group if end.lines and end.finish.execution_id in won}
    if lines:
        await logs.append_all(conn, lines)
    return won
