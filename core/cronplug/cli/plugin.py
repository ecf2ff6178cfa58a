"""Commands for plugin authors: plugin new, plugin check. They need neither server nor database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cronplug.authoring.scaffold import LICENSES, write_plugin
from cronplug.cli.text import plain, show_json, show_table

if TYPE_CHECKING:
    from cronplug.authoring.verdicts import Report


@click.group()
def plugin() -> None:
    """Write a plugin of your own, and check it."""


@plugin.command()
@click.argument("name")
@click.option(
    "--dir",
    "parent",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder to make the plugin's own folder in.  [default: here]",
)
@click.option("--license", "license_name", type=click.Choice(LICENSES), default="MIT", show_default=True)
@click.option("--author", metavar="NAME", help="Who the package is by.  [default: its authors]")
def new(name: str, parent: Path, license_name: str, author: str | None) -> None:
    """Write a new plugin called NAME, a complete package with tests. Nothing is ever overwritten.

    NAME is the name of the distribution, such as acme-reports; its folder gets the same name.
    """
    made = write_plugin(name, parent=parent, license_name=license_name, author=author)
    click.echo(f"Made {made.folder}:")
    for file in made.files:
        click.echo(f"  {file}")
    click.echo("\nNext:")
    for command, why in made.next_steps:
        click.echo(f"  {command}\n      {why}")


@plugin.command()
@click.argument("path")
@click.option("--function", metavar="NAME", help="Run this function in a worker.")
@click.option("--payload", metavar="JSON", help="What to run it with.  [default: its defaults and examples]")
@click.option("--all", "every", is_flag=True, help="Run every function with its defaults and examples.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Time limit of each run.",
)
@click.option("--strict", is_flag=True, help="A warning fails the check too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    path: str, function: str | None, payload: str | None, every: bool, timeout: float, strict: bool, as_json: bool
) -> int:
    """Check that a plugin keeps the contract.

    PATH is a folder with a pyproject.toml, or the name of an installed distribution; nothing is installed. The plugin
    is imported in a process of its own. Its functions run only when you ask for it, since with them anything may
    happen: then also what they leave behind and how they end when cancelled is looked at, so one may run several times.
    """
    from cronplug.authoring.conformance import Wanted, check_plugin

    if every and (function is not None or payload is not None):
        raise click.UsageError("--all goes without --function and --payload.")
    wanted = Wanted(function=function, payload=_read_payload(payload), every=every, timeout_seconds=timeout)
    report = check_plugin(path, wanted)
    if as_json:
        show_json(report.as_json())
    else:
        _show_report(report)
    return 1 if report.verdict == "fail" or (strict and report.verdict == "warn") else 0


def _read_payload(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        payload = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"this is not JSON: {error}", param_hint="--payload") from error
    if not isinstance(payload, dict):
        raise click.BadParameter("a payload is a JSON object.", param_hint="--payload")
    return payload


def _show_report(report: Report) -> None:
    show_table(
        ("verdict", "check", "function", "what was found"),
        [(found.verdict, found.check, found.function, found.message) for found in report.findings],
    )
    for found in report.findings:
        if found.details:
            click.echo(f"\n{found.check}{f' of {found.function}' if found.function else ''}:")
            for line in found.details:
                click.echo(f"  {plain(line)}")
    counts = ", ".join(f"{report.count(verdict)} {verdict}" for verdict in ("pass", "warn", "fail", "skip"))
    click.echo(f"\n{plain(report.plugin)} {plain(report.version)}: {report.verdict} ({counts})")
