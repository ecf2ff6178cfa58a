"""Fixtures of the acceptance tests: every test gets its own server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import Server


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
