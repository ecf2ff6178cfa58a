"""Tasks: list, create, change, delete, run, look ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from quart import Blueprint, Response

from cronplug.api.execution_json import Execution
from cronplug.api.operation import answer, json_answer, no_content, operation
from cronplug.api.parts import parts
from cronplug.api.requests import entity_tag, expected_revision, idempotency, read_body
from cronplug.api.schedule_json import ForecastQuery, Preview
from cronplug.api.task_json import (
    DeleteQuery,
    NewTask,
    Task,
    TaskChange,
    TaskDetail,
    TaskList,
    TaskQuery,
    Toggle,
    Triggered,
    TriggerRequest,
)
from cronplug.model import TaskDefinition, TaskType
from cronplug.operations import Replayed, TaskView
from cronplug.store.tasks import TaskFilter

tasks = Blueprint("tasks", __name__, url_prefix="/api/scheduler/tasks")


@tasks.get("")
@operation("listTasks", tag="tasks", query=TaskQuery, answers={200: TaskList})
async def list_tasks(query: TaskQuery) -> Response:
    """List tasks."""
    operations = parts().operations
    found = await operations.list_tasks(
        TaskFilter(
            type=TaskType(query.type) if query.type else None,
            enabled=query.enabled,
            q=query.q,
            tag=query.tag,
            function_name=query.function_name,
        ),
        sort=query.sort,
        page=query.page,
        page_size=query.page_size,
    )
    return answer(
        TaskList(
            items=[Task.of(view) for view in found.items],
            total=found.total,
            page=query.page,
            page_size=query.page_size,
            registered_functions=[function.name for function in operations.list_functions()],
        )
    )


@tasks.post("")
@operation(
    "createTask",
    tag="tasks",
    body=NewTask,
    answers={201: Task},
    problems=(409,),
    headers=("Idempotency-Key",),
    answer_headers=("Location", "ETag"),
)
async def create_task() -> Response:
    """Create a task."""
    body = await read_body(NewTask)
    definition = body.definition(default_timezone=parts().settings.default_timezone)
    made = await parts().operations.create_task(definition, idempotency=await idempotency("createTask", _as_json))
    shown = made.answer if isinstance(made, Replayed) else _as_json(made)
    headers = {"Location": f"/api/scheduler/tasks/{shown['id']}", "ETag": entity_tag(shown["revision"])}
    return json_answer(shown, 201, headers=headers)


def _as_json(view: TaskView) -> Any:
    return Task.of(view).model_dump(mode="json", by_alias=True)


@tasks.get("/<task_id>")
@operation("getTask", tag="tasks", answers={200: TaskDetail}, problems=(404,), answer_headers=("ETag",))
async def get_task(task_id: str) -> Response:
    """Show a task and its newest executions."""
    view = await parts().operations.get_task(task_id)
    detail = TaskDetail(task=Task.of(view), recent_executions=[Execution.of(e) for e in view.recent[:20]])
    return answer(detail, headers={"ETag": entity_tag(view.task.revision)})


@tasks.route("/<task_id>", methods=["PUT", "PATCH"])
@operation(
    "updateTask",
    tag="tasks",
    body=TaskChange,
    answers={200: Task},
    problems=(404, 412),
    headers=("If-Match",),
    answer_headers=("ETag",),
)
async def update_task(task_id: str) -> Response:
    """Change the given fields of a task.

    PUT and PATCH are the same. The change is checked as the merged task.
    """
    view = await parts().operations.get_task(task_id)
    change = await read_body(TaskChange)
    changes = partial(change.changes, default_timezone=parts().settings.default_timezone)
    return await _change(task_id, changes, current=view.task.revision)


@tasks.post("/<task_id>/toggle")
@operation(
    "toggleTask",
    tag="tasks",
    body=Toggle,
    answers={200: Task},
    problems=(404, 412),
    headers=("If-Match",),
    answer_headers=("ETag",),
)
async def toggle_task(task_id: str) -> Response:
    """Switch a task on or off."""
    view = await parts().operations.get_task(task_id)
    toggle = await read_body(Toggle)
    return await _change(task_id, {"enabled": toggle.enabled}, current=view.task.revision)


async def _change(
    task_id: str, changes: Mapping[str, Any] | Callable[[TaskDefinition], Mapping[str, Any]], *, current: int
) -> Response:
    view = await parts().operations.change_task(task_id, changes, expected_revision=expected_revision(current))
    return answer(Task.of(view), headers={"ETag": entity_tag(view.task.revision)})


@tasks.delete("/<task_id>")
@operation("deleteTask", tag="tasks", query=DeleteQuery, answers={204: None}, problems=(404, 409))
async def delete_task(task_id: str, query: DeleteQuery) -> Response:
    """Delete a task; its executions are kept until retention.

    Queued executions become cancelled. While one is running the answer is 409, unless `force` cancels it first.
    """
    await parts().operations.delete_task(task_id, force=query.force)
    return no_content()


@tasks.post("/<task_id>/trigger")
@operation(
    "triggerTask",
    tag="tasks",
    body=TriggerRequest,
    body_optional=True,
    answers={202: Triggered},
    problems=(404, 409),
    headers=("Idempotency-Key",),
    answer_headers=("Location",),
)
async def trigger_task(task_id: str) -> Response:
    """Run a task now, enabled or not."""
    operations = parts().operations
    await operations.get_task(task_id)
    body = await read_body(TriggerRequest, optional=True)
    made = await operations.trigger_task(
        task_id,
        payload=body.payload,
        idempotency=await idempotency(f"triggerTask {task_id}", lambda execution: execution.id),
    )
    execution_id = made.answer if isinstance(made, Replayed) else made.id
    headers = {"Location": f"/api/scheduler/executions/{execution_id}"}
    return answer(Triggered(execution_id=execution_id), 202, headers=headers)


@tasks.get("/<task_id>/forecast")
@operation("forecastTask", tag="tasks", query=ForecastQuery, answers={200: Preview}, problems=(404,))
async def forecast_task(task_id: str, query: ForecastQuery) -> Response:
    """Show the coming fire times of a task.

    A disabled one, and one without a schedule, has none.
    """
    view = await parts().operations.get_task(task_id)
    preview = await parts().operations.forecast(task_id, count=query.count)
    shown = Preview.of(preview) if preview is not None else Preview.of_nothing(view.task.definition)
    return answer(shown)
