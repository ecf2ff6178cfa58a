"""This process as a node: a new incarnation at each start, alive while its lease is renewed.

What nobody was alive for is an outage: from the last sign of life of any node to the first of this one, or over a
time in which this process itself stood still for longer than its lease (a suspended machine). Fire times inside an
outage are missed ones, and `cronplug.planning` decides what becomes of them.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from cronplug.clock import Clock, SteeredClock
from cronplug.store import Conn, Store, executions, nodes

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
RENEW_SECONDS = 5.0


class Node:
    """The identity under which this process holds executions."""

    def __init__(self, *, store: Store, clock: Clock, version: str) -> None:
        """A `clock` that can be steered is, by the database's, at every renewal: with several nodes theirs must agree."""
        self.id = uuid.uuid4().hex
        self._store = store
        self._clock = clock
        self._version = version
        self._renewed_at: datetime | None = None

    def lease_until(self) -> datetime:
        """Until when something claimed now is ours."""
        return self._clock.now() + LEASE

    async def join(self) -> None:
        """Become alive: record the outage before this start; on SQLite every other node is known to be dead."""
        await self._steer()
        now = self._clock.now()

        async def join(conn: Conn) -> datetime | None:
            alive_at = await nodes.last_alive_at(conn, except_node=self.id)
            if alive_at is not None and alive_at < now:
                await nodes.insert_outage(conn, alive_at, now)
            await nodes.insert_node(
                conn,
                self.id,
                now=now,
                lease_until=now + LEASE,
                version=self._version,
                host=socket.gethostname(),
                pid=os.getpid(),
            )
            if self._store.dialect == "sqlite":
                await executions.expire_leases_of_others(conn, self.id, now=now)
            return alive_at

        alive_at = await self._store.write(join)
        self._renewed_at = now
        if alive_at is not None and alive_at < now:
            log.info("no node was alive from %s to %s", alive_at.isoformat(), now.isoformat())

    async def renew(self, running: Collection[str]) -> list[tuple[str, bool]]:
        """Stay alive, and keep `running`: (execution id, is its cancel requested) of those that are still ours."""
        await self._steer()
        now = self._clock.now()
        last = self._renewed_at

        async def renew(conn: Conn) -> list[tuple[str, bool]]:
            if last is not None and now - last > LEASE:
                alive_at = await nodes.last_alive_at(conn, except_node=self.id)
                down_from = max(last, alive_at) if alive_at is not None else last
                if down_from < now:
                    await nodes.insert_outage(conn, down_from, now)
            await nodes.renew_node(conn, self.id, now=now, lease_until=now + LEASE)
            return await executions.renew_leases(conn, running, node_id=self.id, lease_until=now + LEASE)

        held = await self._store.write(renew)
        if last is not None and now - last > LEASE:
            log.warning("this process stood still from %s to %s", last.isoformat(), now.isoformat())
        self._renewed_at = now
        return held

    def stood_still(self) -> bool:
        """True when the last renewal is longer ago than a lease: an outage that is not written down yet."""
        return self._renewed_at is not None and self._clock.now() - self._renewed_at > LEASE

    async def _steer(self) -> None:
        if isinstance(self._clock, SteeredClock):
            asked_at = self._clock.host.now()
            told = await self._store.read(nodes.database_now)
            self._clock.steer(told, asked_at=asked_at, answered_at=self._clock.host.now())

    async def leave(self) -> None:
        """Say that this node has stopped, so that its going is not waited for."""
        now = self._clock.now()
        await self._store.write(lambda conn: nodes.stop_node(conn, self.id, now=now))
