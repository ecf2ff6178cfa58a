"""HTTP requests that are made once, without a task: for trying one out before it is scheduled."""

from __future__ import annotations

import dataclasses

from cronplug.model import Execution, Json, Status, TaskDefinition, TaskType, Trigger
from cronplug.operations.definitions import check_definition
from cronplug.operations.means import Room
from cronplug.operations.secrets import fill_in_definition, hide_in_definition
from cronplug.operations.views import Idempotency, Replayed
from cronplug.registry import Registry


class RequestOperations(Room):
    """What is done with HTTP requests by themselves."""

    async def invoke_request(
        self, definition: TaskDefinition, *, as_in: str | None = None, idempotency: Idempotency | None = None
    ) -> Execution | Replayed:
        """Queue one execution of the request that an HTTP task of this definition would make; it is not retried.

        Masks stand for the secrets of the task whose id is `as_in`. Raises InvalidInput.
        """
        means = self._means
        if (kept := await means.kept(idempotency)) is not None:
            return kept
        now = means.clock.now()
        definition = fill_in_definition(definition, means.registry, before=await means.definition_behind(as_in))
        check_definition(definition, registry=means.registry, min_interval_seconds=1, now=now)
        execution = Execution(
            id=means.ids.new(now),
            trigger=Trigger.API,
            status=Status.QUEUED,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            type=TaskType.HTTP,
            payload=_as_payload(definition),
            timeout_seconds=definition.timeout_seconds,
        )
        return await means.queue(execution, idempotency)


def hide_in_sent_request(execution: Execution, registry: Registry) -> Execution:
    """An execution as it may be shown, if it is that of a request without a task; any other as it is."""
    if execution.type is not TaskType.HTTP or execution.task_id is not None or execution.payload is None:
        return execution
    sent = execution.payload
    request = TaskDefinition(name="", type=TaskType.HTTP, http_url=sent["httpUrl"], http_headers=sent["httpHeaders"])
    shown = hide_in_definition(request, registry)
    hidden = {"httpUrl": shown.http_url, "httpHeaders": dict(shown.http_headers)}
    return dataclasses.replace(execution, payload={**sent, **hidden})


def _as_payload(definition: TaskDefinition) -> dict[str, Json]:
    """The payload by which the engine knows the request."""
    return {
        "httpMethod": definition.http_method,
        "httpUrl": definition.http_url,
        "httpHeaders": dict(definition.http_headers),
        "httpBody": definition.http_body,
        "httpExpectStatus": list(definition.http_expect_status),
        "httpExpectBody": definition.http_expect_body,
    }
