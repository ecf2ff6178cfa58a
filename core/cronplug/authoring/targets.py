"""Which plugin is meant: an installed distribution, or a folder with a pyproject.toml. Nothing is imported or installed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from cronplug.errors import PluginError
from cronplug.registry.installed import GROUP, InstalledPlugin, canonical, find_installed


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A plugin to look at, and the folders its code is imported from besides the environment's own."""

    plugin: InstalledPlugin
    paths: tuple[Path, ...] = ()


def find_target(text: str) -> Target:
    """The plugin that `text` names: a folder if there is one, else an installed distribution.

    Raises PluginError, with what would be right, when there is neither or it is no plugin.
    """
    folder = Path(text)
    if text and folder.is_dir():
        return _read_folder(folder.resolve())
    for plugin in find_installed():
        if canonical(plugin.name) == canonical(text):
            return Target(plugin=plugin)
    raise PluginError(
        f"{text!r} is neither a folder nor an installed plugin (a distribution with entry points in {GROUP!r})."
    )


def _read_folder(folder: Path) -> Target:
    file = folder / "pyproject.toml"
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PluginError(f"{folder} has no pyproject.toml.") from None
    except (OSError, ValueError) as error:
        raise PluginError(f"{file} cannot be read: {error}") from error
    name = _at(project, "project", "name")
    if not isinstance(name, str) or not name:
        raise PluginError(f"{file} has no name in [project].")
    points = _at(project, "project", "entry-points", GROUP)
    if not isinstance(points, dict) or not all(isinstance(value, str) for value in points.values()) or not points:
        raise PluginError(f'{file} names no functions: it needs [project.entry-points."{GROUP}"].')
    version = _at(project, "project", "version")
    return Target(
        plugin=InstalledPlugin(
            name=name,
            version=version if isinstance(version, str) else "",
            entry_points=tuple(EntryPoint(point, value, GROUP) for point, value in sorted(points.items())),
        ),
        paths=tuple(dict.fromkeys(path for path in _source_folders(folder, project) if path.is_dir())),
    )


def _source_folders(folder: Path, project: Mapping[str, Any]) -> Iterator[Path]:
    """Where build backends look for the modules: what the project says, then the usual places."""
    for package in _texts(_at(project, "tool", "hatch", "build", "targets", "wheel", "packages")):
        yield (folder / package).parent
    for where in _texts(_at(project, "tool", "setuptools", "packages", "find", "where")):
        yield folder / where
    root = _at(project, "tool", "setuptools", "package-dir", "")
    if isinstance(root, str):
        yield folder / root
    yield folder / "src"
    yield folder


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _at(table: object, *path: str) -> object:
    for name in path:
        if not isinstance(table, dict):
            return None
        table = table.get(name)
    return table
