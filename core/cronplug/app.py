"""The composition root: the one place that knows all the parts, builds them, and starts and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import random
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from quart import Quart

from cronplug.access import Access
from cronplug.api import create_api
from cronplug.api.connections import server_config
from cronplug.clock import Clock, SteeredClock, SystemClock
from cronplug.engine import (
    Definitions,
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
from cronplug.errors import InvalidInput, SettingsError, StoreError
from cronplug.events import Doorbell, Doorbells, EventBus
from cronplug.executors.guard import AddressPolicy
from cronplug.executors.http import HttpExecutor
from cronplug.executors.inline import InlineExecutor
from cronplug.executors.observers import Observers
from cronplug.executors.pool import WorkerPool
from cronplug.ids import MAX_NODE_NUMBER, IdGenerator
from cronplug.metrics import Metrics
from cronplug.model import CronRule, Task, TaskDefinition, TaskType
from cronplug.operations import Operations
from cronplug.operations.platform import PlatformOperations
from cronplug.operations.rescans import Rescans
from cronplug.registry import Registry
from cronplug.schedules import parse_schedule
from cronplug.settings import Settings
from cronplug.store import Conn, Migrated, Store, access, database_lock, is_current, migrate, tasks
from cronplug.structured_logs import configure_logging

log = logging.getLogger(__name__)

VERSION = metadata.version("cronplug")

_PING_SECONDS = 2.0
_LAST_SECONDS = 4.8
"""From the end of the drain to the end of the process, which is promised within 5 s."""
_CLEANUP_FUNCTION = "maintenance.cleanup-logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A running core, without its HTTP server."""

    settings: Settings
    store: Store
    registry: Registry
    operations: Operations
    access: Access
    engine: Engine
    bus: EventBus
    metrics: Metrics
    pool: WorkerPool
    api: Quart
    new_admin_token: str | None


# -- commands -----------------------------------------------------------------------------------------------------------


def serve(settings: Settings) -> int:
    """Run the server until SIGTERM or SIGINT; returns the exit status. Raises SettingsError, StoreError."""
    configure_logging(settings.log_level, settings.log_format)
    check_timezone(settings)
    with contextlib.ExitStack() as stack:
        prepare_data_dir(settings)
        stack.enter_context(database_lock(settings.database_url))
        listener = stack.enter_context(bind(settings))
        return uvloop.run(_serve(settings, listener))


def migrate_database(settings: Settings) -> Migrated:
    """Bring the database to this version's schema. Raises StoreError (also while a server uses a SQLite file)."""
    prepare_data_dir(settings)
    with database_lock(settings.database_url):
        return asyncio.run(migrate(settings.database_url))


def make_token(settings: Settings) -> str:
    """Store a new API token beside a running server and return its text. Raises StoreError."""

    async def make() -> str:
        if not await is_current(settings.database_url):
            raise StoreError(
                "There is no database of this version's server: start it once, or say with --data-dir or --database-url "
                "where its database is."
            )
        store = await Store.open(settings.database_url, sqlite_synchronous=settings.sqlite_synchronous, readers=1)
        try:
            return await Access(store=store, clock=SystemClock(), settings=settings).create_token()
        finally:
            await store.close()

    return asyncio.run(make())


# -- building -------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def running_app(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[App]:
    """Build all parts on a migrated database, start them, and stop them in order on leaving the block.

    The engine has joined as a node but its loops are the caller's to run (`app.engine.run()`).
    """
    if clock is None:
        clock = SystemClock() if settings.is_sqlite else SteeredClock(SystemClock())
    bus, doorbells, metrics = EventBus(), Doorbells(), Metrics()
    registry = Registry(blocked=settings.plugins_block, trusted=settings.plugins_trusted)
    await asyncio.gather(migrate(settings.database_url), registry.rescan())
    store = await Store.open(settings.database_url, sqlite_synchronous=settings.sqlite_synchronous)
    ids = IdGenerator(node_number=random.randrange(MAX_NODE_NUMBER + 1))
    policy = AddressPolicy(
        allow=settings.http_allow, deny=settings.http_deny, loopback_allowed=settings.listens_on_loopback
    )
    platform = PlatformOperations(
        store=store,
        clock=clock,
        bus=bus,
        success_days=settings.log_retention_days,
        failed_days=settings.failed_retention_days,
        backup_dir=settings.backup_dir,
    )
    pool = WorkerPool(registry, max_workers=settings.workers, policy=policy, environ=settings.worker_environ)
    registry.around_change = pool.change_of_generation
    inline = InlineExecutor(registry, platform, policy=policy)
    executors = Executors(workers=pool, inline=inline, http=HttpExecutor(policy))
    observers = Observers(registry, warden=pool.warden)
    node = Node(store=store, clock=clock, version=VERSION)
    outputs = OutputBook(store=store, clock=clock, bus=bus)
    rescans = Rescans(store=store, registry=registry, clock=clock, bus=bus)
    definitions = Definitions()
    planner = Planner(
        store=store,
        registry=registry,
        clock=clock,
        ids=ids,
        bus=bus,
        doorbells=doorbells,
        metrics=metrics,
        rescans=rescans,
        definitions=definitions,
    )
    runner = Runner(
        store=store,
        clock=clock,
        node=node,
        registry=registry,
        executors=executors,
        observers=observers,
        outputs=outputs,
        bus=bus,
        doorbells=doorbells,
        metrics=metrics,
        slots=settings.max_concurrency,
        rescans=rescans,
        definitions=definitions,
    )
    releaser = Releaser(store=store, clock=clock, bus=bus, doorbells=doorbells)
    rescuer = Rescuer(store=store, clock=clock, bus=bus, doorbells=doorbells, metrics=metrics)
    housekeeper = Housekeeper(
        store=store,
        clock=clock,
        roller=Roller(store=store, clock=clock, default_timezone=settings.default_timezone),
    )
    engine = Engine(
        Steps(
            node=node,
            planner=planner,
            runner=runner,
            releaser=releaser,
            rescuer=rescuer,
            outputs=outputs,
            housekeeper=housekeeper,
        ),
        clock=clock,
        doorbells=doorbells,
        metrics=metrics,
        follow_rescans=None if settings.is_sqlite else rescans.follow_once,
    )
    operations = Operations(
        store=store,
        registry=registry,
        settings=settings,
        clock=clock,
        ids=ids,
        bus=bus,
        doorbells=doorbells,
        plan_due=engine.plan_once,
        rescans=rescans,
    )
    doors = Access(store=store, clock=clock, settings=settings)
    started_at = clock.now()

    async def health() -> dict[str, Any]:
        return await _health(store, engine)

    def facts() -> dict[str, Any]:
        return {"startedAt": started_at, "version": VERSION, "workers": pool.stats(), "slots": settings.max_concurrency}

    try:
        new_token = await doors.ensure_admin_token()
        await rescans.begin()
        await seed(store, registry, ids, settings, clock.now())
        await engine.start()
        for executor in (executors.workers, executors.inline, executors.http):
            await executor.start()
        observers.notify("scheduler_startup", node={"id": node.id, "version": VERSION})
        yield App(
            settings=settings,
            store=store,
            registry=registry,
            operations=operations,
            access=doors,
            engine=engine,
            bus=bus,
            metrics=metrics,
            pool=pool,
            api=create_api(
                operations, settings=settings, access=doors, bus=bus, health=health, metrics=metrics, facts=facts
            ),
            new_admin_token=new_token,
        )
    finally:
        bus.close()
        observers.notify("scheduler_shutdown", node={"id": node.id, "version": VERSION})
        await observers.close()
        for executor in (executors.workers, executors.inline, executors.http):
            await executor.close()
        await store.close()


async def seed(store: Store, registry: Registry, ids: IdGenerator, settings: Settings, now: datetime) -> None:
    """Give a fresh database its one system task: delete old executions daily. Does nothing ever after.

    Waits for a start at which the maintenance plugin is there.
    """
    if registry.function(_CLEANUP_FUNCTION) is None:
        log.warning("the plugin cronplug-maintenance is not installed: nothing deletes old executions")
        return
    definition = TaskDefinition(
        name="Clean up old executions",
        type=TaskType.FUNCTION,
        description=(
            "Deletes ended executions that are older than the retention settings; each task's newest one stays. "
            "Made by cronplug at its first start."
        ),
        tags=("system",),
        timezone=settings.default_timezone,
        schedules=(CronRule(cron_expression="17 3 * * *", timezone=settings.default_timezone),),
        function_name=_CLEANUP_FUNCTION,
        timeout_seconds=3600,
    )
    schedule = parse_schedule(cron_expression="17 3 * * *", timezone=settings.default_timezone)
    task = Task(
        id=ids.new(now),
        definition=definition,
        revision=1,
        created_at=now,
        updated_at=now,
        next_run_at=schedule.next_fire_time(now),
    )

    async def insert(conn: Conn) -> None:
        if await access.get_meta(conn, "seeded_at") is None:
            await access.set_meta(conn, "seeded_at", now.isoformat())
            await tasks.insert_task(conn, task)

    await store.write(insert)


async def _health(store: Store, engine: Engine) -> dict[str, Any]:
    checks: dict[str, dict[str, Any]] = {"store": {"ok": True}, "planner": {"ok": True}}
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await store.ping()
    except TimeoutError:
        checks["store"] = {"ok": False, "message": f"no answer within {_PING_SECONDS:g} s"}
    except StoreError:  # its text may name paths and hosts, and nobody has signed in here; the log has it
        checks["store"] = {"ok": False, "message": "the database does not answer; the server's log says why"}
    problem = engine.planner_problem()
    if problem is not None:
        checks["planner"] = {"ok": False, "message": problem}
    if engine.stopping:
        return {"status": "stopping", "checks": checks}
    return {"status": "ok" if all(check["ok"] for check in checks.values()) else "degraded", "checks": checks}


# -- serving --------------------------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """uvicorn as a component: the signals are ours, and it looks up once a second, for the date, not ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._exit = Doorbell()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Until `exit`."""
        while not await self.on_tick(0):
            await self._exit.wait(at_most_seconds=1.0)

    def exit(self) -> None:
        """Stop serving."""
        self.should_exit = True
        self._exit.ring()


async def _serve(settings: Settings, listener: socket.socket) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(signum: int) -> None:
        if stop.is_set():
            log.warning("second signal: stopping at once; what runs is picked up at the next start")
            os._exit(128 + signum)
        stop.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, on_signal, signum)
    async with running_app(settings) as app:
        server = _Server(server_config(app.api))
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[listener]), name="http")
            engine = group.create_task(app.engine.run(), name="engine")
            stopping = group.create_task(stop.wait(), name="signals")
            _greet(app, listener)
            await asyncio.wait({serving, engine, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                log.info("stopping: no new work is taken")
                _bound_the_stop(settings.drain_seconds + _LAST_SECONDS)
            stopping.cancel()
            app.bus.close()
            server.exit()
            await app.engine.stop(drain_seconds=settings.drain_seconds)
    log.info("stopped")
    return 0 if stop.is_set() else 1


def _bound_the_stop(seconds: float) -> None:
    """Whatever still hangs then (a database that is away, a hook): what is not written down is settled at a start."""

    def end() -> None:
        log.error("stopping took too long, ending now; the next start settles what is left")
        os._exit(0)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def _greet(app: App, listener: socket.socket) -> None:
    settings = app.settings
    port = listener.getsockname()[1]
    url = settings.public_url if settings.port or settings.base_url else f"http://127.0.0.1:{port}"
    functions, plugins = app.operations.list_functions(), app.operations.list_plugins()
    log.info("cronplug %s is ready at %s (%d functions from %d plugins)", VERSION, url, len(functions), len(plugins))
    if app.new_admin_token is not None:  # beside the log: it is shown once, to whoever starts the server
        sys.stderr.write(f"\n  Sign in: {url}/admin/scheduler/#token={app.new_admin_token}\n\n")
        sys.stderr.flush()
    elif settings.auth == "token" and settings.admin_token is None:
        where = f" --data-dir {settings.data_dir}" if settings.is_sqlite else ""
        log.info("sign in with the link of the first start; `cronplug token%s` makes a new token", where)


def bind(settings: Settings) -> socket.socket:
    """Listen on the configured address before anything else is started. Raises SettingsError in one line."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(
            f"SCHEDULER_HOST {settings.host!r} is not an address of this machine: {error.strerror}."
        ) from error
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"Port {settings.port} is in use: stop what listens there, or choose another one with --port or SCHEDULER_PORT."
            ) from error
        raise SettingsError(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


def check_timezone(settings: Settings) -> None:
    """Refuse an unknown default zone before anything starts. Raises SettingsError."""
    try:
        parse_schedule(cron_expression="@daily", timezone=settings.default_timezone)
    except InvalidInput as error:
        raise SettingsError(f"SCHEDULER_DEFAULT_TIMEZONE: {error.errors[0].message}") from error


def prepare_data_dir(settings: Settings) -> None:
    """Make the data directory when the database lives in it. Raises SettingsError when it cannot be written."""
    if not settings.is_sqlite:
        return
    path = Path(settings.database_url.removeprefix("sqlite:///")).parent
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(path, os.W_OK | os.X_OK)
    except OSError as error:
        raise SettingsError(f"The data directory {path} cannot be made: {error.strerror}.") from error
    if not writable:
        raise SettingsError(
            f"The data directory {path} is not writable by uid {os.getuid()}: chown it, use a named volume, or set "
            "SCHEDULER_DATA_DIR."
        )
