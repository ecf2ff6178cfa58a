"""What every process that imports plugin code has in common: how it is started, and what it does not get to see."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

HIDDEN_VARIABLES = frozenset(
    {
        "SCHEDULER_ADMIN_TOKEN",
        "SCHEDULER_ADMIN_TOKEN_FILE",
        "SCHEDULER_DATABASE_URL",
        "SCHEDULER_DATABASE_URL_FILE",
    }
)

ADDRESS_POLICY = "CRONPLUG_ADDRESS_POLICY"
"""The variable that tells a worker which addresses `ctx.http` may reach."""

WORKER_MARK = "CRONPLUG_WORKER"
"""The variable that tells what a worker's functions started, wherever it has gone since, from everything else."""

HIDDEN_PREFIX = "SCHEDULER_SQL_"

PYDANTIC_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
"""The variable that keeps pydantic from reading the entry points of every installed distribution: at the first model it
would stop at one whose file is not text, and with it every process that has models."""


def plugin_environ(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment (of this process by default) without the keys to the platform and to databases."""
    return {PYDANTIC_PLUGINS: "__all__"} | {
        name: value
        for name, value in (environ or os.environ).items()
        if name not in HIDDEN_VARIABLES and not name.startswith(HIDDEN_PREFIX)
    }


def plugin_command(python: str, *arguments: str) -> list[str]:
    """The command line of a plugin process; `-P` keeps the working directory off its import path."""
    return [python, "-P", "-m", "cronplug.worker", *arguments]


def describe_exit(code: int) -> str:
    """How a process ended, as a verb; `code` is negative for a signal, as in `subprocess`.

    >>> describe_exit(-11), describe_exit(3)
    ('was killed by SIGSEGV', 'exited with code 3')
    """
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
