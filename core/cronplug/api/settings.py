"""The settings in force: what an operator looks at before they change any."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.server_json import Setting, SettingList
from cronplug.settings import settings_in_force

settings = Blueprint("settings", __name__, url_prefix="/api/scheduler/settings")


@settings.get("")
@operation("listSettings", tag="server", answers={200: SettingList})
async def list_settings() -> Response:
    """List the settings in force, secrets without their values.

    They are set in the environment, in a `.env` file, or as flags of `cronplug serve`; a change needs a restart.
    """
    return answer(SettingList(items=[Setting.of(setting) for setting in settings_in_force(parts().settings)]))
