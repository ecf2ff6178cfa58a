"""HTTP requests without a task: made once, to try them out."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.execution_json import ExecutionDetail, ExecutionStarted
from cronplug.api.function_json import InvokeQuery
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import idempotency, read_body
from cronplug.api.requests_json import RequestToInvoke
from cronplug.operations import Replayed

invoked_requests = Blueprint("invoked_requests", __name__, url_prefix="/api/scheduler/requests")


@invoked_requests.post("/invoke")
@operation(
    "invokeRequest",
    tag="executions",
    body=RequestToInvoke,
    query=InvokeQuery,
    answers={200: ExecutionDetail, 202: ExecutionStarted},
    problems=(409,),
    headers=("Idempotency-Key",),
    answer_headers=("Location",),
)
async def invoke_request(query: InvokeQuery) -> Response:
    """Make an HTTP request once, without a task; there are no retries.

    It may reach what HTTP tasks may. With `wait` the answer is the ended execution (200), or 202 when it has not ended
    by then.
    """
    operations = parts().operations
    body = await read_body(RequestToInvoke)
    made = await operations.invoke_request(
        body.read(),
        as_in=body.task_id,
        idempotency=await idempotency("invokeRequest", lambda execution: execution.id),
    )
    execution_id = made.answer if isinstance(made, Replayed) else made.id
    if query.wait and await operations.wait_ended(execution_id, seconds=query.wait) is not None:
        return answer(ExecutionDetail.of_view(await operations.get_execution(execution_id)))
    headers = {"Location": f"/api/scheduler/executions/{execution_id}"}
    return answer(ExecutionStarted(execution_id=execution_id), 202, headers=headers)
