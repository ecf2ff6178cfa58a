"""The services that other tests stand on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from databases import Database
from playwright.async_api import async_playwright
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.services.postgres import PostgresServer


async def test_databases_reaches_postgres_over_its_socket(postgres_url: str) -> None:
    async with Database(postgres_url, min_size=1, max_size=2) as database:
        assert await database.fetch_val("SELECT 1") == 1


async def test_sqlalchemy_reaches_postgres_over_its_socket(postgres_url: str) -> None:
    engine = create_async_engine(postgres_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


@pytest.mark.parametrize("round_", [1, 2])
async def test_each_test_has_a_database_of_its_own(postgres_url: str, round_: int) -> None:
    async with Database(postgres_url, min_size=1, max_size=1) as database:
        await database.execute("CREATE TABLE only_here (round integer)")


async def test_a_database_is_dropped_with_connections_open(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database()
    database = Database(url, min_size=1, max_size=1)
    await database.connect()

    postgres_server.drop_database(url)

    async with Database(postgres_server.admin_url, min_size=1, max_size=1) as admin:
        names = await admin.fetch_all(
            "SELECT datname FROM pg_database WHERE datname = :name", {"name": url.split("/")[3].split("?")[0]}
        )
    assert names == []
    await database.disconnect()


async def test_chromium_shows_a_page_and_runs_its_script(chromium_path: Path) -> None:
    page_text = "<h1>hello</h1><script>document.title = 'it ' + 'runs'</script>"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path)
        page = await browser.new_page()
        await page.set_content(page_text)
        assert await page.title() == "it runs"
        assert await page.get_by_role("heading", name="hello").is_visible()
        await browser.close()


def test_chromium_says_its_version(chromium_path: Path) -> None:
    shown = subprocess.run([chromium_path, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert "Chrom" in shown.stdout
