"""What goes wrong with a task, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronplug.clock import EPOCH
from cronplug.operations.means import Room
from cronplug.planning.fingerprints import ErrorGroup, group_failures
from cronplug.store.failures import select_failures

MOST_LOOKED_AT = 2_000
MOST_GROUPS = 50
_DEFAULT_STRETCH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Errors:
    """The groups, the most frequent first, of as many failures as were looked at."""

    groups: Sequence[ErrorGroup]
    looked: int


class ErrorOperations(Room):
    """Failures put together."""

    async def task_errors(self, task_id: str, *, since: datetime | None = None) -> Errors:
        """The newest 2,000 failures of a task since then (default 30 days ago) by their message. Raises NotFound."""
        await self._means.task(task_id)
        begin = max(EPOCH, self._means.clock.now() - _DEFAULT_STRETCH) if since is None else since
        failures = await self._means.store.read(
            lambda conn: select_failures(conn, task_id, since=begin, limit=MOST_LOOKED_AT)
        )
        groups = await asyncio.to_thread(group_failures, failures, most=MOST_GROUPS)  # some 50 ms of patterns
        return Errors(groups, len(failures))
