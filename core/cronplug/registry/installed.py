"""The installed distributions that say they are plugins, read from metadata without importing any of them."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions

GROUP = "scheduler.tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPlugin:
    """A distribution with entry points in `scheduler.tasks`; name and version are copied while they can be read."""

    name: str
    version: str
    entry_points: tuple[EntryPoint, ...]


def find_installed() -> list[InstalledPlugin]:
    """Every installed plugin, sorted by canonical name.

    Of two distributions with one name the first on the path counts, as it does for imports.
    """
    importlib.invalidate_caches()
    found: dict[str, InstalledPlugin] = {}
    for distribution in distributions():
        name = _name_of(distribution)
        if name is None or canonical(name) in found:
            continue
        points = [point for point in distribution.entry_points if point.group == GROUP]
        found[canonical(name)] = InstalledPlugin(
            name=name,
            version=distribution.version or "",
            entry_points=tuple(sorted(points, key=lambda point: point.name)),
        )
    return [plugin for _, plugin in sorted(found.items()) if plugin.entry_points]


def _name_of(distribution: Distribution) -> str | None:
    """The name in its metadata; None for the remains of a broken installation."""
    metadata = distribution.metadata
    return metadata["Name"] if "Name" in metadata else None  # noqa: SIM401 - its protocol promises no get()


def canonical(name: str) -> str:
    """The one spelling of a distribution's name (PyPA name normalisation).

    >>> canonical("Acme_Reports")
    'acme-reports'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
