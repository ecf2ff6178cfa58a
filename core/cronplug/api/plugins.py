"""Plugins: list, look again."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.function_json import Plugin, PluginList
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts

plugins = Blueprint("plugins", __name__, url_prefix="/api/scheduler/plugins")


@plugins.get("")
@operation("listPlugins", tag="plugins", answers={200: PluginList})
async def list_plugins() -> Response:
    """List the installed plugins."""
    return answer(PluginList(items=[Plugin.of(record) for record in parts().operations.list_plugins()]))


@plugins.post("/rescan")
@operation("rescanPlugins", tag="plugins", answers={200: PluginList})
async def rescan_plugins() -> Response:
    """Look again for installed, upgraded and removed plugins."""
    return answer(PluginList(items=[Plugin.of(record) for record in await parts().operations.rescan_plugins()]))
