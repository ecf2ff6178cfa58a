"""Commands that ask a running server: tasks, logs."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from cronplug.cli.client import Client, ServerError, with_client
from cronplug.cli.text import coloured, plain, show_facts, show_json, show_table, time_text

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def tasks() -> None:
    """List, show, run and switch the tasks of a running server.

    TASK is an id, or a name that only one task has.
    """


@tasks.command("list")
@click.option("-q", "--query", help="Words in name, description or function.")
@click.option("--type", "task_type", type=click.Choice(["function", "http"]), help="Only this type.")
@click.option("--tag", help="Only tasks with this tag.")
@click.option("--enabled/--disabled", default=None, help="Only those that are on, or off.")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True)
@click.option("--page-size", type=click.IntRange(1, 100), default=50, show_default=True)
@_JSON
@with_client
def list_tasks(
    client: Client,
    query: str | None,
    task_type: str | None,
    tag: str | None,
    enabled: bool | None,
    page: int,
    page_size: int,
    as_json: bool,
) -> None:
    """List tasks, newest first."""
    switch = None if enabled is None else str(enabled).lower()
    found = client.get("tasks", q=query, type=task_type, tag=tag, enabled=switch, page=page, pageSize=page_size)
    if as_json:
        show_json(found)
        return
    show_table(
        ("id", "name", "state", "schedule", "next run", "last"),
        [
            (
                task["id"],
                task["name"],
                task["state"],
                _schedule_text(task),
                time_text(task["nextRunAt"]),
                (task["lastExecution"] or {}).get("status"),
            )
            for task in found["list"]
        ],
    )
    shown = (page - 1) * page_size + len(found["list"])
    if shown < found["total"]:
        click.echo(f"{shown} of {found['total']}; more with --page {page + 1}", err=True)


def _schedule_text(task: dict[str, Any]) -> str:
    if not task["schedules"]:
        return "by hand"
    if len(task["schedules"]) > 1 or not task["cronExpression"]:
        return task["scheduleDescription"] or "cannot be read"
    zone = "" if task["timezone"] == "UTC" else f" {task['timezone']}"
    return f"{task['cronExpression']}{zone}"


@tasks.command()
@click.argument("task")
@_JSON
@with_client
def show(client: Client, task: str, as_json: bool) -> None:
    """Show a task and its newest executions."""
    detail = client.get(f"tasks/{_task_id(client, task)}")
    if as_json:
        show_json(detail)
        return
    told = detail["task"]
    what = told["functionName"] if told["type"] == "function" else f"{told['httpMethod']} {told['httpUrl']}"
    show_facts(
        [
            ("name", told["name"]),
            ("id", told["id"]),
            ("description", told["description"]),
            ("tags", ", ".join(told["tags"])),
            ("state", told["state"]),
            ("runs", what),
            ("payload", told["functionPayload"]),
            ("schedule", _schedule_text(told)),
            ("next run", time_text(told["nextRunAt"])),
            ("catch-up", told["catchUp"]),
            ("retries", f"{told['maxRetries']}, {told['retryDelaySeconds']} s apart" if told["maxRetries"] else "none"),
            ("time limit", f"{told['timeoutSeconds']} s"),
        ]
    )
    if detail["recentExecutions"]:
        click.echo()
        _show_executions(detail["recentExecutions"])


def _show_executions(executions: list[dict[str, Any]]) -> None:
    show_table(
        ("execution", "for", "trigger", "status", "attempt", "result"),
        [
            (
                e["id"],
                time_text(e["scheduledFor"]),
                e["trigger"],
                e["status"],
                e["attempt"],
                e["errorMessage"] or e["resultSummary"],
            )
            for e in executions
        ],
    )


@tasks.command()
@click.argument("task")
@click.option("--payload", help="JSON object that replaces the stored payload this once.")
@click.option("-f", "--follow", is_flag=True, help="Print the output, wait for the end; exit code 1 unless success.")
@click.option("--force", is_flag=True, help="Run beside what is unfinished, whatever the task's overlap says.")
@with_client
def run(client: Client, task: str, payload: str | None, follow: bool, force: bool) -> int:
    """Run a task now, enabled or not; prints the execution's id. Exit code 1 when its overlap skips it."""
    body = {} if payload is None else {"payload": _json_object(payload)}
    made = client.post(f"tasks/{_task_id(client, task)}/trigger{'?force=true' if force else ''}", body)
    execution_id = made["executionId"]
    if not made["triggered"]:
        click.echo(f"execution {execution_id}", err=True)
        click.echo(f"skipped: {plain(made['message'] or '')} Run it anyway with --force.", err=True)
        return 1
    if not follow:
        click.echo(execution_id)
        return 0
    click.echo(f"execution {execution_id}", err=True)
    return 0 if _follow(client, execution_id) == "success" else 1


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--payload") from error
    if not isinstance(value, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--payload")
    return value


@tasks.command()
@click.argument("task", nargs=-1, required=True)
@click.option(
    "--catch-up",
    type=click.Choice(["none", "last", "all"]),
    default="none",
    show_default=True,
    help="What of the fire times that passed meanwhile runs now.",
)
@with_client
def enable(client: Client, task: tuple[str, ...], catch_up: str) -> None:
    """Switch tasks on. None of them fires at once because of it, unless something is to be caught up."""
    _toggle(client, task, {"enabled": True, "catchUp": catch_up})


@tasks.command()
@click.argument("task", nargs=-1, required=True)
@with_client
def disable(client: Client, task: tuple[str, ...]) -> None:
    """Switch tasks off. What runs already goes on."""
    _toggle(client, task, {"enabled": False})


def _toggle(client: Client, names: tuple[str, ...], switch: dict[str, Any]) -> None:
    for name in names:
        changed = client.post(f"tasks/{_task_id(client, name)}/toggle", switch)
        following = f", next run {time_text(changed['nextRunAt'])}" if changed["nextRunAt"] else ""
        click.echo(f"{plain(changed['name'])}: {'on' if changed['enabled'] else 'off'}{following}")


@click.command()
@click.argument("target", metavar="EXECUTION|TASK")
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution has ended.")
@with_client
def logs(client: Client, target: str, follow: bool) -> None:
    """Print the output of an execution, or of a task's newest one."""
    execution_id = _execution_id(client, target)
    if follow:
        _follow(client, execution_id)
        return
    offset: int | None = 0
    while offset is not None:
        found = client.get(f"executions/{execution_id}/log", offset=offset, limit=1000)
        for line in found["list"]:
            _show_line(line)
        offset = found["nextOffset"] if found["list"] else None


def _follow(client: Client, execution_id: str) -> str:
    for event, data in client.stream(f"executions/{execution_id}/log/stream"):
        if event == "line":
            _show_line(data)
    execution = client.get(f"executions/{execution_id}")
    why = execution["errorMessage"] or execution["resultSummary"]
    click.echo(f"{execution['status']}{f': {plain(why)}' if why else ''}", err=True)
    return str(execution["status"])


def _show_line(line: dict[str, Any]) -> None:
    level = f"{line['level'].upper()}: " if line["level"] in ("warning", "error", "critical") else ""
    click.echo(f"{line['at'][11:23]} {level}{coloured(line['text'])}")


def _execution_id(client: Client, target: str) -> str:
    try:
        return str(client.get(f"executions/{quote(target, safe='')}")["id"])
    except ServerError as error:
        if error.status != 404:
            raise
    newest = client.get("executions", taskId=_task_id(client, target), pageSize=1)["list"]
    if not newest:
        raise ServerError(f"The task {target!r} has not run yet.", status=404)
    return str(newest[0]["id"])


def _task_id(client: Client, text: str) -> str:
    try:
        return str(client.get(f"tasks/{quote(text, safe='')}")["task"]["id"])
    except ServerError as error:
        if error.status != 404:
            raise
    found = client.get("tasks", q=text, pageSize=100)["list"]
    named = [task["id"] for task in found if task["name"] == text]
    if len(named) > 1:
        raise ServerError(f"{len(named)} tasks are called {text!r}; give an id: {', '.join(named)}", status=409)
    if not named:
        raise ServerError(f"There is no task with the id or name {text!r}.", status=404)
    return str(named[0])
