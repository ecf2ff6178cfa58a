"""plugins check: what another version of a plugin would mean for the tasks of a running server."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from cronplug.cli.client import Client, with_client
from cronplug.cli.text import plain, show_json, show_table
from cronplug.errors import PluginError

if TYPE_CHECKING:
    from cronplug.authoring.targets import Target

_MAX_WHEEL_BYTES = 1 << 30


@click.command("check")
@click.argument("distribution", metavar="[DIST]", required=False)
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Look at the version in this wheel.",
)
@click.option(
    "--path",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Look at the version in this folder: a project, or what `pip install --target` filled.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_client
def check_upgrade(
    client: Client, distribution: str | None, wheel: Path | None, folder: Path | None, as_json: bool
) -> int:
    """Tell which tasks another version of a plugin would break, or heal, before it is taken.

    Without --wheel and --path that is what is installed beside the server now and comes with its next rescan, of the
    plugin DIST or of all. Nothing is installed or changed; the new version is imported in a process of its own, by this
    Python. Exit code 1 when a task that runs now would not.
    """
    if wheel is not None and folder is not None:
        raise click.UsageError("Give --wheel or --path, not both.")
    if wheel is not None or folder is not None:
        with _target(wheel, folder, distribution) as target:
            found = [client.post(_impact(target.plugin.name), _read(target))]
    else:
        names = [distribution] if distribution else [plugin["name"] for plugin in client.get("plugins")["list"]]
        found = [client.get(_impact(name)) for name in names]
    if as_json:
        show_json(found)
    else:
        for impact in found:
            _show(impact)
    return 1 if any(not task["already"] for impact in found for task in impact["tasks"]) else 0


def _impact(name: str) -> str:
    return f"plugins/{quote(name, safe='')}/impact"


@contextmanager
def _target(wheel: Path | None, folder: Path | None, distribution: str | None) -> Iterator[Target]:
    """The plugin in a wheel or folder. Raises PluginError when it is none, or another than `distribution`."""
    from cronplug.authoring.targets import Target, find_target
    from cronplug.registry.installed import GROUP, canonical, find_installed

    def installed(place: Path, shown: Path) -> Target:
        found = find_installed([str(place)])
        wanted = [p for p in found if distribution is None or canonical(p.name) == canonical(distribution)]
        if len(wanted) != 1:
            names = ", ".join(plugin.name for plugin in found) or f"none has entry points in {GROUP!r}"
            raise PluginError(
                f"{shown} does not hold one plugin{f' {distribution}' if distribution else ''} ({names})."
            )
        return Target(plugin=wanted[0], paths=(place, *place.glob("*.data/*lib")))

    with tempfile.TemporaryDirectory(prefix="cronplug-wheel-") as unpacked:
        if wheel is not None:
            _unpack(wheel, Path(unpacked))
            target = installed(Path(unpacked), wheel)
        else:
            assert folder is not None
            is_project = (folder / "pyproject.toml").is_file()
            target = find_target(str(folder)) if is_project else installed(folder.resolve(), folder)
        if distribution is not None and canonical(target.plugin.name) != canonical(distribution):
            raise PluginError(f"{wheel or folder} holds {target.plugin.name}, not {distribution}.")
        yield target


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_WHEEL_BYTES:
                raise PluginError(f"{wheel} holds more than {_MAX_WHEEL_BYTES} bytes.")
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise PluginError(f"{wheel} cannot be unpacked: {error}") from error


def _read(target: Target) -> dict[str, Any]:
    """The new version as the server is asked about it."""
    from cronplug.authoring.probe import probe_plugin

    plugin = target.plugin
    probe = probe_plugin(target)
    error = plugin.fault or probe.told.get("error") or (f"Its import {probe.failure}." if probe.failure else None)
    return {
        "version": plugin.version[:200],
        "error": str(error)[-10_000:] if error else None,
        "functions": [
            {"name": function["name"], "payloadSchema": function["payload_schema"]}
            for function in probe.told.get("functions", ())
        ],
    }


def _show(impact: dict[str, Any]) -> None:
    old, new = impact["presentVersion"] or "not installed", impact["newVersion"]
    new = "removed" if new is None else new or "of unknown version"
    click.echo(f"{plain(impact['plugin'])}: {plain(old)} -> {plain(new)}")
    if impact["error"]:
        click.echo(f"It has no functions: {impact['error'].rstrip()}")
    for title in ("added", "removed", "changed"):
        if impact[f"{title}Functions"]:
            click.echo(f"{title} functions: {plain(', '.join(impact[f'{title}Functions']))}")
    for warning in impact["warnings"]:
        click.echo(f"Note: {plain(warning)}")
    click.echo(f"tasks looked at: {impact['checkedTasks']}, would not run: {impact['brokenTasks']}")
    if impact["tasks"] or impact["healedTasks"]:
        show_table(
            ("task", "name", "function", "what", "why"),
            [
                (task["id"], task["name"], task["functionName"], _what(task, healed=healed), _why(task))
                for healed, tasks in ((False, impact["tasks"]), (True, impact["healedTasks"]))
                for task in tasks
            ],
        )


def _what(task: dict[str, Any], *, healed: bool) -> str:
    if healed:
        return "heals"
    return "broken already" if task["already"] else "breaks"


def _why(task: dict[str, Any]) -> str:
    if task["problem"] == "function_missing":
        return "function missing"
    return "; ".join(f"{error['field']}: {error['message']}" for error in task["errors"][:3])
