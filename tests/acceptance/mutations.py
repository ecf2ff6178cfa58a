"""Faults put into the server on purpose, to see that the claim audit finds them (`staged`, `mutation`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cronplug.operations.queueing import Fires, Queued, queue_fires
from cronplug.schedules import tzdata_version
from cronplug.store import Conn, tasks
from cronplug.store.executions import creation
from tests.acceptance.staged import replace


def advance_then_insert() -> None:
    """Move tasks on in one transaction, insert their executions in the next."""
    _split(first=_advance, second=_insert)


def insert_then_advance_without_the_key() -> None:
    """Insert executions in one transaction, move their tasks on in the next; and none is left out for being there."""
    _split(first=_insert, second=_advance)
    vars(creation)["insert"] = lambda table: _WithoutKey(sa.insert(table))


async def halfway() -> bool:
    """Called between the two transactions: a place to die at."""
    return True


def _split(*, first: Callable[..., Any], second: Callable[..., Any]) -> None:
    def insert(_real: object) -> Callable[..., Any]:
        async def half(planner: Any, conn: Conn, *facts: Any) -> Queued:
            planner.left = facts
            await first(planner, conn, *facts)
            return Queued()

        return half

    def plan_once(real: Callable[..., Any]) -> Callable[..., Any]:
        async def plan_and_go_on(planner: Any) -> Any:
            planner.left = None
            planned = await real(planner)
            if planner.left is not None and planner.left[0]:
                await globals()["halfway"]()
                await planner._store.write(lambda conn: second(planner, conn, *planner.left))
                planner._doorbells.claim.ring()
            return planned

        return plan_and_go_on

    replace("cronplug.engine.planner:Planner._insert", insert)
    replace("cronplug.engine.planner:Planner.plan_once", plan_once)


async def _advance(_planner: Any, conn: Conn, _plans: Any, advances: Any, _now: datetime) -> None:
    await tasks.advance_tasks(conn, advances, tzdata_version=tzdata_version())


async def _insert(planner: Any, conn: Conn, plans: Any, _advances: Any, now: datetime) -> None:
    wanted = [Fires(task=plan.task, fires=plan.fires, schedule=plan.schedule) for plan in plans if plan.fires]
    await queue_fires(conn, wanted, ids=planner._ids, now=now)


class _WithoutKey:
    """An INSERT that knows no conflict."""

    def __init__(self, insert: sa.Insert) -> None:
        self._insert = insert

    def from_select(self, *args: Any) -> _WithoutKey:
        return _WithoutKey(self._insert.from_select(*args))

    def on_conflict_do_nothing(self, **_: Any) -> sa.Insert:
        return self._insert
