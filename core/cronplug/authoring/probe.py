"""Imports a plugin in a subprocess with a deadline, and tells what that did."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from cronplug.authoring.targets import Target
from cronplug.authoring.workers import python_path
from cronplug.sdk.isolation import WORKER_MARK, describe_exit, plugin_environ
from cronplug.sdk.processes import kill_marked

IMPORT_DEADLINE_SECONDS = 20.0
"""As long as the server gives an import."""
_START_SECONDS = 60.0
"""For what the subprocess does before the import: time for a busy machine."""
_GAVE_UP = "Timeout ("
"""How faulthandler begins when the deadline has passed."""
_MAX_OUTPUT_BYTES = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the import did. `told` is what the plugin offers, as in the manifest, and what it left running.

    `failure` says as a verb why nothing was told, then `told` is empty. `output` is the last of what was written at import.
    """

    told: Mapping[str, Any]
    failure: str | None
    output: str


def probe_plugin(target: Target, *, deadline_seconds: float = IMPORT_DEADLINE_SECONDS) -> Probe:
    """Import the plugin once; whatever that does ends with the subprocess."""
    plugin = target.plugin
    with tempfile.TemporaryFile() as channel, tempfile.TemporaryFile() as output:
        request = {
            "channel": channel.fileno(),
            "distribution": plugin.name,
            "version": plugin.version,
            "entry_points": [[point.name, point.value] for point in plugin.entry_points],
            "deadline_seconds": deadline_seconds,
        }
        mark = secrets.token_hex(8)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cronplug.authoring.probe_process", json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[channel.fileno()],
            env={
                **plugin_environ(),
                WORKER_MARK: mark,
                "PYTHONPATH": python_path(target.paths, os.environ.get("PYTHONPATH")),
            },
            start_new_session=True,
        )
        try:
            how = describe_exit(process.wait(timeout=deadline_seconds + _START_SECONDS))
        except subprocess.TimeoutExpired:
            how = "did not end"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            kill_marked({f"{WORKER_MARK}={mark}".encode()})
            process.wait()
        told, text = _read_told(channel), _read_output(output)
        if _GAVE_UP in text:
            how = f"did not end within {deadline_seconds:g} s"
        return Probe(told=told, failure=None if told else how, output=text)


def _read_told(channel: IO[bytes]) -> Mapping[str, Any]:
    channel.seek(0)
    try:
        told = json.loads(channel.read())
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _read_output(output: IO[bytes]) -> str:
    """The last part of it, where the reason of a failure is."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _MAX_OUTPUT_BYTES))
    return output.read(_MAX_OUTPUT_BYTES).decode(errors="replace")
