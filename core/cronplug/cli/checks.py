"""What `cronplug check` looks at, without changing anything."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from cronplug import app
from cronplug.errors import CronplugError
from cronplug.registry import Registry
from cronplug.settings import Settings
from cronplug.store import Store, is_current


async def run_checks(settings: Settings) -> int:
    """Print one line per check; 1 when one of them failed, else 0."""
    failed = False
    for name, check in (("time zone", _check_zone), ("database", _check_database), ("plugins", _check_plugins)):
        try:
            told = await check(settings)
        except CronplugError as error:
            failed = True
            click.echo(f"FAILED  {name}: {error}")
        else:
            click.echo(f"ok      {name}: {told}")
    return 1 if failed else 0


async def _check_zone(settings: Settings) -> str:
    app.check_timezone(settings)
    return settings.default_timezone


async def _check_database(settings: Settings) -> str:
    if settings.is_sqlite and (place := _missing_file(settings)) is not None:
        return place
    store = await Store.open(settings.database_url, readers=1)
    try:
        await store.ping()
    finally:
        await store.close()
    if await is_current(settings.database_url):
        return f"{store.dialect} answers"
    return f"{store.dialect} answers; `cronplug migrate`, or the next start, brings its tables to this version"


def _missing_file(settings: Settings) -> str | None:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if path.exists():
        return None
    nearest = next(folder for folder in path.parents if folder.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise CronplugError(f"{path} cannot be made: {nearest} is not writable by uid {os.getuid()}.")
    return f"{path} will be made at the first start"


async def _check_plugins(settings: Settings) -> str:
    logging.getLogger("cronplug.registry").addHandler(logging.NullHandler())  # its warnings are told below
    registry = Registry(blocked=settings.plugins_block, trusted=settings.plugins_trusted)
    records = await registry.rescan()
    broken = [record for record in records if record.status == "broken"]
    if broken:
        told = "; ".join(f"{record.name}: {(record.error or '').strip().splitlines()[-1]}" for record in broken)
        raise CronplugError(f"{len(broken)} of {len(records)} are broken: {told}")
    return f"{len(records)} with {len(registry.functions())} functions"
