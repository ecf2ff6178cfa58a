"""An engine on a real store, with a clock that tests set and functions that tests write; no loop runs, tests take steps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cronplug.clock import SettableClock
from cronplug.engine import (
    Engine,
    Executors,
    Housekeeper,
    Node,
    OutputBook,
    Planner,
    Releaser,
    Rescuer,
    Roller,
    Runner,
    Steps,
)
from cronplug.events import Doorbells, EventBus
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.executors.observers import Observers
from cronplug.ids import IdGenerator
from cronplug.metrics import Metrics
from cronplug.model import CronRule, Execution, FunctionInfo, Reason, Task, TaskDefinition, TaskType
from cronplug.operations import Operations, TaskView
from cronplug.registry import Registry
from cronplug.settings import load_settings
from cronplug.store import Store, executions, tasks

START = datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC)
"""Half a second after a full minute, so that nothing is due by accident."""

Body = Callable[[AttemptSpec, Output, Stop], Awaitable[Outcome]]


async def succeed(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
    """A function that works."""
    return Outcome(verdict="success", reason=Reason.COMPLETED, result_summary="done", worker="w1")


async def fail(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
    """A function that raises."""
    return Outcome(verdict="failed", reason=Reason.ERROR, error_message="ValueError: no", worker="w1")


class Functions:
    """The plugins' side of the world: what `test.function` does is the test's to say."""

    def __init__(self) -> None:
        self.body: Body = succeed
        self.seen: list[AttemptSpec] = []

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to end."""

    async def run(self, spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        """Run the test's function."""
        self.seen.append(spec)
        return await self.body(spec, output, stop)


class TestRegistry(Registry):
    """A registry that knows one function without any plugin being installed."""

    __test__ = False
    installed = True

    def function(self, name: str) -> FunctionInfo | None:
        """`test.function`, unless the test has taken it away."""
        return _FUNCTION if self.installed and name == _FUNCTION.name else None

    def entry_point_of(self, name: str) -> tuple[str, str, str]:
        """Where it would be found."""
        return ("test", "test", "test")

    def validate_payload(self, name: str, payload: Mapping[str, Any]) -> list[Any]:
        """Every payload fits."""
        return []


_FUNCTION = FunctionInfo(
    name="test.function",
    plugin="test",
    version="1",
    title="Test",
    description="",
    payload_schema={"type": "object"},
    is_async=True,
    isolation="worker",
    timeout_seconds=None,
    max_retries=None,
    tags=(),
)


def cron(expression: str, timezone: str = "UTC") -> tuple[CronRule, ...]:
    """The schedules of a task that has one cron expression."""
    return (CronRule(cron_expression=expression, timezone=timezone),)


@dataclass
class World:
    """One node and everything a test wants to look at."""

    store: Store
    clock: SettableClock
    registry: TestRegistry
    functions: Functions
    bus: EventBus
    doorbells: Doorbells
    metrics: Metrics
    steps: Steps
    engine: Engine
    operations: Operations
    ids: IdGenerator = field(default_factory=IdGenerator)

    async def create(self, **fields: Any) -> Task:
        """A stored task: `test.function` each minute unless told otherwise."""
        expression = fields.pop("cron_expression", "* * * * *")
        if expression is not None:
            fields.setdefault("schedules", cron(expression))
        definition = TaskDefinition(
            **{"name": "Test", "type": TaskType.FUNCTION, "function_name": "test.function", **fields}
        )
        view = await self.operations.create_task(definition)
        assert isinstance(view, TaskView)
        return view.task

    async def plan(self) -> list[Execution]:
        """Planner steps until nothing is due; all executions, oldest fire time first."""
        while (await self.steps.planner.plan_once()).more:
            pass
        return await self.executions()

    @contextmanager
    def behind(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """A planner that is behind plans what came due whenever something was read and is about to be written."""
        write, plan = self.store.write, self.steps.planner.plan_once

        async def write_later(unit: Any) -> Any:
            with monkeypatch.context() as meanwhile:
                meanwhile.setattr(self.store, "write", write)
                self.clock.advance(3)
                await plan()
            return await write(unit)

        with monkeypatch.context() as slow:
            slow.setattr(self.store, "write", write_later)
            yield

    async def run_all(self) -> list[Execution]:
        """Claim, run and release until nothing is available; all executions, oldest fire time first."""
        while await self.run_available() or await self.steps.releaser.release_once():
            pass
        return await self.executions()

    async def run_available(self) -> list[Execution]:
        """Claim what may start now and run it, without releasing what waits for its end; those that ran."""
        claimed = await self.steps.runner.claim_free()
        for execution in claimed:
            await self.steps.runner.run_attempt(execution)
        return claimed

    async def executions(self, task: Task | None = None) -> list[Execution]:
        """Every execution, oldest fire time first."""
        filter = executions.ExecutionFilter(task_id=task.id if task else None)
        found = await self.store.read(lambda conn: executions.select_executions(conn, filter, limit=5000))
        return sorted(found, key=lambda execution: (execution.scheduled_for, execution.id))

    async def task(self, task_id: str) -> Task:
        """The task as it is stored now."""
        found = await self.store.read(lambda conn: tasks.select_task(conn, task_id))
        assert found is not None
        return found

    def at(self, text: str) -> None:
        """Set the clock to a time of the day of START (or of another day: `2026-03-03 10:00:00`)."""
        day, _, time = text.rpartition(" ")
        self.clock.set(datetime.fromisoformat(f"{day or '2026-03-02'}T{time}+00:00"))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with empty tables."""
    store = await Store.open(database_url)
    yield store
    await store.close()


@pytest.fixture
def make_world(store: Store) -> Callable[..., World]:
    """Makes nodes on one store; each has its own identity, all share the clock of the first."""
    clock = SettableClock(START)
    return lambda slots=5: build(store, clock, slots)


@pytest.fixture
async def world(make_world: Callable[..., World]) -> World:
    """A node that has joined an empty store."""
    world = make_world()
    await world.engine.start()
    return world


def build(store: Store, clock: SettableClock, slots: int) -> World:
    """A node on `store`."""
    settings = replace(load_settings({}), max_concurrency=slots)
    bus, doorbells, metrics, ids, functions = EventBus(), Doorbells(), Metrics(), IdGenerator(), Functions()
    registry = TestRegistry(blocked=frozenset(), trusted=frozenset())
    node = Node(store=store, clock=clock, version="test")
    outputs = OutputBook(store=store, clock=clock, bus=bus)
    planner = Planner(
        store=store, registry=registry, clock=clock, ids=ids, bus=bus, doorbells=doorbells, metrics=metrics
    )
    runner = Runner(
        store=store,
        clock=clock,
        node=node,
        registry=registry,
        executors=Executors(workers=functions, inline=functions, http=functions),
        observers=Observers(registry),
        outputs=outputs,
        bus=bus,
        doorbells=doorbells,
        metrics=metrics,
        slots=slots,
    )
    releaser = Releaser(store=store, clock=clock, bus=bus, doorbells=doorbells)
    rescuer = Rescuer(store=store, clock=clock, bus=bus, doorbells=doorbells, metrics=metrics)
    housekeeper = Housekeeper(store=store, clock=clock, roller=Roller(store=store, clock=clock, default_timezone="UTC"))
    steps = Steps(
        node=node,
        planner=planner,
        runner=runner,
        releaser=releaser,
        rescuer=rescuer,
        outputs=outputs,
        housekeeper=housekeeper,
    )
    return World(
        store=store,
        clock=clock,
        registry=registry,
        functions=functions,
        bus=bus,
        doorbells=doorbells,
        metrics=metrics,
        steps=steps,
        engine=Engine(steps, clock=clock, doorbells=doorbells, metrics=metrics),
        operations=Operations(
            store=store,
            registry=registry,
            settings=settings,
            clock=clock,
            ids=ids,
            bus=bus,
            doorbells=doorbells,
            plan_due=planner.plan_once,
        ),
        ids=ids,
    )
