"""Looks at the installed plugins that reach every node: the one that was asked leaves a mark, the others follow it.

Each node looks at its own environment: that all have the same packages is for whoever runs them to see to.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import timedelta

from cronplug.clock import Clock, to_millis
from cronplug.events import EventBus
from cronplug.registry import Registry
from cronplug.store import Conn, Store, access

KNOWN = "secret_schemas"
"""Under this key of the meta table: for every function that any node knew, the schemas by which parts of payloads are
secret; an empty list where none is."""

_MARK = "plugins_rescan"
_FRESH = timedelta(minutes=5)
"""A mark that was younger at the start of this node may be newer than the look of that start."""


class Rescans:
    """Keeps one node's view of plugins, and what all know of secrets in payloads, up to date."""

    def __init__(self, *, store: Store, registry: Registry, clock: Clock, bus: EventBus) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._bus = bus
        self._followed: str | None = None
        self._following = asyncio.Lock()

    async def begin(self) -> None:
        """After the look of the start: share what it found of secrets, and take older marks for followed."""
        fresh_after = to_millis(self._clock.now() - _FRESH)

        async def share(conn: Conn) -> str | None:
            await self._share(conn)
            return await access.get_meta(conn, _MARK)

        mark = await self._store.write(share)
        if mark is not None and int(mark.partition("-")[0]) < fresh_after:
            self._followed = mark

    async def look(self) -> None:
        """Look for new, changed and removed plugins, and have the other nodes do so. Raises PluginsUnreadable."""
        await self._registry.rescan()
        mark = f"{to_millis(self._clock.now())}-{uuid.uuid4().hex}"

        async def tell(conn: Conn) -> None:
            await self._share(conn)
            await access.set_meta(conn, _MARK, mark)

        await self._store.write(tell)
        self._followed = mark
        self._bus.publish("plugin", "*", "updated")

    async def follow_once(self) -> bool:
        """Look too, if another node was asked to since the last time; returns whether it was."""
        async with self._following:
            mark = await self._store.read(lambda conn: access.get_meta(conn, _MARK))
            if mark is None or mark == self._followed:
                return False
            await self._registry.rescan()
            await self._store.write(self._share)
            self._followed = mark
        self._bus.publish("plugin", "*", "updated")
        return True

    async def is_behind(self, conn: Conn) -> bool:
        """Whether another node has looked since: what this one does not know may be there."""
        mark = await access.get_meta(conn, _MARK)
        return mark is not None and mark != self._followed

    async def _share(self, conn: Conn) -> None:
        """Bring together what the registry and the database know of secrets in payloads.

        So the secrets of a task stay secret while its function is missing, and in the executions of older versions.
        """
        stored = await access.get_meta(conn, KNOWN)
        self._registry.remember_secrets(json.loads(stored) if stored else {})
        now_known = json.dumps(self._registry.secret_schemas(), sort_keys=True)
        if now_known != stored:
            await access.set_meta(conn, KNOWN, now_known)
