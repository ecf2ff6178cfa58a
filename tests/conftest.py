"""Fixtures for every test: real services, missing ones told openly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.services.chromium import ChromiumMissing, find_chromium
from tests.services.postgres import (
    PostgresMissing,
    PostgresServer,
    StoppablePostgres,
    running_postgres,
    running_stoppable_postgres,
)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresMissing as missing:
        _report_missing(missing)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that only this test sees."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def stoppable_postgres() -> Iterator[StoppablePostgres]:
    """A PostgreSQL server that only this test uses, so that it may be away for a while."""
    try:
        with running_stoppable_postgres() as server:
            yield server
    except PostgresMissing as missing:
        _report_missing(missing)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The program of a Chromium that runs headless; for playwright's `launch(executable_path=...)`."""
    try:
        return find_chromium()
    except ChromiumMissing as missing:
        _report_missing(missing)


def _report_missing(service: Exception) -> NoReturn:
    """Skip where a service cannot be had; on a build server, where nobody reads skips, fail."""
    if os.environ.get("CI"):
        pytest.fail(str(service), pytrace=False)
    pytest.skip(str(service))
