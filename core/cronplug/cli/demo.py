"""`cronplug demo`: a database full of life, to look at the admin with and to measure by."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cronplug.cli.options import STORAGE, with_settings

if TYPE_CHECKING:
    from cronplug.settings import Settings


@click.command()
@with_settings(*STORAGE)
@click.option("--database", metavar="URL", help="The same as --database-url.")
@click.option("--tasks", "task_count", type=click.IntRange(1, 1_000_000), default=200, show_default=True)
@click.option(
    "--executions", type=click.IntRange(0, 100_000_000), default=20_000, show_default=True, help="About as many."
)
@click.option("--days", type=click.IntRange(1, 365), default=90, show_default=True, help="How far back they go.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed makes the same tasks.")
@click.option("--quiet-schedules", is_flag=True, help="No task fires within a day.")
@click.option("--force", is_flag=True, help="Fill a database that holds tasks already.")
def demo(
    settings: Settings,
    database: str | None,
    task_count: int,
    executions: int,
    days: int,
    seed: int,
    quiet_schedules: bool,
    force: bool,
) -> None:
    """Fill a new database with made-up tasks and their history.

    What the tasks run does no harm: example functions, and HTTP requests to this machine that nothing answers. Then
    start the server with the same database. It must not be running meanwhile.
    """
    from cronplug import app
    from cronplug.cli.demo_filling import fill
    from cronplug.store import database_lock

    if database is not None:
        settings = dataclasses.replace(settings, database_url=database)
    began = time.perf_counter()
    app.migrate_database(settings)
    with database_lock(settings.database_url):
        made = asyncio.run(
            fill(
                settings,
                tasks=task_count,
                executions=executions,
                days=days,
                chance=random.Random(seed),
                quiet=quiet_schedules,
                force=force,
            )
        )
    where = Path(settings.database_url.removeprefix("sqlite:///")) if settings.is_sqlite else "the database"
    seconds = time.perf_counter() - began
    click.echo(f"Made {task_count:,} tasks and {made:,} executions of {days} days in {seconds:.1f} s: {where}")
