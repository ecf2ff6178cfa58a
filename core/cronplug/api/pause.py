"""The pause of every schedule. Runs that are asked for go on."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import answer, no_content, operation
from cronplug.api.parts import parts
from cronplug.api.pause_json import Pause, PauseRequest
from cronplug.api.requests import read_body

pause = Blueprint("pause", __name__, url_prefix="/api/scheduler/pause")


@pause.get("")
@operation("getPause", tag="schedules", answers={200: Pause})
async def get_pause() -> Response:
    """Say whether every schedule is paused."""
    return answer(Pause.of(await parts().operations.get_pause()))


@pause.put("")
@operation("setPause", tag="schedules", body=PauseRequest, body_optional=True, answers={200: Pause})
async def set_pause() -> Response:
    """Pause every schedule, or change the present pause.

    Fire times in it are skipped, each with an execution that says so. What runs and what is asked for goes on.
    """
    body = await read_body(PauseRequest, optional=True)
    return answer(Pause.of(await parts().operations.pause_all(reason=body.reason or "", until=body.until)))


@pause.delete("")
@operation("endPause", tag="schedules", answers={204: None})
async def end_pause() -> Response:
    """Resume every schedule now.

    What was skipped stays skipped.
    """
    await parts().operations.resume_all()
    return no_content()
