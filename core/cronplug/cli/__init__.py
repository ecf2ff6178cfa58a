"""The command `cronplug`.

`options` turns settings into flags; `serving` has what works on the server's own data, `looking` what needs neither
server nor database, `plugin` what plugin authors need, `remote` what asks a running server over REST (`client`).
Commands import what they need when they run, so that help and short commands are quick.

Exit codes: 0 done; 1 what was asked for failed or is not there; 2 wrong usage or a bad setting; 3 the server cannot be
reached or refuses the token; 4 the database cannot be used; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from cronplug.cli.calendars import calendars
from cronplug.cli.demo import demo
from cronplug.cli.looking import functions, openapi, plugins, preview, version
from cronplug.cli.plugin import plugin
from cronplug.cli.remote import logs, tasks
from cronplug.cli.serving import check, migrate, serve, token
from cronplug.cli.upgrades import check_upgrade
from cronplug.errors import CronplugError, SettingsError, StoreError
from cronplug.sdk.isolation import PYDANTIC_PLUGINS

FAILED, USAGE, UNREACHABLE, DATABASE, INTERRUPTED = 1, 2, 3, 4, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="cronplug", message="%(prog)s %(version)s")
def cli() -> None:
    """Schedule the functions of pip-installed packages, and watch them run.

    \b
    Start here:
      cronplug serve                          serve the admin and the API on http://127.0.0.1:3399
      cronplug preview "0 9 * * MON" --tz Europe/Berlin
      cronplug tasks run nightly-report --follow

    Settings are SCHEDULER_* environment variables, lines of an .env file, or flags (which win).
    """


for command in (
    serve,
    migrate,
    token,
    check,
    demo,
    tasks,
    calendars,
    logs,
    functions,
    plugins,
    plugin,
    preview,
    openapi,
    version,
):
    cli.add_command(command)
plugins.add_command(check_upgrade)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. What goes wrong is told in one line on standard error."""
    os.environ.setdefault(PYDANTIC_PLUGINS, "__all__")  # no package that happens to be installed stops us
    try:
        done = cli.main(args=arguments, prog_name="cronplug", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except CronplugError as error:
        click.echo(f"cronplug: {error}", err=True)
        return USAGE if isinstance(error, SettingsError) else DATABASE if isinstance(error, StoreError) else FAILED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return done if isinstance(done, int) else 0
