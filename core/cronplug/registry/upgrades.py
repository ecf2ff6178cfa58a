"""Another version of a plugin, looked at but not admitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cronplug.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What a version of a plugin offers: the payload schema of each function. `error` says why it offers nothing."""

    name: str
    version: str
    schemas: Mapping[str, Mapping[str, Json]]
    error: str | None = None
    warnings: tuple[str, ...] = ()
