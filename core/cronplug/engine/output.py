"""The output of running executions: buffered in memory for moments, capped, and written in groups.

An executor hands over lines without ever waiting; `OutputBook.flush_once` writes what has gathered for all running
executions in one transaction; what is left when an attempt ends is written together with its end, so that the log of
an ended execution is whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from cronplug.clock import Clock
from cronplug.events import EventBus
from cronplug.model import Execution, LogLine, Stream
from cronplug.store import Conn, Store, executions, logs
from cronplug.store.columns import storable

MAX_LINES = 50_000
"""Lines kept of one execution, over all its attempts."""

MAX_BYTES = 16 * 1024 * 1024
"""Characters kept of one execution, over all its attempts."""


class ExecutionOutput:
    """Collects what one attempt prints. Implements `cronplug.executors.Output`."""

    def __init__(
        self,
        *,
        execution_id: str,
        attempt: int,
        lease_owner: str,
        lines_before: int,
        truncated: bool,
        clock: Clock,
    ) -> None:
        self.execution_id = execution_id
        self.attempt = attempt
        self.lease_owner = lease_owner
        self.lines = lines_before
        self.truncated = truncated
        self.fraction: float | None = None
        self.note: str | None = None
        self._clock = clock
        self._characters = 0
        self._pending: list[LogLine] = []
        self._told_lines = lines_before
        self._progress_changed = False

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        """Keep one line; past the limits one last line says that the rest was cut."""
        if self.truncated:
            return
        self._characters += len(text)
        if self.lines + 1 >= MAX_LINES or self._characters > MAX_BYTES:
            self.truncated = True
            stream, level = "log", "warning"
            text = f"cut here: the output is longer than {MAX_LINES:,} lines or {MAX_BYTES // 1024**2} MiB; the rest is not kept"
        self.lines += 1
        self._pending.append(
            LogLine(
                self.lines,
                at or self._clock.now(),
                stream,
                level,
                self.attempt,
                storable(text),
            )
        )

    def progress(self, fraction: float, note: str) -> None:
        """Keep the newest progress, 0 to 1."""
        self.fraction, self.note = min(max(fraction, 0.0), 1.0), note
        self._progress_changed = True

    def take_lines(self) -> list[LogLine]:
        """Hand over the lines that wait to be written."""
        lines, self._pending = self._pending, []
        return lines

    def give_back(self, lines: Sequence[LogLine]) -> None:
        """Put back what could not be written."""
        self._pending[:0] = lines
        self._progress_changed = True

    def take_update(self) -> executions.RunningUpdate | None:
        """What a reader of the running execution should know; None when nothing changed since the last time."""
        if not self._progress_changed and self.lines == self._told_lines:
            return None
        self._progress_changed, self._told_lines = False, self.lines
        return executions.RunningUpdate(
            execution_id=self.execution_id,
            attempt=self.attempt,
            lease_owner=self.lease_owner,
            log_lines=self.lines,
            log_truncated=self.truncated,
            progress=self.fraction,
            progress_note=self.note,
        )


class OutputBook:
    """The outputs of all attempts that run on this node."""

    def __init__(self, *, store: Store, clock: Clock, bus: EventBus) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._open: dict[str, ExecutionOutput] = {}
        self._quiet = asyncio.Event()
        self._quiet.set()

    def open(self, execution: Execution) -> ExecutionOutput:
        """Begin collecting the output of a claimed execution's attempt."""
        output = ExecutionOutput(
            execution_id=execution.id,
            attempt=execution.attempt,
            lease_owner=execution.lease_owner or "",
            lines_before=execution.log_lines,
            truncated=execution.log_truncated,
            clock=self._clock,
        )
        self._open[execution.id] = output
        return output

    async def close(self, output: ExecutionOutput) -> list[LogLine]:
        """Stop flushing an attempt's output; the lines that are not written yet are the caller's to write."""
        await self._quiet.wait()
        self._open.pop(output.execution_id, None)
        return output.take_lines()

    async def flush_once(self) -> int:
        """Write all waiting lines and progress in one transaction; returns how many lines. Lost nothing on failure."""
        lines: Mapping[str, list[LogLine]] = {
            output.execution_id: taken for output in self._open.values() if (taken := output.take_lines())
        }
        updates = [update for output in self._open.values() if (update := output.take_update())]
        if not updates:
            return 0

        async def write(conn: Conn) -> None:
            ours = await executions.update_running(conn, updates)
            await logs.append_all(conn, {id_: some for id_, some in lines.items() if id_ in ours})

        self._quiet.clear()
        try:
            await self._store.write(write)
        except BaseException:
            for update in updates:
                self._open[update.execution_id].give_back(lines.get(update.execution_id, ()))
            raise
        finally:
            self._quiet.set()
        for update in updates:
            self._bus.publish("log", update.execution_id, "updated")
        for update in updates:
            if update.progress is not None:
                self._bus.publish("execution", update.execution_id, "updated")
        return sum(map(len, lines.values()))
