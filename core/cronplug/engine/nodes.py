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
NOTICE_SECONDS = 1.0
"""How often a process notes that it runs; by far more often than a lease ends."""


class Node:
    """The identity under which this process holds executions."""

    def __init__(self, *, store: Store, clock: Clock, version: str) -> None:
        """A `clock` that can be steered is, by the database's, at every renewal: with several nodes theirs must agree."""
        self.id = uuid.uuid4().hex
        self._store = store
        self._clock = clock
        self._version = version
        self._awake_at: datetime | None = None
        self._standstills: list[tuple[datetime, datetime]] = []

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
        self._awake_at = now
        if alive_at is not None and alive_at < now:
            log.info("no node was alive from %s to %s", alive_at.isoformat(), now.isoformat())

    async def renew(self, running: Collection[str]) -> list[tuple[str, bool]]:
        """Stay alive, and keep `running`: (execution id, is its cancel requested) of those that are still ours.

        A time in which this process stood still is written down as an outage; one in which only the database was away
        is not, since a live node that is late misses nothing: that it lives is noted beside it (`notice`).
        """
        self.notice()
        await self._steer()
        now, noticed = self._clock.now(), tuple(self._standstills)
        held = await self._store.write(lambda conn: self._renew(conn, running, now, noticed))
        for standstill in noticed:
            if standstill in self._standstills:  # else a renewal at the same moment was first
                self._standstills.remove(standstill)
                log.warning("this process stood still from %s to %s", *(at.isoformat() for at in standstill))
        return held

    async def _renew(
        self, conn: Conn, running: Collection[str], now: datetime, standstills: Collection[tuple[datetime, datetime]]
    ) -> list[tuple[str, bool]]:
        for down_from, down_until in standstills:
            alive_at = await nodes.last_alive_at(conn, except_node=self.id)
            alone_from = max(down_from, alive_at) if alive_at is not None else down_from
            if alone_from < down_until:
                await nodes.insert_outage(conn, alone_from, down_until)
        await nodes.renew_node(conn, self.id, now=now, lease_until=now + LEASE)
        return await executions.renew_leases(conn, running, node_id=self.id, lease_until=now + LEASE)

    def stood_still(self) -> bool:
        """True when there was a time without a sign of life that is not written down yet."""
        return bool(self._standstills) or (self._awake_at is not None and self._clock.now() - self._awake_at > LEASE)

    def notice(self) -> None:
        """Note that this process is running now; longer than a lease since the last time means that it stood still."""
        now, last = self._clock.now(), self._awake_at
        if last is not None and now - last > LEASE:
            self._standstills.append((last, now))
        self._awake_at = now

    async def _steer(self) -> None:
        if isinstance(self._clock, SteeredClock):
            asked_at = self._clock.host.now()
            told = await self._store.read(nodes.database_now)
            self._clock.steer(told, asked_at=asked_at, answered_at=self._clock.host.now())

    async def leave(self) -> None:
        """Say that this node has stopped, so that its going is not waited for."""
        now = self._clock.now()
        await self._store.write(lambda conn: nodes.stop_node(conn, self.id, now=now))
