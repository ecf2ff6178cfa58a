"""`python -m cronplug.authoring.probe_process REQUEST`: imports one plugin and tells what that did, in a process of its own.

REQUEST is JSON: `channel` (a descriptor to write one JSON object to), `distribution`, `version`, `entry_points` (pairs
of name and value) and `deadline_seconds`, after which the process ends itself and tells on standard error where it was.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
import threading
import time
from importlib.metadata import EntryPoint
from typing import Any, NoReturn

from cronplug.authoring.examples import make_example
from cronplug.authoring.inspection import has_children, is_own_thread
from cronplug.registry.host import AnyFunction, PluginHost
from cronplug.registry.installed import GROUP, InstalledPlugin
from cronplug.registry.manifest import describe_plugin
from cronplug.sdk.calls import make_storable
from cronplug.sdk.functions import InvalidPayload
from cronplug.sdk.processes import adopt_orphans, kill_descendants


def main(request: dict[str, Any]) -> NoReturn:
    """Import, tell, and end at once, whatever the plugin left running."""
    adopt_orphans()
    channel: int = request["channel"]
    os.set_inheritable(channel, False)
    points = tuple(EntryPoint(name, value, GROUP) for name, value in request["entry_points"])
    plugin = InstalledPlugin(name=request["distribution"], version=request["version"], entry_points=points)
    host = PluginHost()
    threads = set(threading.enumerate())
    faulthandler.dump_traceback_later(request["deadline_seconds"], exit=True)
    cpu_began = time.process_time()
    description = describe_plugin(host, plugin)
    cpu_seconds = time.process_time() - cpu_began
    functions = {} if description["error"] else dict(host.load(plugin.name, points).functions)
    told = {
        **description,
        "import_cpu_seconds": round(cpu_seconds, 3),
        "threads": [thread.name for thread in threading.enumerate() if thread not in threads and is_own_thread(thread)],
        "left_children": has_children(),
        "examples": {name: _example(function) for name, function in functions.items()},
    }
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.flush()
    sys.stderr.flush()
    data = memoryview(make_storable(json.dumps(told)).encode())
    while data:
        data = data[os.write(channel, data) :]
    kill_descendants()
    os._exit(0)


def _example(function: AnyFunction) -> dict[str, Any]:
    """The payload made from the schema, what is missing in it, and what pydantic says about it."""
    try:
        example = make_example(function.payload_schema())
        if not example.missing:
            function.parameters.arguments(function.payload, example.payload)
    except InvalidPayload as error:
        return {"payload": example.payload, "missing": [], "error": str(error)}
    except Exception as error:  # noqa: BLE001 - round a plugin's import: its validators are its own code
        return {"payload": {}, "missing": [], "error": f"{type(error).__name__}: {error}"}
    return {"payload": example.payload, "missing": list(example.missing), "error": None}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
