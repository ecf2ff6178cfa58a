"""Commands that work on the server's own data: serve, migrate, token, check."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import click

from cronplug.cli.allocator import share_arenas
from cronplug.cli.options import FLAG_HELP, PLUGINS, STORAGE, with_settings

if TYPE_CHECKING:
    from cronplug.settings import Settings


@click.command()
@with_settings(*FLAG_HELP)
def serve(settings: Settings) -> int:
    """Run the scheduler with its API and admin.

    Migrates the database first. SIGTERM and SIGINT end it gracefully, a second one at once.
    """
    share_arenas()
    gc.disable()  # what is imported stays: looking through it for garbage, again and again, is a tenth of the start
    from cronplug import app

    gc.enable()
    gc.freeze()
    return app.serve(settings)


@click.command()
@with_settings(*STORAGE)
def migrate(settings: Settings) -> None:
    """Bring the database to this version's schema.

    `serve` does the same at start. An existing SQLite file is copied first.
    """
    from cronplug import app

    done = app.migrate_database(settings)
    if done.before == done.after:
        click.echo(f"The database is at schema {done.after}; nothing to do.")
    else:
        click.echo(f"Migrated the database from schema {done.before or 'none'} to {done.after}.")


@click.command()
@with_settings(*STORAGE)
def token(settings: Settings) -> None:
    """Make a new API token and print it.

    Works beside a running server. The token is shown once; only its hash is stored.
    """
    from cronplug import app

    click.echo(app.make_token(settings))


@click.command()
@with_settings(*STORAGE, *PLUGINS)
def check(settings: Settings) -> int:
    """Check settings, database and plugins without starting anything.

    Exit code 1 when something would keep the server from doing its work.
    """
    from cronplug.cli.checks import run_checks

    return asyncio.run(run_checks(settings))
