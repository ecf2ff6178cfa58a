"""Options that several commands share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cronplug.settings import PREFIX, load_settings

FLAG_HELP = {
    "SCHEDULER_HOST": "Address to listen on.",
    "SCHEDULER_PORT": "Port to listen on.",
    "SCHEDULER_BASE_URL": "How people reach the server, e.g. https://cron.example.com.",
    "SCHEDULER_DATA_DIR": "Folder of the SQLite file.",
    "SCHEDULER_DATABASE_URL": "sqlite:////path/to/file.db or postgresql://user:password@host/database.",
    "SCHEDULER_MAX_CONCURRENCY": "Executions running at once.",
    "SCHEDULER_WORKERS": "Most worker processes.",
    "SCHEDULER_LOG_RETENTION_DAYS": "How long successes are kept.",
    "SCHEDULER_FAILED_RETENTION_DAYS": "How long failures are kept.",
    "SCHEDULER_AUTH": "token, or none (on loopback only).",
    "SCHEDULER_DEFAULT_TIMEZONE": "Zone of tasks that name none.",
    "SCHEDULER_DRAIN_SECONDS": "How long running work may finish at shutdown.",
    "SCHEDULER_MIN_INTERVAL_SECONDS": "Shortest interval a schedule may have.",
    "SCHEDULER_LOG_LEVEL": "debug, info, warning or error.",
    "SCHEDULER_LOG_FORMAT": "text or json.",
    "SCHEDULER_SQLITE_SYNCHRONOUS": "full, or normal (faster; a power cut may lose the last moments).",
    "SCHEDULER_HTTP_ALLOW": "Networks that HTTP tasks may reach besides.",
    "SCHEDULER_HTTP_DENY": "Networks that HTTP tasks may not reach.",
    "SCHEDULER_PLUGINS_BLOCK": "Distributions that are not loaded.",
    "SCHEDULER_PLUGINS_TRUSTED": "Distributions whose functions may run in the server itself.",
    "SCHEDULER_BACKUP_DIR": "Folder that backups go to.",
    "SCHEDULER_SHELL_ALLOW": "Programs that shell.run may start: absolute paths, or *.",
}
"""Every setting but the secrets (the admin token, databases for sql.query) is a flag too: every user of the host can
read a command line."""

STORAGE = ("SCHEDULER_DATA_DIR", "SCHEDULER_DATABASE_URL")
PLUGINS = ("SCHEDULER_PLUGINS_BLOCK", "SCHEDULER_PLUGINS_TRUSTED")

Command = Callable[..., Any]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command flags for the settings `names`, and all settings as its first argument."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(env_file: Path | None, **arguments: Any) -> Any:
            given = {name: arguments.pop(_destination(name)) for name in names}
            overrides = {name: value for name, value in given.items() if value is not None}
            settings = load_settings(os.environ, env_file=env_file or Path(".env"), overrides=overrides)
            return command(settings, **arguments)

        decorated: Command = click.option(
            "--env-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="File with settings, one NAME=value a line.  [default: .env, if it exists]",
        )(run)
        for name in reversed(names):
            decorated = click.option(_flag(name), _destination(name), metavar="VALUE", help=FLAG_HELP[name])(decorated)
        return decorated

    return decorate


def _flag(name: str) -> str:
    return "--" + name.removeprefix(PREFIX).lower().replace("_", "-")


def _destination(name: str) -> str:
    return name.lower()
