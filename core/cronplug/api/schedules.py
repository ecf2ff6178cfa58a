"""Schedules: what one means, before it is saved."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import read_body
from cronplug.api.schedule_json import Preview, PreviewRequest

schedules = Blueprint("schedules", __name__, url_prefix="/api/scheduler/schedules")


@schedules.post("/preview")
@operation("previewSchedule", tag="schedules", body=PreviewRequest, answers={200: Preview})
async def preview_schedule() -> Response:
    """Say what a schedule means and when it fires.

    A fault is a 422 whose first error also has `code` and `position`.
    """
    body = await read_body(PreviewRequest)
    preview = parts().operations.preview(body.cron_expression, body.timezone, count=body.count, after=body.after)
    return answer(Preview.of(preview))
