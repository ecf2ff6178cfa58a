"""The output of running executions: buffered in memory for moments, capped, and written in groups.

An executor hands over lines without ever waiting; `OutputBook.flush_once` writes what has gathered for all running
executions in one transaction; what is left when an attempt ends is written together with its end, so that the log of
an ended execution is whole. Artifacts are written one by one, before the end; results of `ctx.once` at once.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from cronplug.clock import Clock
from cronplug.errors import StoreError
from cronplug.events import Doorbell, EventBus
from cronplug.model import Execution, Json, LogLine, Stream
from cronplug.sdk.keeping import MAX_ARTIFACTS, MAX_ARTIFACTS_BYTES, MAX_ONCE_BYTES, Artifact
from cronplug.store import Conn, Store, artifacts, executions, logs
from cronplug.store.columns import dump_json, storable

log = logging.getLogger(__name__)

MAX_LINES = 50_000
"""Lines kept of one execution, over all its attempts."""

MAX_BYTES = 16 * 1024 * 1024
"""Characters kept of one execution, over all its attempts."""


_STORE_RETRY_SECONDS = 0.5


class ExecutionOutput:
    """Collects what one attempt prints and leaves. Implements `cronplug.executors.Output`."""

    def __init__(
        self,
        *,
        execution_id: str,
        attempt: int,
        lease_owner: str,
        lines_before: int,
        truncated: bool,
        store: Store,
        clock: Clock,
    ) -> None:
        self.execution_id = execution_id
        self.attempt = attempt
        self.lease_owner = lease_owner
        self.lines = lines_before
        self.truncated = truncated
        self.fraction: float | None = None
        self.note: str | None = None
        self._store = store
        self._clock = clock
        self.artifacts: list[Artifact] = []
        self.closed = False
        self._artifacts_taken = 0
        self._artifact_bytes = 0
        self._once_bytes = 0
        self._writing: asyncio.Lock | None = None
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

    def artifact(self, artifact: Artifact) -> None:
        """Keep a file. Functions are told of the limits where they run; here they hold for those that were told nothing."""
        self._artifacts_taken += 1
        self._artifact_bytes += len(artifact.data)
        if self._artifacts_taken > 10 * MAX_ARTIFACTS or self._artifact_bytes > 10 * MAX_ARTIFACTS_BYTES:
            self.line("log", f"the artifact {artifact.name!r} is not kept: there were too many", level="warning")
            return
        self.artifacts = [known for known in self.artifacts if known.name != artifact.name] + [artifact]

    async def remember(self, key: str, value: Json) -> str | None:
        """Keep a result durably. Waits while the database is away, as long as the attempt is open."""
        self._once_bytes += len(key) + len(dump_json(value))
        if self._once_bytes > 2 * MAX_ONCE_BYTES:
            return "there were too many"

        async def write(conn: Conn) -> bool:
            return await artifacts.put_once(conn, self.owner, key=key, value=value, now=self._clock.now())

        while not self.closed:
            try:
                won = await self._store.write(write)
            except StoreError as error:
                log.error("execution %s: a result cannot be kept, trying again: %s", self.execution_id, error)
                await asyncio.sleep(_STORE_RETRY_SECONDS)
                continue
            return None if won else "the attempt has lost its lease"
        return "the attempt has ended"

    async def write_artifacts(self) -> bool:
        """Write the files that wait, one by one; whether there were any. Raises StoreError, and keeps what is left."""
        written = False
        self._writing = self._writing or asyncio.Lock()
        async with self._writing:
            while self.artifacts:
                artifact = self.artifacts[0]
                await self._store.write(functools.partial(self._put, artifact))
                written = True
                self.artifacts = [known for known in self.artifacts if known is not artifact]
        return written

    async def _put(self, artifact: Artifact, conn: Conn) -> None:
        await artifacts.put_artifact(
            conn,
            self.owner,
            name=artifact.name,
            media_type=artifact.media_type,
            data=artifact.data,
            now=self._clock.now(),
        )

    @property
    def owner(self) -> artifacts.Owner:
        """Who leaves all this."""
        return artifacts.Owner(execution_id=self.execution_id, attempt=self.attempt, lease_owner=self.lease_owner)

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
        self._opened = Doorbell()
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
            store=self._store,
            clock=self._clock,
        )
        self._open[execution.id] = output
        self._opened.ring()
        return output

    async def wait_for_any(self) -> None:
        """Wait until some attempt's output is open, or `wake`."""
        if not self._open:
            await self._opened.wait(at_most_seconds=None)

    def wake(self) -> None:
        """Let who waits for an output go on without one."""
        self._opened.ring()

    async def close(self, output: ExecutionOutput) -> list[LogLine]:
        """Stop flushing an attempt's output; the lines that are not written yet are the caller's to write.

        Its artifacts are written when this returns, however long the database stays away.
        """
        output.closed = True
        while output.artifacts:
            try:
                await output.write_artifacts()
            except StoreError as error:
                log.error("execution %s: its artifacts cannot be written, trying again: %s", output.execution_id, error)
                await asyncio.sleep(_STORE_RETRY_SECONDS)
        await self._quiet.wait()
        self._open.pop(output.execution_id, None)
        return output.take_lines()

    async def flush_once(self) -> int:
        """Write all waiting lines and progress in one transaction; returns how many lines. Lost nothing on failure.

        Then the artifacts that wait, each in its own.
        """
        lines = await self._flush_lines()
        for output in [output for output in self._open.values() if output.artifacts]:
            if await output.write_artifacts():
                self._bus.publish("execution", output.execution_id, "updated")
        return lines

    async def _flush_lines(self) -> int:
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
