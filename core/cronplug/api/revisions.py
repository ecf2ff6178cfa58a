"""What tasks were: their revisions, and going back to one; bringing back deleted tasks."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import entity_tag, expected_revision
from cronplug.api.revision_json import Revision, RevisionList, RevisionQuery
from cronplug.api.task_json import Task
from cronplug.errors import NotFound
from cronplug.operations import TaskView

revisions = Blueprint("revisions", __name__, url_prefix="/api/scheduler/tasks")


@revisions.get("/<task_id>/revisions")
@operation("listRevisions", tag="tasks", query=RevisionQuery, answers={200: RevisionList}, problems=(404,))
async def list_revisions(task_id: str, query: RevisionQuery) -> Response:
    """List what a task was, and what each change changed.

    Also of a deleted task, as long as retention keeps anything of it.
    """
    found = await parts().operations.list_revisions(task_id, page=query.page, page_size=query.page_size)
    return answer(
        RevisionList(
            items=[Revision.of(view) for view in found.items],
            total=found.total,
            page=query.page,
            page_size=query.page_size,
        )
    )


@revisions.post("/<task_id>/revisions/<revision>/restore")
@operation(
    "restoreRevision",
    tag="tasks",
    answers={200: Task},
    problems=(404, 412),
    headers=("If-Match",),
    answer_headers=("ETag",),
)
async def restore_revision(task_id: str, revision: str) -> Response:
    """Make a task what it was at a revision, with its secrets as they were then.

    That is a change like any other: a new revision, which never fires at once.
    """
    view = await parts().operations.get_task(task_id)
    if not (revision.isascii() and revision.isdecimal() and len(revision) <= 9):
        raise NotFound("revision", revision)
    return _task(
        await parts().operations.restore_revision(
            task_id, int(revision), expected_revision=expected_revision(view.task.revision)
        )
    )


@revisions.post("/<task_id>/restore")
@operation("restoreTask", tag="tasks", answers={200: Task}, problems=(404, 409), answer_headers=("ETag",))
async def restore_task(task_id: str) -> Response:
    """Bring back a deleted task, with its executions.

    It is as it was, and first fires at its first fire time after now: nothing is caught up. 404 when retention has
    taken what was kept of it.
    """
    return _task(await parts().operations.restore_task(task_id))


def _task(view: TaskView) -> Response:
    return answer(Task.of(view), headers={"ETag": entity_tag(view.task.revision)})
