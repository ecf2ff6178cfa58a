"""Reads the manifest from a subprocess with a deadline, and goes on without the plugins that kill or stall it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from cronplug.errors import PluginsUnreadable
from cronplug.registry.installed import canonical
from cronplug.sdk.isolation import WORKER_MARK, describe_exit, plugin_command, plugin_environ
from cronplug.sdk.processes import descendants_of, kill_marked

_MAX_LINE_BYTES = 16 * 1024 * 1024
_START_SECONDS = 60.0
"""For what the subprocess does before and after the plugins: time for a busy machine."""


@dataclass(slots=True, kw_only=True)
class FoundPlugin:
    """One installed plugin as the manifest tells of it.

    `description` is None when its import was not tried, or did not end; then `failure` may say why.
    """

    name: str
    version: str
    entry_points: tuple[str, ...]
    description: Mapping[str, Any] | None = None
    failure: str | None = None


@dataclass(slots=True)
class _Reading:
    """What one run of the manifest's subprocess told."""

    plugins: dict[str, FoundPlugin] = field(default_factory=dict)
    current: FoundPlugin | None = None
    ended: bool = False

    def take(self, line: bytes) -> None:
        try:
            told = json.loads(line)
        except ValueError:
            return  # a plugin wrote on the channel; what is ours still counts
        if not isinstance(told, dict):
            return
        if told.get("kind") == "begin":
            plugin = FoundPlugin(name=told["name"], version=told["version"], entry_points=tuple(told["entry_points"]))
            self.plugins[plugin.name] = plugin
            self.current = plugin
        elif told.get("kind") == "plugin" and self.current is not None and told["name"] == self.current.name:
            self.current.description = told
            self.current = None
        elif told.get("kind") == "end":
            self.ended = True
            self.current = None


async def discover(
    *, python: str, skip: Collection[str], deadline_seconds: float, only: str | None = None
) -> list[FoundPlugin]:
    """Every installed plugin, sorted by name; those in `skip` (canonical names) are told of but not imported.

    `only` (a canonical name) leaves out all others. `deadline_seconds` is for one plugin's import. Raises PluginsUnreadable when the
    subprocess fails before it comes to any plugin.
    """
    failures: dict[str, str] = {}
    while True:
        reading, complaint = await _read_manifest(
            plugin_command(
                python,
                "--manifest",
                str(os.getpid()),
                *([f"--only={only}"] if only else []),
                *sorted({*skip, *failures}),
            ),
            deadline_seconds=deadline_seconds,
        )
        if reading.ended:
            break
        if reading.current is None or canonical(reading.current.name) in failures:
            raise PluginsUnreadable(
                f"The plugins cannot be listed: the process that imports them {complaint}. What was known before stays in"
                " force. Look whether the server's Python environment is whole (`pip check`), then rescan again."
            )
        failures[canonical(reading.current.name)] = f"The import {complaint}."
    for plugin in reading.plugins.values():
        plugin.failure = failures.get(canonical(plugin.name))
    return list(reading.plugins.values())


async def _read_manifest(command: Collection[str], *, deadline_seconds: float) -> tuple[_Reading, str]:
    """What one subprocess told until it ended or stalled, and how that came about."""
    reading = _Reading()
    mark = secrets.token_hex(8)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=plugin_environ() | {WORKER_MARK: mark},
        start_new_session=True,
        limit=_MAX_LINE_BYTES,
    )
    assert process.stdout is not None
    try:
        while not reading.ended:
            async with asyncio.timeout(deadline_seconds if reading.current else _START_SECONDS):
                line = await process.stdout.readline()
            if not line:
                async with asyncio.timeout(_START_SECONDS):
                    return reading, describe_exit(await process.wait())
            reading.take(line)
    except TimeoutError:
        return reading, f"did not end within {deadline_seconds if reading.current else _START_SECONDS:g} s"
    except ValueError:
        return reading, f"gave a description of more than {_MAX_LINE_BYTES} bytes"
    finally:
        left = descendants_of(process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.to_thread(_end_daemons, left, mark)
        # What left the group may hold the pipe open; the process itself is gone.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await process.wait()
    return reading, "ended"


def _end_daemons(pids: Collection[int], mark: str) -> None:
    """Kill what left the group of the process that imported plugins."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    kill_marked({f"{WORKER_MARK}={mark}".encode()})
