"""Writes what every installed plugin offers, from a process that may die of it.

One JSON line before each plugin and one after it: a reader that sees the first without the second knows who hung,
exited or crashed. Run as `python -m cronplug.worker --manifest`, which keeps the output channel to itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

from cronplug.registry.host import AnyFunction, LoadedPlugin, PluginHost
from cronplug.registry.installed import InstalledPlugin, canonical, find_installed
from cronplug.sdk.calls import make_storable

Line = dict[str, Any]


def write_manifest(write_line: Callable[[str], None], *, skip: Collection[str], only: str | None = None) -> None:
    """Describe every installed plugin through `write_line`; those in `skip` (canonical names) are not imported.

    `only` (a canonical name) leaves out all others.
    """
    host = PluginHost()
    for plugin in find_installed():
        if only is not None and canonical(plugin.name) != only:
            continue
        write_line(_encode(_announce(plugin)))
        if canonical(plugin.name) not in skip:
            write_line(_encode(describe_plugin(host, plugin)))
    write_line(_encode({"kind": "end"}))


def _encode(line: Line) -> str:
    return make_storable(json.dumps(line, ensure_ascii=False))


def _announce(plugin: InstalledPlugin) -> Line:
    return {
        "kind": "begin",
        "name": plugin.name,
        "version": plugin.version,
        "entry_points": [f"{point.name} = {point.value}" for point in plugin.entry_points],
    }


def describe_plugin(host: PluginHost, plugin: InstalledPlugin) -> Line:
    """Import one plugin into this process and say what it offers; what goes wrong is its `error`."""
    started = time.perf_counter()
    functions: dict[str, Line] = {}
    hooks: list[str] = []
    warnings: list[str] = []
    error = plugin.fault
    for point in plugin.entry_points:
        loaded = host.load(plugin.name, [point])
        error = error or loaded.error
        hooks += loaded.hooks
        warnings += loaded.warnings
        for name, line in _describe_functions(loaded, warnings):
            known = functions.setdefault(name, {**line, "entry_point": [plugin.name, point.name, point.value]})
            if {**known, "entry_point": None} != {**line, "entry_point": None}:
                warnings.append(f"The function {name} is defined twice in this plugin; the first one counts.")
    return {
        "kind": "plugin",
        "name": plugin.name,
        "functions": [] if error else list(functions.values()),
        "hooks": [] if error else list(dict.fromkeys(hooks)),
        "warnings": warnings,
        "error": error,
        "import_seconds": round(time.perf_counter() - started, 3),
        "code": [] if error else _code_stamp(plugin),
    }


def _describe_functions(loaded: LoadedPlugin, warnings: list[str]) -> list[tuple[str, Line]]:
    described = []
    for name, function in loaded.functions.items():
        try:
            described.append((name, _describe_function(function)))
        except Exception as error:  # noqa: BLE001 - round a plugin's import: its types decide whether there is a schema
            warnings.append(f"The function {name} is left out, its payload has no JSON Schema: {error}")
    return described


def _describe_function(function: AnyFunction) -> Line:
    schema = function.payload_schema()
    json.dumps(schema, allow_nan=False)
    return {
        "name": function.name,
        "title": function.title,
        "description": function.description,
        "payload_schema": schema,
        "is_async": function.is_async,
        "isolation": function.isolation,
        "timeout_seconds": function.timeout,
        "max_retries": function.max_retries,
        "memory_mb": function.memory_mb,
        "idempotent": function.idempotent,
        "retry_delay_seconds": function.retry_delay,
        "retry_backoff": function.retry_backoff,
        "retry_max_delay_seconds": function.retry_max_delay,
        "retry_jitter_percent": function.retry_jitter,
        "retry_on": list(function.retry_on),
        "no_retry_on": list(function.no_retry_on),
        "tags": list(function.tags),
    }


def _code_stamp(plugin: InstalledPlugin) -> list[list[Any]]:
    """Path, time and size of the plugin's loaded source files: tells changed code that kept its version."""
    packages = tuple(point.value.partition(":")[0].partition(".")[0] for point in plugin.entry_points)
    stamps = []
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if name.partition(".")[0] in packages and isinstance(path, str) and os.path.exists(path):
            status = os.stat(path)
            stamps.append([path, status.st_mtime_ns, status.st_size])
    return stamps
