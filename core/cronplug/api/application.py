"""Puts the API together."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import cache
from importlib import metadata
from typing import Any

from quart import Quart, Response, g, request
from quart_schema import APIKeySecurityScheme, HttpSecurityScheme, Info, QuartSchema, Tag

from cronplug.access import Access
from cronplug.api.bulk import bulk
from cronplug.api.calendars import calendars
from cronplug.api.error_groups import error_groups
from cronplug.api.events import events
from cronplug.api.executions import executions
from cronplug.api.functions import functions
from cronplug.api.invoked_requests import invoked_requests
from cronplug.api.me import me
from cronplug.api.openapi import TAGS, Document
from cronplug.api.pages import SECURITY_HEADERS, STATIC_FOLDER, AdminPages, Asgi
from cronplug.api.parts import KEY, Parts
from cronplug.api.pause import pause
from cronplug.api.plugins import plugins
from cronplug.api.problems import install_error_answers
from cronplug.api.requests import MAX_BODY_BYTES
from cronplug.api.revisions import revisions
from cronplug.api.schedules import schedules
from cronplug.api.series import series
from cronplug.api.server import server
from cronplug.api.session import session
from cronplug.api.settings import settings as settings_routes
from cronplug.api.sign_in import COOKIE, install_sign_in
from cronplug.api.tasks import tasks
from cronplug.api.timeline import timeline
from cronplug.events import EventBus
from cronplug.metrics import Metrics
from cronplug.operations import Operations
from cronplug.settings import Settings

_DESCRIPTION = """\
Schedule functions of installed plugins and HTTP requests, call them, and see every run.

Times are RFC 3339 in UTC with milliseconds; durations are in seconds. Ids are opaque. Errors are problem details
(RFC 9457) with a stable `code` and the fields at fault."""

_BLUEPRINTS = (
    tasks,
    bulk,
    revisions,
    calendars,
    executions,
    events,
    functions,
    invoked_requests,
    me,
    pause,
    plugins,
    schedules,
    series,
    timeline,
    error_groups,
    session,
    settings_routes,
    server,
)

_EVERYWHERE = [
    (name.lower(), name, value) for name, value in ({"Cache-Control": "no-store"} | SECURITY_HEADERS).items()
]
"""What every answer has that does not say otherwise."""

logger = logging.getLogger(__name__)


def create_api(
    operations: Operations,
    *,
    settings: Settings,
    access: Access,
    bus: EventBus,
    health: Callable[[], Awaitable[dict[str, Any]]],
    metrics: Metrics,
    facts: Callable[[], dict[str, Any]],
) -> Quart:
    """The application that answers over the given parts. It owns none of them and starts nothing.

    `health` gives the body of /readyz, `facts` what the process knows of itself: startedAt, version, workers, slots.
    """
    app = _routes()
    app.extensions[KEY] = Parts(
        operations=operations, settings=settings, access=access, bus=bus, health=health, metrics=metrics, facts=facts
    )
    quart: Asgi = app.asgi_app  # type: ignore[assignment]  # Quart types its messages more narrowly than ASGI does
    app.asgi_app = AdminPages(quart, STATIC_FOLDER)  # type: ignore[assignment, method-assign]  # the same
    return app


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI 3.1 description; needs no parts."""
    app = _routes()  # held: the provider has only a weak reference to it
    document: dict[str, Any] = app.extensions["QUART_SCHEMA"].openapi_provider.schema()
    return document


def _routes() -> Quart:
    app = Quart(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # //x is an unknown path, not a redirect to another
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY_BYTES, BODY_TIMEOUT=30, PROVIDE_AUTOMATIC_OPTIONS=False)
    QuartSchema(
        app,
        info=Info(title="cronplug", version=api_version(), description=_DESCRIPTION),
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        openapi_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
        swagger_ui_path=None,
        conversion_preference="pydantic",
        openapi_provider_class=Document,
        security_schemes={
            "token": HttpSecurityScheme(scheme="bearer"),
            "session": APIKeySecurityScheme(name=COOKIE, in_="cookie"),
        },
        security=[{"token": []}, {"session": []}],
    )
    _install_bookkeeping(app)
    install_sign_in(app)
    install_error_answers(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def api_version() -> str:
    """The version of the installed distribution."""
    return metadata.version("cronplug")


def _install_bookkeeping(app: Quart) -> None:
    """Request ids, headers that every answer has, and the count of answers."""

    @app.before_request
    async def begin() -> None:
        g.request_id = uuid.uuid4().hex[:16]
        g.began = time.perf_counter()

    @app.after_request
    async def finish(response: Response) -> Response:
        headers = response.headers
        present = {name.lower() for name, _ in headers}  # `setdefault` looks through all of them for each
        headers.add("X-Request-ID", g.get("request_id", "-"))
        for lowered, name, value in _EVERYWHERE:
            if lowered not in present:
                headers.add(name, value)
        if KEY in app.extensions:
            app.extensions[KEY].metrics.api_requests.labels(request.method, str(response.status_code)).inc()
        logger.debug(
            "%s %s %d in %.1f ms",
            request.method,
            request.path,
            response.status_code,
            1000 * (time.perf_counter() - g.began),
        )
        return response
