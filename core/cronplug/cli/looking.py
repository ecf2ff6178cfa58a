"""Commands that need no server: functions, plugins, preview, openapi, version."""

from __future__ import annotations

import asyncio
import logging
import platform
from datetime import UTC, datetime
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
        "memoryMb": function.memory_mb,
        "maxRetries": function.max_retries,
        "retryDelaySeconds": function.retry_delay_seconds,
        "retryBackoff": function.retry_backoff,
        "retryMaxDelaySeconds": function.retry_max_delay_seconds,
        "retryJitterPercent": function.retry_jitter_percent,
        "retryOn": list(function.retry_on),
        "noRetryOn": list(function.no_retry_on),
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
        "hooks": list(record.hooks),
        "hookFaults": [],  # those are a running server's to tell
        "entryPoints": list(record.entry_points),
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
        faults = [f"{f['hook']} failed {f['count']} times, last: {f['message']}" for f in record["hookFaults"]]
        for line in [*([record["error"]] if record["error"] else []), *record["warnings"], *faults]:
            click.echo(f"\n{plain(record['name'])}: {line.rstrip()}")


async def _look(settings: Settings) -> Registry:
    from cronplug.registry import Registry

    logging.getLogger("cronplug.registry").addHandler(logging.NullHandler())  # the commands tell its warnings
    registry = Registry(blocked=settings.plugins_block, trusted=settings.plugins_trusted)
    await registry.rescan()
    return registry


class _Instant(click.ParamType[datetime]):
    """An instant with its offset from UTC."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware datetime of an RFC 3339 text, cut to whole seconds."""
        try:
            at = datetime.fromisoformat(value.upper())
        except ValueError:
            at = None
        if at is None or at.tzinfo is None or not 1970 <= at.year < 2200:
            self.fail(f"{value!r} is not an instant such as 2026-03-29T02:30:00Z or 2026-03-29T02:30:00+01:00.")
        return at.astimezone(UTC).replace(microsecond=0)


@click.command()
@click.argument("cron", required=False)
@click.option("--tz", "timezone", help="Time zone, e.g. Europe/Berlin.  [default: SCHEDULER_DEFAULT_TIMEZONE]")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, help="How many fire times.")
@click.option("--after", type=_Instant(), help="Look from this instant on.  [default: now]")
@click.option("--every", type=click.IntRange(1, 31_622_400), metavar="SECONDS", help="Every so many seconds instead.")
@click.option("--at", type=_Instant(), help="Once at this instant instead; with --every, counted from it.")
@with_settings("SCHEDULER_DEFAULT_TIMEZONE")
def preview(
    settings: Settings,
    cron: str | None,
    timezone: str | None,
    count: int,
    after: datetime | None,
    every: int | None,
    at: datetime | None,
) -> int:
    """Say what the expression CRON means and when it fires next.

    In the place of CRON, --every SECONDS and --at INSTANT show the other kinds of schedule.
    """
    from cronplug import schedules
    from cronplug.clock import SystemClock
    from cronplug.model import CronRule, IntervalRule, OnceRule, ScheduleRule, TaskDefinition, TaskType

    if (cron is None) == (every is None and at is None):
        raise click.UsageError("Give either CRON, or --every or --at.")
    zone = timezone or settings.default_timezone
    after = after or SystemClock().now()
    rule: ScheduleRule
    if cron is not None:
        rule = CronRule(cron_expression=cron, timezone=zone)
    elif every is not None:
        rule = IntervalRule(every_seconds=every, anchor_at=at or after.replace(microsecond=0), timezone=zone)
    else:
        assert at is not None
        rule = OnceRule(at=at, timezone=zone)
    try:
        definition = TaskDefinition(name="", type=TaskType.FUNCTION, schedules=(rule,))
        told = schedules.preview(schedules.shown_schedule(definition), after=after, count=count)
    except schedules.ScheduleError as error:
        fault = error.errors[0]
        click.echo(f"cronplug: {fault.message}", err=True)
        if fault.position is not None and cron is not None and cron.isprintable():
            click.echo(f"  {cron}\n  {' ' * fault.position}^", err=True)
        return 1
    click.echo(f"{told.description} ({told.timezone})" if cron is not None else told.description)
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
