"""Functions: list, show, call."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.execution_json import ExecutionDetail, ExecutionStarted
from cronplug.api.function_json import Function, FunctionList, InvokeQuery, InvokeRequest
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import idempotency, read_body
from cronplug.operations import Replayed

functions = Blueprint("functions", __name__, url_prefix="/api/scheduler/functions")


@functions.get("")
@operation("listFunctions", shared=True, tag="functions", answers={200: FunctionList})
async def list_functions() -> Response:
    """List the registered functions."""
    operations = parts().operations
    counts = await operations.count_tasks_by_function()
    tallies = await operations.figures_of_functions()
    return answer(
        FunctionList(
            items=[
                Function.of(f, task_count=counts.get(f.name, 0), tally=tallies.get(f.name))
                for f in operations.list_functions()
            ]
        )
    )


@functions.get("/<name>")
@operation("getFunction", shared=True, tag="functions", answers={200: Function}, problems=(404,))
async def get_function(name: str) -> Response:
    """Show a function with the schema of its payload."""
    operations = parts().operations
    function = operations.get_function(name)
    counts = await operations.count_tasks_by_function()
    tallies = await operations.figures_of_functions()
    return answer(Function.of(function, task_count=counts.get(name, 0), tally=tallies.get(name)))


@functions.post("/<name>/invoke")
@operation(
    "invokeFunction",
    tag="functions",
    body=InvokeRequest,
    body_optional=True,
    query=InvokeQuery,
    answers={200: ExecutionDetail, 202: ExecutionStarted},
    problems=(404, 409),
    headers=("Idempotency-Key",),
    answer_headers=("Location",),
)
async def invoke_function(name: str, query: InvokeQuery) -> Response:
    """Call a function without a task; there are no retries.

    With `wait` the answer is the ended execution (200), or 202 when it has not ended by then.
    """
    operations = parts().operations
    operations.get_function(name)
    body = await read_body(InvokeRequest, optional=True)
    made = await operations.invoke_function(
        name,
        body.payload or {},
        timeout_seconds=body.timeout_seconds,
        as_in=body.task_id,
        idempotency=await idempotency(f"invokeFunction {name}", lambda execution: execution.id),
    )
    execution_id = made.answer if isinstance(made, Replayed) else made.id
    if query.wait and await operations.wait_ended(execution_id, seconds=query.wait) is not None:
        return answer(ExecutionDetail.of_view(await operations.get_execution(execution_id)))
    headers = {"Location": f"/api/scheduler/executions/{execution_id}"}
    return answer(ExecutionStarted(execution_id=execution_id), 202, headers=headers)
