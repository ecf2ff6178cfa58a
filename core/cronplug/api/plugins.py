"""Plugins: list, look again, look at what another version would change."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.function_json import NewPluginVersion, Plugin, PluginImpact, PluginList
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.api.requests import read_body

plugins = Blueprint("plugins", __name__, url_prefix="/api/scheduler/plugins")


@plugins.get("")
@operation("listPlugins", tag="plugins", answers={200: PluginList})
async def list_plugins() -> Response:
    """List the installed plugins."""
    return answer(PluginList(items=[Plugin.of(record) for record in parts().operations.list_plugins()]))


@plugins.post("/rescan")
@operation("rescanPlugins", tag="plugins", answers={200: PluginList}, problems=(502,))
async def rescan_plugins() -> Response:
    """Look again for installed, upgraded and removed plugins; no restart is needed.

    New attempts run the new code in new workers, running ones end with the old.
    """
    return answer(PluginList(items=[Plugin.of(record) for record in await parts().operations.rescan_plugins()]))


@plugins.get("/<name>/impact")
@operation("getPluginImpact", tag="plugins", answers={200: PluginImpact}, problems=(404, 502))
async def get_plugin_impact(name: str) -> Response:
    """Tell what a rescan would mean for tasks: which ones what is installed now would break, or heal.

    Nothing is changed; the installed version is imported in a process of its own.
    """
    return answer(PluginImpact.of(await parts().operations.look_at_impact(name)))


@plugins.post("/<name>/impact")
@operation("checkPluginImpact", tag="plugins", body=NewPluginVersion, answers={200: PluginImpact})
async def check_plugin_impact(name: str) -> Response:
    """Tell what a version that is not installed would mean for tasks, given the schemas of its functions.

    Nothing is changed. `cronplug plugins check --wheel FILE` reads the schemas and asks this.
    """
    body = await read_body(NewPluginVersion)
    return answer(PluginImpact.of(await parts().operations.look_at_impact(name, body.read(name))))
