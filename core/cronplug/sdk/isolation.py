"""What every process that imports plugin code has in common: how it is started, and what it does not get to see."""

from __future__ import annotations

import os
from collections.abc import Mapping

HIDDEN_VARIABLES = frozenset(
    {
        "SCHEDULER_ADMIN_TOKEN",
        "SCHEDULER_ADMIN_TOKEN_FILE",
        "SCHEDULER_DATABASE_URL",
        "SCHEDULER_DATABASE_URL_FILE",
    }
)


def plugin_environ(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment (of this process by default) without the keys to the platform."""
    return {name: value for name, value in (environ or os.environ).items() if name not in HIDDEN_VARIABLES}


def plugin_command(python: str, *arguments: str) -> list[str]:
    """The command line of a plugin process; `-P` keeps the working directory off its import path."""
    return [python, "-P", "-m", "cronplug.worker", *arguments]
