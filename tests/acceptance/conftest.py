"""Fixtures of the acceptance tests: a server for a test that kills it, or one that a module's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server import Server
from tests.acceptance.strangers import Target, install, running_target


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that are ended with the test; each has its own data directory unless one is given."""
    servers: list[Server] = []

    def make(data_dir: Path | None = None, **environ: str) -> Server:
        server = Server(data_dir or tmp_path / f"data{len(servers)}", **environ)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """A running server on an empty SQLite database."""
    return make_server().start()


@pytest.fixture(scope="session")
def strangers_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of `strangers`, for a server's PYTHONPATH."""
    site = tmp_path_factory.mktemp("site")
    install(site)
    return site


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, strangers_site: Path) -> Iterator[Server]:
    """One running server for all tests of a module, with the functions of `strangers`."""
    server = Server(tmp_path_factory.mktemp("live") / "data", PYTHONPATH=str(strangers_site))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def api(live: Server) -> httpx.Client:
    """A signed-in client of the module's server, based at /api/scheduler."""
    return live.client


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """An HTTP server for HTTP tasks to call."""
    with running_target() as running:
        yield running
