"""What the routes work with, kept on the Quart application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from quart import current_app

from cronplug.api.sharing import SharedReads

if TYPE_CHECKING:
    from cronplug.access import Access
    from cronplug.events import EventBus
    from cronplug.metrics import Metrics
    from cronplug.operations import Operations
    from cronplug.settings import Settings

KEY = "cronplug"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The objects that the composition root made."""

    operations: Operations
    settings: Settings
    access: Access
    bus: EventBus
    health: Callable[[], Awaitable[dict[str, Any]]]
    metrics: Metrics
    facts: Callable[[], dict[str, Any]]
    shared_reads: SharedReads = field(default_factory=SharedReads)


def parts() -> Parts:
    """The parts of the application that answers the present request."""
    return cast(Parts, current_app.extensions[KEY])
