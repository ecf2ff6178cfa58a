"""The manifest's process: standard output carries the manifest alone, and nothing a plugin left running delays the end."""

from __future__ import annotations

import os
from typing import NoReturn

from cronplug.registry.manifest import write_manifest
from cronplug.sdk.processes import adopt_orphans, kill_descendants
from cronplug.worker.parent import die_with


def list_plugins(*, parent: int, skip: frozenset[str], only: str | None = None) -> NoReturn:
    """Write the manifest (of the plugin `only`, if given) and end this process at once, whatever threads and exit
    handlers plugins left, and what plugins have started. It ends with the process `parent` too: nobody else would end an
    import that hangs.
    """
    die_with(parent)
    adopt_orphans()
    channel = os.dup(1)
    os.dup2(2, 1)

    def write_line(line: str) -> None:
        data = memoryview(line.encode() + b"\n")
        while data:
            data = data[os.write(channel, data) :]

    write_manifest(write_line, skip=skip, only=only)
    kill_descendants()
    os._exit(0)
