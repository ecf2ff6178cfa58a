"""The loops around the steps, and the order of starting and stopping them.

Each loop is a step and a wait. A step that fails because the database does not answer is counted, logged once per
spell, and taken again; every other exception is a bug and ends the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from cronplug.clock import Clock
from cronplug.engine.housekeeping import Housekeeper
from cronplug.engine.nodes import NOTICE_SECONDS, RENEW_SECONDS, Node
from cronplug.engine.output import OutputBook
from cronplug.engine.planner import AHEAD_SECONDS, Followed, Planned, Planner
from cronplug.engine.releases import Releaser
from cronplug.engine.rescue import Rescuer
from cronplug.engine.runner import Runner
from cronplug.errors import PluginError, StoreError
from cronplug.events import Doorbell, Doorbells
from cronplug.metrics import Metrics
from cronplug.model import Execution

T = TypeVar("T")

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""How often it is looked whether there is anything to do: a lost wake-up costs no more than this."""

FLUSH_SECONDS = 0.1
HAND_BACK_SECONDS = 4.0
"""From the end of the drain to giving up on writing things down; a stopping process is gone 5 s after its drain."""

HOUSEKEEPING_SECONDS = 600.0
FOLLOW_SECONDS = 3.0
"""How soon a node looks at its plugins after another one has."""

PLANNER_LATE = timedelta(seconds=15)
_PLAN, _LOOK = "plan", "look for what is due"
_HORIZON_SECONDS = POLL_SECONDS + AHEAD_SECONDS
"""What is due by then is waited for by the planner itself, with a timer; of anything later the look tells in time."""

_PAUSE_AFTER_FAILURE_SECONDS = 0.5
_CLAIMING_POLL_SECONDS = 0.01
_PAUSE_BETWEEN_RELEASES_SECONDS = 0.02
_PAUSE_BEFORE_PREPARING_SECONDS = 0.1
_PAUSE_BETWEEN_PREPARING_STEPS_SECONDS = 0.002
_PAUSE_BETWEEN_HOUSEKEEPING_STEPS_SECONDS = 0.05
_RARER_THAN_LONG = 20
_PAUSE_BETWEEN_ZONE_STEPS_SECONDS = 0.05
_PAUSE_BEFORE_LOCKED_SECONDS = 0.05
"""Before asking again for what could start but could not be claimed: another node has it locked, or it still runs here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The engine's parts, each with public steps that tests call directly."""

    node: Node
    planner: Planner
    runner: Runner
    releaser: Releaser
    rescuer: Rescuer
    outputs: OutputBook
    housekeeper: Housekeeper


class Engine:
    """Everything that happens by itself. `run` it once; `stop` it from another coroutine."""

    def __init__(
        self,
        steps: Steps,
        *,
        clock: Clock,
        doorbells: Doorbells,
        metrics: Metrics,
        follow_rescans: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """`follow_rescans` looks at plugins when another node was asked to; None where there is no other node."""
        self._follow_rescans = follow_rescans
        self._following: asyncio.Task[None] | None = None
        self.steps = steps
        self._clock = clock
        self._doorbells = doorbells
        self._metrics = metrics
        self._stopping = asyncio.Event()
        self._drained = asyncio.Event()
        self._idle = asyncio.Event()
        self._soon = Doorbell()
        self._second = Doorbell()
        self._look_at_all_at = 0.0
        self._failing: set[str] = set()
        self._house: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join as a node and settle what earlier incarnations left; after this nothing is running that is not ours."""
        await self.steps.node.join()
        while await self.steps.rescuer.rescue_once():
            pass

    async def run(self) -> None:
        """Plan, claim, run, renew and clean up until `stop` has drained everything."""
        async with asyncio.TaskGroup() as attempts, asyncio.TaskGroup() as loops:
            loops.create_task(self._plan(), name="planner")
            loops.create_task(self._prepare(), name="foresight")
            loops.create_task(self._follow_zone_data(), name="zone data")
            loops.create_task(self._claim(attempts), name="claimer")
            loops.create_task(self._release(), name="releases")
            loops.create_task(self._renew(), name="leases")
            loops.create_task(self._notice(), name="signs of life")
            loops.create_task(self._look(), name="lookout")
            loops.create_task(self._flush(), name="output")
            if self._follow_rescans is not None:
                self._following = loops.create_task(self._follow(self._follow_rescans), name="rescans")
            self._house = loops.create_task(self._keep_house(), name="housekeeping")
        try:
            await self.steps.node.leave()
        except StoreError as error:
            log.error("leaving could not be written down: %s", error)

    async def stop(self, *, drain_seconds: float) -> None:
        """Take no new work, give what runs `drain_seconds` to end, then hand it back; returns when nothing runs.

        What is handed back goes to the queue without using up an attempt (or ends `lost`, by its delivery policy).
        """
        self._stopping.set()
        self._soon.ring()
        self._second.ring()
        self._doorbells.plan.ring()
        self._doorbells.claim.ring()
        self._doorbells.ends.ring()
        running = self.steps.runner.running
        if running:
            log.info("waiting up to %g s for %d running execution(s)", drain_seconds, len(running))
        try:
            async with asyncio.timeout(drain_seconds):
                await self._until_idle()
        except TimeoutError:
            log.warning("handing back %d execution(s) that did not end in time", len(running))
            await self._hand_back()
        self._drained.set()
        self._doorbells.cancel.ring()
        self.steps.outputs.wake()
        if self._following is not None:
            self._following.cancel()
        if self._house is not None:
            self._house.cancel()  # what it has begun to write is written, the rest waits for the next start

    async def _hand_back(self) -> None:
        """End what runs; what cannot even be written back in time is picked up when its lease has ended."""
        for attempt in tuple(self.steps.runner.running.values()):
            attempt.stop.request("shutdown")
        try:
            async with asyncio.timeout(HAND_BACK_SECONDS):
                await self._until_idle()
        except TimeoutError:
            left = tuple(self.steps.runner.running.values())
            log.error("%d execution(s) could not be handed back; the next start settles them", len(left))
            for attempt in left:
                if attempt.task is not None:
                    attempt.task.cancel()

    @property
    def stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stopping.is_set()

    def planner_problem(self) -> str | None:
        """Why the planner is not on time, None when it is."""
        last = self.steps.planner.last_step_at
        if last is None:
            return "has not planned yet"
        if self._failing & {_PLAN, _LOOK}:
            return "cannot write down what is due; the server's log says why"
        behind = self._clock.now() - last
        return f"last planned {behind.total_seconds():.0f} s ago" if behind > PLANNER_LATE else None

    # -- loops -------------------------------------------------------------------------------------------------------

    async def plan_once(self) -> Planned:
        """A planner step; a time in which this process stood still is written down first, so that it counts as one."""
        if self.steps.node.stood_still():
            await self.renew_once()
        return await self.steps.planner.plan_once()

    async def look_once(self) -> None:
        """Ring the loops for which there is something to do, soon or already; while there is nothing, they rest.

        Whatever this process does rings them at once. This is the net for what does not: time that passes, rings that
        were lost, other nodes.
        """
        outlook = await self.steps.planner.look_once()
        soon = self._clock.now() + timedelta(seconds=_HORIZON_SECONDS)
        if outlook.next_run_at is not None and outlook.next_run_at <= soon:
            self._doorbells.plan.ring()
        if outlook.available_at is not None and outlook.available_at <= soon:
            self._doorbells.claim.ring()
        if outlook.anything_awaits_an_end and asyncio.get_running_loop().time() >= self._look_at_all_at:
            self._doorbells.ends.ring()

    async def _look(self) -> None:
        while not self._stopping.is_set():
            await self._step(_LOOK, self.look_once)
            await self._second.wait(at_most_seconds=None)

    async def _plan(self) -> None:
        planner = self.steps.planner
        while not self._stopping.is_set():
            planned = await self._step(_PLAN, self.plan_once)
            if planned is None or planned.more:
                continue
            wait = await self._step(_PLAN, lambda: planner.seconds_to_next(at_most=_HORIZON_SECONDS))
            if wait is None:
                wait = POLL_SECONDS
            elif wait <= AHEAD_SECONDS:
                self._soon.ring()
            else:
                wait = wait - AHEAD_SECONDS if wait < _HORIZON_SECONDS else None
            await self._doorbells.plan.wait(at_most_seconds=wait)

    async def _prepare(self) -> None:
        """What is due soon is prepared little by little, in the pauses of what is due now."""
        while not self._stopping.is_set():
            await self._soon.wait(at_most_seconds=None)
            await asyncio.sleep(_PAUSE_BEFORE_PREPARING_SECONDS)
            more: bool | None = True
            while more and not self._stopping.is_set():
                more = await self._step("prepare", self.steps.planner.prepare_once)
                await asyncio.sleep(_PAUSE_BETWEEN_PREPARING_STEPS_SECONDS)

    async def _follow_zone_data(self) -> None:
        """Once: a newer version of the zone data may have moved what is to come. Gently, as nobody waits for it."""
        followed = Followed("", more=True)
        while followed.more and not self._stopping.is_set():
            step = partial(self.steps.planner.follow_zone_data_once, followed.after_id)
            followed = await self._step("zone data", step) or followed
            await asyncio.sleep(_PAUSE_BETWEEN_ZONE_STEPS_SECONDS)

    async def _release(self) -> None:
        bell, clock = self._doorbells.ends, asyncio.get_running_loop().time
        while not self._stopping.is_set():
            await bell.wait(at_most_seconds=None)
            ended_of, began = bell.take(), clock()
            await self._step("release", partial(self.steps.releaser.release_once, ended_of))
            if ended_of is None:  # with very much that waits a look takes its time, but never most of it
                self._look_at_all_at = clock() + _RARER_THAN_LONG * (clock() - began)
            await asyncio.sleep(_PAUSE_BETWEEN_RELEASES_SECONDS)  # what ends meanwhile shares the next step

    async def _claim(self, attempts: asyncio.TaskGroup) -> None:
        runner = self.steps.runner
        while not self._stopping.is_set():
            claimed = await self._step("claim", runner.claim_free)
            for execution in claimed or ():
                task = attempts.create_task(self._attempt(execution), name=execution.id)
                runner.running[execution.id].task = task
            if claimed:
                continue
            wait = await self._step("claim", lambda: runner.seconds_to_next(at_most=_HORIZON_SECONDS))
            if wait is None:
                wait = POLL_SECONDS
            elif wait == 0.0:
                wait = _PAUSE_BEFORE_LOCKED_SECONDS
            elif wait == _HORIZON_SECONDS:
                wait = None
            await self._doorbells.claim.wait(at_most_seconds=wait)

    async def _attempt(self, execution: Execution) -> None:
        self._idle.clear()
        try:
            await self.steps.runner.run_attempt(execution)
        finally:
            if execution.task_id is not None:
                self._doorbells.ends.ring(execution.task_id)
            if not self.steps.runner.running:
                self._idle.set()

    async def _renew(self) -> None:
        while not self._drained.is_set():
            await self._step("renew", self.renew_once)
            if await self._step("rescue", lambda: self.steps.rescuer.rescue_once(ours=self.steps.runner.running)):
                self._doorbells.ends.ring()
            await self._step("look", self.steps.runner.look_once)
            await self._doorbells.cancel.wait(at_most_seconds=RENEW_SECONDS)

    async def _notice(self) -> None:
        while not self._drained.is_set():
            self.steps.node.notice()
            self._second.ring()
            with suppress(TimeoutError):
                async with asyncio.timeout(NOTICE_SECONDS):
                    await self._drained.wait()

    async def renew_once(self) -> None:
        """Keep our leases; stop what was asked to stop, and what is no longer ours."""
        runner = self.steps.runner
        before = dict(runner.running)
        held = dict(await self.steps.node.renew(before.keys()))
        for execution_id, attempt in before.items():
            if runner.running.get(execution_id) is not attempt:
                continue  # it ended meanwhile; the next attempt of the same execution may be under way already
            if execution_id not in held:
                attempt.fenced = True
                attempt.stop.request("shutdown")
            elif held[execution_id]:
                attempt.stop.request("cancelled")

    async def _flush(self) -> None:
        while not self._drained.is_set():
            await self.steps.outputs.wait_for_any()
            await self._step("flush", self.steps.outputs.flush_once)
            await asyncio.sleep(FLUSH_SECONDS)

    async def _keep_house(self) -> None:
        while not self._drained.is_set():
            more = await self._step("housekeeping", self.steps.housekeeper.tidy_once)
            await asyncio.sleep(_PAUSE_BETWEEN_HOUSEKEEPING_STEPS_SECONDS if more else HOUSEKEEPING_SECONDS)

    async def _follow(self, follow_rescans: Callable[[], Awaitable[object]]) -> None:
        while not self._drained.is_set():
            try:
                await self._step("rescan", follow_rescans)
            except PluginError as error:
                log.error("another node has looked at its plugins, this one cannot: %s", error)
            await asyncio.sleep(FOLLOW_SECONDS)

    async def _step(self, name: str, step: Callable[[], Awaitable[T]]) -> T | None:
        """One step; None when the database did not answer, after a pause."""
        try:
            result = await step()
        except StoreError as error:
            self._metrics.step_failures.labels(name).inc()
            if name not in self._failing:
                self._failing.add(name)
                log.error("%s: %s (tried again until it works)", name, error)
            await asyncio.sleep(_PAUSE_AFTER_FAILURE_SECONDS)
            return None
        if name in self._failing:
            self._failing.discard(name)
            log.info("%s: works again", name)
        return result

    async def _until_idle(self) -> None:
        while self.steps.runner.running or self.steps.runner.claiming:
            self._idle.clear()
            if self.steps.runner.claiming:
                await asyncio.sleep(_CLAIMING_POLL_SECONDS)
                continue
            await self._idle.wait()
