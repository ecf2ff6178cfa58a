"""The server itself: figures, the API's description, health, metrics."""

from __future__ import annotations

import asyncio
from typing import Any

from quart import Blueprint, Response, current_app

from cronplug.api.operation import answer, json_answer, operation
from cronplug.api.parts import parts
from cronplug.api.server_json import Alive, Health, Stats
from cronplug.clock import rfc3339
from cronplug.errors import StoreError

_PAUSE_SECONDS = 2.0

server = Blueprint("server", __name__)


@server.get("/api/scheduler/stats")
@operation("getStats", shared=True, tag="server", answers={200: Stats})
async def get_stats() -> Response:
    """Show figures and facts of the server."""
    return answer(Stats.of(await parts().operations.stats(), settings=parts().settings, facts=parts().facts()))


@server.get("/api/scheduler/openapi.json")
@operation("getOpenapi", tag="server", answers={200: "application/json"})
async def get_openapi() -> Response:
    """Describe this API in OpenAPI 3.1."""
    describe = current_app.extensions["QUART_SCHEMA"].openapi_provider.schema
    return json_answer(await asyncio.to_thread(describe))  # no start waits for it


@server.get("/healthz")
@operation("getHealth", tag="server", answers={200: Alive}, public=True)
async def get_health() -> Response:
    """Say that the process is up."""
    return answer(Alive())


@server.get("/readyz")
@operation("getReadiness", tag="server", answers={200: Health, 503: Health}, public=True)
async def get_readiness() -> Response:
    """Say whether the database answers and fire times are kept, and whether every schedule is paused.

    A pause is no fault: somebody wants it.
    """
    health = Health.model_validate(await parts().health())
    health.checks.update(await _pause_check())
    return answer(health, 200 if health.status == "ok" else 503)


@server.get("/metrics")
@operation("getMetrics", tag="server", answers={200: "text/plain"}, problems=(401,), maybe_public=True)
async def get_metrics() -> Response:
    """Give the figures for Prometheus; on a loopback bind without sign-in."""
    return Response(parts().metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")


async def _pause_check() -> dict[str, dict[str, Any]]:
    """A line about the pause in force; none without one, and none when the database does not answer."""
    try:
        async with asyncio.timeout(_PAUSE_SECONDS):
            pause = await parts().operations.get_pause()
    except (StoreError, TimeoutError):
        return {}  # the check of the store tells it
    if pause is None:
        return {}
    until = "somebody resumes" if pause.until is None else rfc3339(pause.until)
    return {"pause": {"ok": True, "message": f"every schedule is paused until {until}"}}
