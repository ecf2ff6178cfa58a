"""Executions: looked at, waited for, cancelled."""

from __future__ import annotations

import asyncio

from cronplug.errors import ExecutionEnded, NotFound
from cronplug.model import ENDED, ArtifactInfo, Execution, Status
from cronplug.operations.means import Room
from cronplug.operations.requests import hide_in_sent_request
from cronplug.operations.secrets import hide_in_definition, hide_in_execution
from cronplug.operations.views import TOTAL_CAP, ExecutionPage, ExecutionView, LogPage
from cronplug.store import Conn, artifacts, executions, logs, tasks


class ExecutionOperations(Room):
    """What is done with executions."""

    async def list_executions(
        self, filter: executions.ExecutionFilter, *, page: int, page_size: int, cursor: str | None = None
    ) -> ExecutionPage:
        """A page of executions, newest first; `cursor` (a former `next_cursor`) goes to any depth at the same cost."""

        async def select(conn: Conn) -> ExecutionPage:
            found = await executions.select_executions(
                conn,
                filter,
                limit=page_size + 1,
                before_id=cursor,
                offset=0 if cursor is not None else (page - 1) * page_size,
            )
            total = await executions.count_executions(conn, filter, cap=TOTAL_CAP + 1)
            shown = found[:page_size]
            return ExecutionPage(
                items=shown,
                total=min(total, TOTAL_CAP),
                total_capped=total > TOTAL_CAP,
                page=page,
                page_size=page_size,
                next_cursor=shown[-1].id if len(found) > page_size else None,
            )

        return await self._means.store.read(select)

    async def get_execution(self, execution_id: str) -> ExecutionView:
        """An execution with its earlier attempts, the secrets of its payload masked. Raises NotFound."""

        async def select(conn: Conn) -> ExecutionView:
            execution = await executions.select_execution(conn, execution_id)
            if execution is None:
                raise NotFound("execution", execution_id)
            definition = None
            if execution.task_id is not None and execution.task_revision is not None:
                definition = await tasks.select_definition(conn, execution.task_id, revision=execution.task_revision)
            attempts = await executions.select_attempts(conn, execution_id)
            registry = self._means.registry
            return ExecutionView(
                execution=hide_in_sent_request(hide_in_execution(execution, registry), registry),
                attempts=attempts,
                definition=None if definition is None else hide_in_definition(definition, registry),
            )

        return await self._means.store.read(select)

    async def cancel_execution(self, execution_id: str) -> Execution:
        """End a queued execution now, ask a running one to stop. Raises NotFound, ExecutionEnded."""

        async def cancel(conn: Conn) -> Execution:
            before = await executions.select_execution(conn, execution_id)
            if before is None:
                raise NotFound("execution", execution_id)
            if before.status in ENDED:
                raise ExecutionEnded(f"The execution has already ended ({before.status}).")
            after = await executions.request_cancel(conn, execution_id, now=self._means.clock.now())
            if after is None:
                raise NotFound("execution", execution_id)
            return after

        execution = await self._means.store.write(cancel)
        self._means.bus.publish("execution", execution_id, "updated")
        if execution.status is Status.RUNNING:
            self._means.doorbells.cancel.ring()
        else:
            self._means.doorbells.ends.ring()
        return execution

    async def read_log(self, execution_id: str, *, offset: int, limit: int) -> LogPage:
        """Output lines from `offset` (counted from 0). Raises NotFound."""

        async def select(conn: Conn) -> LogPage:
            execution = await executions.select_execution(conn, execution_id)
            if execution is None:
                raise NotFound("execution", execution_id)
            lines = await logs.select_lines(conn, execution_id, after_seq=offset, limit=limit)
            total = max(execution.log_lines, lines[-1].seq if lines else 0)
            end = offset + len(lines)
            return LogPage(
                lines=lines,
                total=total,
                next_offset=end if lines and end < total else None,
                truncated=execution.log_truncated,
            )

        return await self._means.store.read(select)

    async def list_artifacts(self, execution_id: str) -> list[ArtifactInfo]:
        """The files that an execution has kept so far, by name. Raises NotFound."""

        async def select(conn: Conn) -> list[ArtifactInfo]:
            if await executions.select_execution(conn, execution_id) is None:
                raise NotFound("execution", execution_id)
            return await artifacts.select_artifacts(conn, execution_id)

        return await self._means.store.read(select)

    async def read_artifact(self, execution_id: str, name: str) -> tuple[ArtifactInfo, bytes]:
        """One of them with its data. Raises NotFound."""

        async def select(conn: Conn) -> tuple[ArtifactInfo, bytes]:
            if await executions.select_execution(conn, execution_id) is None:
                raise NotFound("execution", execution_id)
            found = await artifacts.select_artifact(conn, execution_id, name)
            if found is None:
                raise NotFound("artifact", name)
            return found

        return await self._means.store.read(select)

    async def wait_ended(self, execution_id: str, *, seconds: float) -> Execution | None:
        """The execution once it has ended, or None when `seconds` went by first. Raises NotFound."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + seconds  # the host's clock may be put back meanwhile
        async with self._means.bus.subscribe(lambda event: event.id == execution_id) as inbox:
            while True:
                execution = (await self.get_execution(execution_id)).execution
                if execution.status in ENDED:
                    return execution
                left = give_up_at - loop.time()
                if left <= 0:
                    return None
                if await inbox.next(timeout_seconds=min(left, 1.0)) is None:
                    return None
