"""The first-party functions in a running server: settings reach them, and what they may not do they cannot."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.server import Server
from tests.acceptance.strangers import Target

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose operator allows one program and has named one database, in a file and in `.env`."""
    folder = tmp_path_factory.mktemp("furnished")
    with closing(sqlite3.connect(folder / "sales.db")) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")
        connection.execute("INSERT INTO sales VALUES (42)")
        connection.commit()
    (folder / "url").write_text(f"sqlite:///{folder / 'sales.db'}\n")
    (folder / "data").mkdir()
    (folder / "data" / ".env").write_text(f"SCHEDULER_SHELL_ALLOW={sys.executable}\n")
    server = Server(folder / "data", SCHEDULER_SQL_SALES_URL_FILE=str(folder / "url"))
    try:
        yield server.start()
    finally:
        server.close()


def call(server: Server, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The ended execution."""
    return server.until_status(server.invoke(function, payload), "success", "failed")


def test_a_backup_is_made_beside_a_running_server(furnished: Server) -> None:
    ended = call(furnished, "maintenance.backup", {"folder": "daily", "keep": 2})

    assert ended["status"] == "success", ended
    copy = Path(ended["result"]["path"])
    assert copy.parent == furnished.data_dir / "backups" / "daily"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (1,)


def test_a_backup_elsewhere_is_refused_for_good(furnished: Server) -> None:
    ended = call(furnished, "maintenance.backup", {"folder": "../.."})

    assert (ended["status"], ended["reason"]) == ("failed", "permanent_error")
    assert "SCHEDULER_BACKUP_DIR" in ended["errorMessage"]


def test_the_database_is_optimised_while_it_is_used(furnished: Server) -> None:
    ended = call(furnished, "maintenance.optimize", {"reclaim": True})

    assert ended["status"] == "success", ended
    assert ended["result"]["freeBytes"] == 0


def test_a_program_that_the_env_file_allows_runs_and_no_other(furnished: Server) -> None:
    allowed = call(furnished, "shell.run", {"command": [sys.executable, "-c", "print('hello'); raise SystemExit(4)"]})
    refused = call(furnished, "shell.run", {"command": ["/bin/sh", "-c", "echo hello"]})

    assert (allowed["status"], allowed["result"]["exitCode"]) == ("failed", 4)
    lines = furnished.client.get(f"/executions/{allowed['id']}/log").json()["list"]
    assert ("stdout", "hello") in [(line["stream"], line["text"]) for line in lines]
    assert refused["reason"] == "permanent_error"
    assert sys.executable in refused["errorMessage"]


def test_a_database_is_known_by_the_name_of_its_file_setting(furnished: Server) -> None:
    known = call(furnished, "sql.query", {"database": "sales", "query": "SELECT amount FROM sales"})
    unknown = call(furnished, "sql.query", {"database": "stock", "query": "SELECT 1"})

    assert known["status"] == "success", known
    assert known["result"]["rows"] == [{"amount": 42}]
    assert "SCHEDULER_SQL_STOCK_URL" in unknown["errorMessage"]


def test_a_request_keeps_to_the_rules_about_addresses(furnished: Server, target: Target) -> None:
    answered = call(
        furnished,
        "http.request",
        {"url": f"{target.url}/echo", "expectJson": [{"pointer": "/method", "equals": "GET"}]},
    )
    sent = {"url": f"{target.url}/redirect?to=http://169.254.169.254/latest/meta-data"}
    refused = call(furnished, "http.request", sent)

    assert answered["status"] == "success", answered
    assert refused["status"] == "failed"
    assert "link-local" in refused["errorMessage"]
