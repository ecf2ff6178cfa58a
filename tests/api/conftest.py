"""One running core for all tests of the API: real store on a file, real registry, engine and workers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import pytest_asyncio
import uvicorn

from cronplug.app import App, prepare_data_dir, running_app
from cronplug.events import EventBus
from cronplug.settings import Settings, load_settings

T = TypeVar("T")

TOKEN = "test-admin-token-0123456789-abcdefghij"
BASE_URL = "http://127.0.0.1:3399"
API = "/api/scheduler"

_names = itertools.count(1)


@pytest.fixture(scope="session")
def sample_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plugin that is installed as long as the tests of the API run."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copy(Path(__file__).with_name("sample_functions.py"), folder / "sample_functions.py")
    info = folder / "sample_plugin-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-plugin\nVersion: 1.2.3\n")
    (info / "entry_points.txt").write_text("[scheduler.tasks]\nsample = sample_functions\n")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])
    yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


def settings_for(folder: Path, **overrides: str) -> Settings:
    """Settings of a server under test, with its data in `folder`."""
    environ = {
        "SCHEDULER_DATA_DIR": str(folder),
        "SCHEDULER_ADMIN_TOKEN": TOKEN,
        "SCHEDULER_SQLITE_SYNCHRONOUS": "normal",
        "SCHEDULER_DRAIN_SECONDS": "0",
    }
    return load_settings(environ | {f"SCHEDULER_{name.upper()}": value for name, value in overrides.items()})


async def held(manager: AbstractAsyncContextManager[T]) -> tuple[T, Callable[[], Awaitable[None]]]:
    """Enter `manager` in a task of its own, since fixtures are set up and torn down in different ones."""
    entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    leave = asyncio.Event()

    async def hold() -> None:
        try:
            async with manager as value:
                entered.set_result(value)
                await leave.wait()
        except BaseException as error:
            if not entered.done():
                entered.set_exception(error)
            raise

    task = asyncio.create_task(hold())
    try:
        async with asyncio.timeout(60):
            value = await asyncio.shield(entered)
    except TimeoutError:
        task.cancel()
        raise

    async def end() -> None:
        leave.set()
        await task

    return value, end


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[App]:
    """A core whose engine runs."""
    prepare_data_dir(settings)
    async with running_app(settings) as app:
        engine = asyncio.create_task(app.engine.run())
        try:
            yield app
        finally:
            await app.engine.stop(drain_seconds=0)
            await engine


@asynccontextmanager
async def served(app: App) -> AsyncIterator[str]:
    """The base URL of a real HTTP server over `app`."""
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:  # asyncio sets TCP_NODELAY only where this is said
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        server = _Server(
            uvicorn.Config(app.api, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def core(sample_plugin: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The running core."""
    app, end = await held(started(settings_for(tmp_path_factory.mktemp("data"))))
    yield app
    await end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def live_url(core: App) -> AsyncIterator[str]:
    """The base URL of a real HTTP server over the core."""
    url, end = await held(served(core))
    yield url
    await end()


@dataclass
class Api:
    """The API as a program sees it. Paths are below /api/scheduler unless they begin with it or are the root's."""

    client: httpx.AsyncClient
    bus: EventBus

    async def __call__(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return await self.client.request(method, API + path, **arguments)

    async def get(self, path: str, **arguments: Any) -> Any:
        """The JSON of a successful GET."""
        response = await self("GET", path, **arguments)
        assert response.status_code == 200, response.text
        return response.json()

    async def make_task(self, **fields: Any) -> dict[str, Any]:
        """A stored task: HTTP, disabled and with a fresh name unless told otherwise."""
        body = {"name": new_name(), "type": "http", "httpUrl": "http://127.0.0.1:9/", "enabled": False} | fields
        response = await self("POST", "/tasks", json=body)
        assert response.status_code == 201, response.text
        task: dict[str, Any] = response.json()
        return task

    async def invoke(self, name: str, payload: dict[str, Any] | None = None, *, wait: int = 30) -> dict[str, Any]:
        """The ended execution of a function."""
        response = await self("POST", f"/functions/{name}/invoke?wait={wait}", json={"payload": payload or {}})
        assert response.status_code == 200, response.text
        execution: dict[str, Any] = response.json()
        return execution

    async def ended(self, execution_id: str) -> dict[str, Any]:
        """An execution once it has ended."""
        return await self._once(execution_id, lambda execution: execution["finishedAt"] is not None)

    async def running(self, execution_id: str) -> dict[str, Any]:
        """An execution once it has begun."""
        execution = await self._once(execution_id, lambda execution: execution["status"] != "queued")
        assert execution["status"] == "running", execution
        return execution

    async def _once(self, execution_id: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with self.bus.subscribe(lambda event: event.id == execution_id) as inbox, asyncio.timeout(30):
            while True:
                execution: dict[str, Any] = await self.get(f"/executions/{execution_id}")
                if wanted(execution):
                    return execution
                await inbox.next(timeout_seconds=1.0)


def new_name() -> str:
    """A name that no other task of the run has."""
    return f"task {next(_names)}"


def transport(app: App) -> httpx.ASGITransport:
    """Requests straight into the application."""
    return httpx.ASGITransport(app=app.api)  # type: ignore[arg-type]  # Quart types its scopes more narrowly


@pytest_asyncio.fixture(loop_scope="session")
async def api(core: App) -> AsyncIterator[Api]:
    """The API for a caller with the admin token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport(core), base_url=BASE_URL, headers=headers) as client:
        yield Api(client, core.bus)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(core: App) -> AsyncIterator[Api]:
    """The API for a caller without a token."""
    async with httpx.AsyncClient(transport=transport(core), base_url=BASE_URL) as client:
        yield Api(client, core.bus)


def fields_at_fault(response: httpx.Response) -> list[str]:
    """The names in the problem's `errors`, after checking the problem's shape."""
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem.keys() == {"type", "title", "status", "detail", "code", "errors"}
    assert problem["status"] == response.status_code
    return [error["field"] for error in problem["errors"]]
