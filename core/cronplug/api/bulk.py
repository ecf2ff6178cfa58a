"""One act on many tasks."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response

from cronplug.api.bulk_json import BulkChange, BulkResult
from cronplug.api.operation import json_answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import idempotency, read_body
from cronplug.operations import BulkOutcome, Replayed

bulk = Blueprint("bulk", __name__, url_prefix="/api/scheduler/tasks/bulk")


@bulk.post("")
@operation(
    "changeTasks",
    tag="tasks",
    body=BulkChange,
    answers={200: BulkResult},
    problems=(409,),
    headers=("Idempotency-Key",),
)
async def change_tasks() -> Response:
    """Do one thing with many tasks.

    Each is changed as it would be alone; those with which it cannot be done are told in the answer and hinder no other.
    The work is done in steps; whoever hangs up stops it between two of them.
    """
    body = await read_body(BulkChange)
    done = await parts().operations.act_on_tasks(body.read(), idempotency=await idempotency("changeTasks", _as_json))
    return json_answer(done.answer if isinstance(done, Replayed) else _as_json(done))


def _as_json(outcome: BulkOutcome) -> Any:
    return BulkResult.of(outcome).model_dump(mode="json", by_alias=True)
