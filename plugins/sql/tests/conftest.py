"""The real PostgreSQL of the project's tests, for this plugin's too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from tests.conftest import postgres_server
from tests.services.postgres import PostgresServer

__all__ = ["postgres_server"]


@pytest.fixture(scope="session")
def shared_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of one database for all tests of this plugin; making one takes longer than any of them."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def postgres_url(shared_postgres_url: str) -> str:
    """The URL of an empty database."""
    asyncio.run(_empty(shared_postgres_url))
    return shared_postgres_url


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DROP TABLE IF EXISTS sales")
    finally:
        await connection.close()
