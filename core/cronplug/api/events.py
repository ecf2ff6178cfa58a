"""Server-sent events: what changed, and an execution's output as it comes."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import operation
from cronplug.api.parts import parts
from cronplug.api.streams import follow_changes, follow_log, resume_point, stream

events = Blueprint("events", __name__, url_prefix="/api/scheduler")


@events.get("/events")
@operation("followEvents", tag="server", answers={200: "text/event-stream"})
async def follow_events() -> Response:
    """Follow what changes.

    `event: task|execution|calendar|plugin|stats` with data `{id, change: created|updated|deleted}`: fetch what you show again.
    A comment line every 15 seconds keeps the connection alive; `event: bye` comes at shutdown.
    """
    return stream(follow_changes(parts().bus))


@events.get("/executions/<execution_id>/log/stream")
@operation(
    "followLog",
    tag="executions",
    answers={200: "text/event-stream"},
    problems=(404,),
    headers=("Last-Event-ID",),
)
async def follow_execution_log(execution_id: str) -> Response:
    """Follow an execution's output.

    `event: line` with `id: <seq>` and a line as data; the last is `event: end`. Goes on after `Last-Event-ID`.
    """
    after = resume_point()
    await parts().operations.get_execution(execution_id)
    return stream(follow_log(parts().operations, parts().bus, execution_id, after_seq=after))
