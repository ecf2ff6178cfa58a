"""Tasks: list, create, change, delete, run, look ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from quart import Blueprint, Response

from cronplug import model
from cronplug.api.execution_json import Execution
from cronplug.api.fire_time_json import FireTime, FireTimeList, FireTimeQuery, cursor_after
from cronplug.api.operation import answer, json_answer, no_content, operation
from cronplug.api.parts import parts
from cronplug.api.requests import entity_tag, expected_revision, idempotency, read_body
from cronplug.api.schedule_json import ForecastQuery, Preview
from cronplug.api.shorthand import in_short
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
    TriggerQuery,
    TriggerRequest,
)
from cronplug.errors import InvalidInput
from cronplug.model import CatchUp, TaskType
from cronplug.operations import Replayed, TaskView
from cronplug.store.tasks import TaskFilter

# Paths name the length of ids, so that /tasks/bulk is no task.
tasks = Blueprint("tasks", __name__, url_prefix="/api/scheduler/tasks")


@tasks.get("")
@operation("listTasks", shared=True, tag="tasks", query=TaskQuery, answers={200: TaskList})
async def list_tasks(query: TaskQuery) -> Response:
    """List tasks."""
    operations = parts().operations
    found = await operations.list_tasks(
        TaskFilter(
            type=TaskType(query.type) if query.type else None,
            enabled=query.enabled,
            q=query.q,
            tags=query.tag,
            function_name=query.function_name,
            state=query.state,
            calendar_id=query.calendar_id,
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
    with faults_named_as_given(body):
        operations = parts().operations
        definition = body.definition(
            default_timezone=parts().settings.default_timezone,
            function=operations.find_function(body.function_name),
        )
        made = await operations.create_task(definition, idempotency=await idempotency("createTask", _as_json))
    shown = made.answer if isinstance(made, Replayed) else _as_json(made)
    headers = {"Location": f"/api/scheduler/tasks/{shown['id']}", "ETag": entity_tag(shown["revision"])}
    return json_answer(shown, 201, headers=headers)


@contextmanager
def faults_named_as_given(body: NewTask) -> Iterator[None]:
    """Name faults of schedules as the caller said them: `cronExpression` of one who did not give `schedules`."""
    try:
        yield
    except InvalidInput as error:
        if "schedules" in body.model_fields_set:
            raise
        raise InvalidInput([in_short(fault) for fault in error.errors]) from None


def _as_json(view: TaskView) -> Any:
    return Task.of(view).model_dump(mode="json", by_alias=True)


@tasks.get("/<string(length=13):task_id>")
@operation("getTask", shared=True, tag="tasks", answers={200: TaskDetail}, problems=(404,), answer_headers=("ETag",))
async def get_task(task_id: str) -> Response:
    """Show a task and its newest executions."""
    view = await parts().operations.get_task(task_id)
    detail = TaskDetail(task=Task.of(view), recent_executions=[Execution.of(e) for e in view.recent])
    return answer(detail, headers={"ETag": entity_tag(view.task.revision)})


@tasks.route("/<string(length=13):task_id>", methods=["PUT", "PATCH"])
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
    revision = await parts().operations.present_revision(task_id)
    change = await read_body(TaskChange)
    changes = partial(change.changes, default_timezone=parts().settings.default_timezone)
    with faults_named_as_given(change):
        changed = await parts().operations.change_task(task_id, changes, expected_revision=expected_revision(revision))
    return _changed(changed)


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
    """Switch a task on or off.

    Enabling fires nothing at once, unless `catchUp` says what of the fire times that passed meanwhile is to run.
    """
    revision = await parts().operations.present_revision(task_id)
    toggle = await read_body(Toggle)
    changed = await parts().operations.toggle_task(
        task_id,
        toggle.enabled,
        catch_up=CatchUp(toggle.catch_up),
        expected_revision=expected_revision(revision),
    )
    return _changed(changed)


def _changed(view: TaskView) -> Response:
    return answer(Task.of(view), headers={"ETag": entity_tag(view.task.revision)})


@tasks.delete("/<string(length=13):task_id>")
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
    query=TriggerQuery,
    body=TriggerRequest,
    body_optional=True,
    answers={202: Triggered},
    problems=(404, 409),
    headers=("Idempotency-Key",),
    answer_headers=("Location",),
)
async def trigger_task(task_id: str, query: TriggerQuery) -> Response:
    """Run a task now, enabled or not.

    While an execution of it is unfinished, its overlap policy decides: it may be skipped (`triggered` is false then,
    and the execution tells why), wait, or take the other's place. `force` runs it beside.
    """
    operations = parts().operations
    await operations.present_revision(task_id)  # 404 comes before all else
    body = await read_body(TriggerRequest, optional=True)
    scope = f"triggerTask {task_id}{' force' if query.force else ''}"
    made = await operations.trigger_task(
        task_id, payload=body.payload, force=query.force, idempotency=await idempotency(scope, _as_triggered)
    )
    shown = made.answer if isinstance(made, Replayed) else _as_triggered(made)
    headers = {"Location": f"/api/scheduler/executions/{shown['executionId']}"}
    return json_answer(shown, 202, headers=headers)


def _as_triggered(execution: model.Execution) -> Any:
    return Triggered.of(execution).model_dump(mode="json", by_alias=True)


@tasks.get("/<task_id>/forecast")
@operation("forecastTask", shared=True, tag="tasks", query=ForecastQuery, answers={200: Preview}, problems=(404,))
async def forecast_task(task_id: str, query: ForecastQuery) -> Response:
    """Show the coming fire times of a task, and of a disabled one what enabling it now would do.

    A disabled one, and one without a schedule, has no coming fire times.
    """
    await parts().operations.present_revision(task_id)  # 404 comes before all else
    looked = await parts().operations.forecast(task_id, count=query.count, catch_up=CatchUp(query.catch_up))
    return answer(Preview.of(looked))


@tasks.get("/<task_id>/fire-times")
@operation("listFireTimes", shared=True, tag="tasks", query=FireTimeQuery, answers={200: FireTimeList}, problems=(404,))
async def list_fire_times(task_id: str, query: FireTimeQuery) -> Response:
    """Show every fire time of a task, past and coming, with its execution or the reason there is none."""
    operations = parts().operations
    await operations.present_revision(task_id)  # 404 comes before all else
    after, until = query.stretch(operations.now())
    told, more = await operations.account_for_fire_times(task_id, after=after, until=until, limit=query.limit)
    return answer(
        FireTimeList(
            items=[FireTime.of(account) for account in told],
            from_=after + timedelta(milliseconds=1),
            to=until,
            next_cursor=cursor_after(told[-1]) if more else None,
        )
    )
