"""The installed distributions that say they are plugins, read from metadata without importing any of them."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path

GROUP = "scheduler.tasks"

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_UNREADABLE = (OSError, ValueError, TypeError, AttributeError, KeyError)
"""What `importlib.metadata` lets through of files that are not text, or not in their format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPlugin:
    """A distribution with entry points in `scheduler.tasks`; name and version are copied while they can be read.

    `fault` says why its entry points cannot be told; then there are none.
    """

    name: str
    version: str
    entry_points: tuple[EntryPoint, ...]
    fault: str | None = None


def find_installed(path: list[str] | None = None) -> list[InstalledPlugin]:
    """Every installed plugin, sorted by canonical name; in the folders of `path`, by default where imports look.

    Of two distributions with one name the first on the path counts, as it does for imports. Files that cannot be read
    are the fault of their own plugin, and nothing to any other.
    """
    importlib.invalidate_caches()
    found: dict[str, InstalledPlugin] = {}
    for distribution in distributions() if path is None else distributions(path=path):
        plugin = _read(distribution)
        if plugin is not None:
            found.setdefault(canonical(plugin.name), plugin)
    return [plugin for _, plugin in sorted(found.items()) if plugin.entry_points or plugin.fault]


def _read(distribution: Distribution) -> InstalledPlugin | None:
    """One distribution; None for the remains of a broken installation."""
    try:
        metadata = distribution.metadata
        name = metadata["Name"] if "Name" in metadata else None  # noqa: SIM401 - its protocol promises no get()
        version = distribution.version or ""
    except _UNREADABLE:
        return None
    if name is None or not is_name(name):
        return None
    try:
        points = [point for point in distribution.entry_points if point.group == GROUP]
    except _UNREADABLE as error:
        fault = f"Its entry_points.txt cannot be read: {error}" if _names_our_group(distribution) else None
        return InstalledPlugin(name=name, version=version, entry_points=(), fault=fault)
    return InstalledPlugin(
        name=name, version=version, entry_points=tuple(sorted(points, key=lambda point: (point.name, point.value)))
    )


def _names_our_group(distribution: Distribution) -> bool:
    """Whether entry points that cannot be read are, by the looks of them, those of a plugin."""
    folder = getattr(distribution, "_path", None)
    if not isinstance(folder, Path):
        return False
    try:
        return GROUP.encode() in (folder / "entry_points.txt").read_bytes()
    except OSError:
        return False


def is_name(text: str) -> bool:
    """Whether a distribution can be called so (PyPA, name format)."""
    return _NAME.fullmatch(text) is not None


def canonical(name: str) -> str:
    """The one spelling of a distribution's name (PyPA name normalisation).

    >>> canonical("Acme_Reports")
    'acme-reports'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
