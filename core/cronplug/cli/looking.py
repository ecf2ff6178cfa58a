"""Commands that need no server: functions, plugins, preview, openapi, version."""

from __future__ import annotations

import asyncio
import logging
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import click

from cronplug.cli.client import Client, with_client
from cronplug.cli.options import PLUGINS, with_settings
from cronplug.cli.text import plain, show_facts, show_json, show_table

if TYPE_CHECKING:
    from cronplug.model import PluginRecord
    from cronplug.registry import Registry
    from cronplug.settings import Settings


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings(*PLUGINS)
def functions(settings: Settings, name: str | None, as_json: bool) -> int:
    """List the functions of installed plugins, or show one."""
    registry = asyncio.run(_look(settings))
    found = [function for function in registry.functions() if name in (None, function.name)]
    if as_json:
        show_json([_function_facts(function) for function in found])
    elif name is None:
        show_table(
            ("name", "plugin", "isolation", "description"),
            [(f.name, f"{f.plugin} {f.version}", f.isolation, f.description.partition("\n")[0]) for f in found],
        )
    else:
        for function in found:
            show_facts(list(_function_facts(function).items()))
    for record in registry.plugins():
        if record.status == "broken" and (name is None or not found):
            cause = (record.error or "its record tells no error").strip().splitlines()[-1]
            click.echo(f"cronplug: plugin {record.name} {record.version} is broken: {plain(cause)}", err=True)
    if name is not None and not found:
        click.echo(f"cronplug: no installed plugin registers a function called {name!r}.", err=True)
        return 1
    return 0


def _function_facts(function: Any) -> dict[str, Any]:
    return {
        "name": function.name,
        "title": function.title,
        "plugin": function.plugin,
        "version": function.version,
        "description": function.description,
        "isolation": function.isolation,
        "isAsync": function.is_async,
        "timeoutSeconds": function.timeout_seconds,
        "maxRetries": function.max_retries,
        "idempotent": function.idempotent,
        "tags": list(function.tags),
        "payloadSchema": dict(function.payload_schema),
    }


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings(*PLUGINS)
def plugins(settings: Settings, as_json: bool) -> None:
    """List the installed plugins and what became of them."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    registry = asyncio.run(_look(settings))
    _show_plugins([_plugin_facts(record) for record in registry.plugins()], as_json=as_json)


@plugins.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_client
def rescan(client: Client, as_json: bool) -> None:
    """Have the running server look for new, upgraded and removed plugins."""
    _show_plugins(client.post("plugins/rescan")["list"], as_json=as_json)


def _plugin_facts(record: PluginRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "status": record.status,
        "error": record.error,
        "functions": list(record.functions),
        "warnings": list(record.warnings),
        "importSeconds": record.import_seconds,
    }


def _show_plugins(records: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(records)
        return
    show_table(
        ("name", "version", "status", "functions"),
        [(r["name"], r["version"], r["status"], ", ".join(r["functions"])) for r in records],
    )
    for record in records:
        for line in [*([record["error"]] if record["error"] else []), *record["warnings"]]:
            click.echo(f"\n{plain(record['name'])}: {line.rstrip()}")


async def _look(settings: Settings) -> Registry:
    from cronplug.registry import Registry

    logging.getLogger("cronplug.registry").addHandler(logging.NullHandler())  # the commands tell its warnings
    registry = Registry(blocked=settings.plugins_block, trusted=settings.plugins_trusted)
    await registry.rescan()
    return registry


@click.command()
@click.argument("cron")
@click.option("--tz", "timezone", help="Time zone, e.g. Europe/Berlin.  [default: SCHEDULER_DEFAULT_TIMEZONE]")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, help="How many fire times.")
@with_settings("SCHEDULER_DEFAULT_TIMEZONE")
def preview(settings: Settings, cron: str, timezone: str | None, count: int) -> int:
    """Say what the expression CRON means and when it fires next."""
    from cronplug import schedules
    from cronplug.clock import SystemClock

    try:
        schedule = schedules.parse_schedule(cron_expression=cron, timezone=timezone or settings.default_timezone)
    except schedules.ScheduleError as error:
        fault = error.errors[0]
        click.echo(f"cronplug: {fault.message}", err=True)
        if fault.position is not None and cron.isprintable():
            click.echo(f"  {cron}\n  {' ' * fault.position}^", err=True)
        return 1
    told = schedules.preview(schedule, after=SystemClock().now(), count=count)
    click.echo(f"{told.description} ({told.timezone})")
    for occurrence in told.occurrences:
        note = f"  {occurrence.note}" if occurrence.note else ""
        click.echo(f"  {occurrence.local.replace('T', ' ')} {occurrence.offset}{note}")
    for warning in told.warnings:
        click.echo(f"Note: {warning.message}")
    return 0


@click.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 description of the REST API."""
    from cronplug.api import openapi_document

    show_json(openapi_document())


@click.command()
def version() -> None:
    """Print the versions of cronplug and Python."""
    click.echo(f"cronplug {metadata.version('cronplug')} (Python {platform.python_version()})")
