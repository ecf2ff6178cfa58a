"""The caller: who asks, and what they may do."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.server_json import Me
from cronplug.api.sign_in import signed_in

me = Blueprint("me", __name__, url_prefix="/api/scheduler/me")


@me.get("")
@operation("getMe", tag="session", answers={200: Me})
async def get_me() -> Response:
    """Say who the caller is and what they may do.

    Whoever has a token may do everything.
    """
    settings = parts().settings
    return answer(
        Me(
            name=signed_in().name,
            auth_mode=settings.auth,
            permissions=["read", "write"],
            timezone=settings.default_timezone,
            version=parts().facts()["version"],
        )
    )
