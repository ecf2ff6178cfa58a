"""Schedules: what one means, before it is saved."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import read_body
from cronplug.api.schedule_json import Preview, PreviewRequest
from cronplug.api.shorthand import in_short
from cronplug.errors import InvalidInput
from cronplug.model import CatchUp

schedules = Blueprint("schedules", __name__, url_prefix="/api/scheduler/schedules")


@schedules.post("/preview")
@operation("previewSchedule", tag="schedules", body=PreviewRequest, answers={200: Preview})
async def preview_schedule() -> Response:
    """Say what schedules mean, when they fire, and how that differs from those of a stored task.

    A fault is a 422 whose first error also has `code` and `position`.
    """
    body = await read_body(PreviewRequest)
    try:
        looked = await parts().operations.preview(
            body.definition(default_timezone=parts().settings.default_timezone),
            count=body.count,
            after=body.after,
            task_id=body.task_id,
            catch_up=CatchUp(body.catch_up),
        )
    except InvalidInput as error:
        if body.schedules is not None:
            raise
        raise InvalidInput([in_short(fault) for fault in error.errors]) from None
    return answer(Preview.of(looked))
