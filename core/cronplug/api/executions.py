"""Executions: list, show, cancel, retry, their output and what they left."""

from __future__ import annotations

from urllib.parse import quote

from quart import Blueprint, Response

from cronplug.api.execution_json import (
    Artifact,
    ArtifactList,
    Execution,
    ExecutionDetail,
    ExecutionList,
    ExecutionQuery,
    LogLine,
    LogPage,
    LogQuery,
)
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.task_json import Triggered, TriggerQuery
from cronplug.model import Status, Trigger
from cronplug.store.executions import ExecutionFilter

executions = Blueprint("executions", __name__, url_prefix="/api/scheduler/executions")


@executions.get("")
@operation("listExecutions", shared=True, tag="executions", query=ExecutionQuery, answers={200: ExecutionList})
async def list_executions(query: ExecutionQuery) -> Response:
    """List executions, newest first.

    `cursor` is fast at any depth; `page` counts from the newest and is ignored beside a cursor.
    """
    found = await parts().operations.list_executions(
        ExecutionFilter(
            task_id=query.task_id,
            function_name=query.function_name,
            statuses=frozenset(map(Status, query.status)) if query.status else None,
            trigger=Trigger(query.trigger) if query.trigger else None,
            queued_from=query.from_,
            queued_until=query.to,
        ),
        page=query.page,
        page_size=query.page_size,
        cursor=query.cursor,
    )
    return answer(
        ExecutionList(
            items=[Execution.of(execution) for execution in found.items],
            total=found.total,
            total_capped=found.total_capped,
            page=query.page,
            page_size=query.page_size,
            next_cursor=found.next_cursor,
        )
    )


@executions.get("/<execution_id>")
@operation("getExecution", shared=True, tag="executions", answers={200: ExecutionDetail}, problems=(404,))
async def get_execution(execution_id: str) -> Response:
    """Show an execution with its attempts."""
    return answer(ExecutionDetail.of_view(await parts().operations.get_execution(execution_id)))


@executions.post("/<execution_id>/cancel")
@operation("cancelExecution", tag="executions", answers={202: Execution}, problems=(404, 409))
async def cancel_execution(execution_id: str) -> Response:
    """Cancel an execution.

    A queued one is cancelled at once; a running one stays running until its code has ended.
    """
    return answer(Execution.of(await parts().operations.cancel_execution(execution_id)), 202)


@executions.post("/<execution_id>/retry")
@operation(
    "retryExecution",
    tag="executions",
    query=TriggerQuery,
    answers={202: Triggered},
    problems=(404, 409),
    answer_headers=("Location",),
)
async def retry_execution(execution_id: str, query: TriggerQuery) -> Response:
    """Run it again by its task's present definition, as a new execution that names this one in `retryOf`.

    The task's overlap policy holds for it too, so it may be skipped (`triggered` is false then); `force` runs it beside what is unfinished.
    """
    made = await parts().operations.retry_execution(execution_id, force=query.force)
    return answer(Triggered.of(made), 202, headers={"Location": f"/api/scheduler/executions/{made.id}"})


@executions.get("/<execution_id>/log")
@operation("readLog", tag="executions", query=LogQuery, answers={200: LogPage}, problems=(404,))
async def read_log(execution_id: str, query: LogQuery) -> Response:
    """Read an execution's output; complete once it has ended."""
    page = await parts().operations.read_log(execution_id, offset=query.offset, limit=query.limit)
    return answer(
        LogPage(
            items=[LogLine.of(line) for line in page.lines],
            total=page.total,
            next_offset=page.next_offset,
            truncated=page.truncated,
        )
    )


@executions.get("/<execution_id>/artifacts")
@operation("listArtifacts", shared=True, tag="executions", answers={200: ArtifactList}, problems=(404,))
async def list_artifacts(execution_id: str) -> Response:
    """List the files that an execution's function has kept, by name."""
    found = await parts().operations.list_artifacts(execution_id)
    return answer(ArtifactList(items=[Artifact.of(execution_id, artifact) for artifact in found]))


@executions.get("/<execution_id>/artifacts/<name>")
@operation("readArtifact", tag="executions", answers={200: "application/octet-stream"}, problems=(404,))
async def read_artifact(execution_id: str, name: str) -> Response:
    """Download a file that an execution's function has kept, under its own media type."""
    artifact, data = await parts().operations.read_artifact(execution_id, name)
    response = Response(data, 200, content_type=artifact.media_type)
    # It is what a plugin made of who knows what: a browser stores it and never shows it as a page of ours.
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(artifact.name, safe='')}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "no-store"
    return response
