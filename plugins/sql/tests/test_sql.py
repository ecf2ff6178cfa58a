"""`sql.query` against a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cronplug_sql import query
from cronplug_sql.answers import MAX_RESULT_BYTES
from cronplug_sql.values import as_json

from cronplug import PermanentError
from cronplug.testing import FunctionRunner, InvalidPayload, Ran

WAIT_SECONDS = 20


class Database:
    """A database that functions know as `sales`."""

    def __init__(self, run_function: FunctionRunner, url: str) -> None:
        self.url = url
        self._run = run_function

    def ask(self, text: str, *, timeout_seconds: float = 30, **payload: Any) -> Ran:
        return self._run(query, {"database": "sales", "query": text, **payload}, timeout_seconds=timeout_seconds)

    def change(self, text: str, **payload: Any) -> Ran:
        return self.ask(text, readOnly=False, **payload)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    path = tmp_path / "sales 100%.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    return path


@pytest.fixture
def sqlite_sales(run_function: FunctionRunner, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("SCHEDULER_SQL_SALES_URL", f"sqlite:///{sqlite_file}")
    return Database(run_function, f"sqlite:///{sqlite_file}")


@pytest.fixture
def postgres_sales(run_function: FunctionRunner, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("SCHEDULER_SQL_SALES_URL", postgres_url)
    return Database(run_function, postgres_url)


@pytest.fixture(params=["sqlite", "postgresql"])
def sales(request: pytest.FixtureRequest) -> Database:
    database: Database = request.getfixturevalue("sqlite_sales" if request.param == "sqlite" else "postgres_sales")
    assert database.change("CREATE TABLE sales (region TEXT, amount INTEGER)").success
    assert database.change("INSERT INTO sales VALUES ('north', 1), ('south', 2), ('west', 3)").success
    return database


# ---------------------------------------------------------------------------------------------- on both databases


def test_rows_come_as_objects(sales: Database) -> None:
    ran = sales.ask("SELECT region, amount FROM sales WHERE amount >= :least ORDER BY amount", parameters={"least": 2})

    assert ran.success, ran.error_message
    assert ran.result["columns"] == ["region", "amount"]
    assert ran.result["rows"] == [{"region": "south", "amount": 2}, {"region": "west", "amount": 3}]
    assert (ran.result["truncated"], ran.result_summary) == (False, "2 rows")


def test_no_rows_is_an_answer_too(sales: Database) -> None:
    ran = sales.ask("SELECT region FROM sales WHERE amount > 100")

    assert (ran.success, ran.result["rows"], ran.result["columns"]) == (True, [], ["region"])


@pytest.mark.parametrize("value", ["it's ünïcödé; DROP TABLE sales", 7, 2**40, True, 0.5, None])
def test_a_parameter_is_a_value_and_never_sql(sales: Database, value: Any) -> None:
    ran = sales.ask("SELECT :value AS value", parameters={"value": value})

    assert ran.result["rows"][0]["value"] == value


def test_columns_of_the_same_name_are_kept_apart(sales: Database) -> None:
    ran = sales.ask("SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a")

    assert ran.result["rows"] == [{"a": 1, "a_2": 2, "a_2_2": 3, "a_3": 4}]


@pytest.mark.parametrize(("max_rows", "kept", "more"), [(2, 2, True), (3, 3, False), (100, 3, False)])
def test_rows_beyond_the_most_are_cut_with_a_warning(sales: Database, max_rows: int, kept: int, more: bool) -> None:
    ran = sales.ask("SELECT amount FROM sales ORDER BY amount", maxRows=max_rows)

    assert (len(ran.result["rows"]), ran.result["truncated"]) == (kept, more)
    assert any(level == "warning" for level, _ in ran.log) is more


def test_a_change_tells_how_many_rows_it_changed(sales: Database) -> None:
    ran = sales.change("UPDATE sales SET amount = amount + 1 WHERE amount > 1")

    assert ran.success
    assert ran.result["changed"] in (2, None)  # PostgreSQL's driver does not tell where it reads row by row
    assert [row["amount"] for row in sales.ask("SELECT amount FROM sales ORDER BY 1").result["rows"]] == [1, 3, 4]


def test_a_change_may_return_rows(sales: Database) -> None:
    ran = sales.change("DELETE FROM sales WHERE region = 'north' RETURNING amount")

    assert ran.result["rows"] == [{"amount": 1}]
    assert sales.ask("SELECT count(*) AS n FROM sales").result["rows"] == [{"n": 2}]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO sales VALUES ('east', 4)",
        "DELETE FROM sales",
        "DROP TABLE sales",
        "CREATE TABLE other (a INTEGER)",
        "DELETE FROM sales RETURNING amount",
    ],
)
def test_reading_only_is_the_rule(sales: Database, statement: str) -> None:
    ran = sales.ask(statement)

    assert (ran.success, ran.permanent) == (False, True)
    assert sales.ask("SELECT count(*) AS n FROM sales").result["rows"] == [{"n": 3}]


def test_a_change_that_fails_leaves_nothing(sales: Database) -> None:
    assert sales.change("CREATE UNIQUE INDEX one_each ON sales (region)").success

    ran = sales.change("INSERT INTO sales VALUES ('east', 4), ('east', 5)")

    assert not ran.success
    assert not ran.permanent
    assert sales.ask("SELECT count(*) AS n FROM sales").result["rows"] == [{"n": 3}]


@pytest.mark.parametrize(
    ("statement", "says"), [("SELEC 1", "SELEC"), ("SELECT nothing FROM sales", "nothing"), ("SELECT 1; SELECT 2", "")]
)
def test_a_wrong_statement_fails_for_good(sales: Database, statement: str, says: str) -> None:
    ran = sales.ask(statement)

    assert isinstance(ran.error, PermanentError)
    assert str(ran.error_message).startswith("The database 'sales': ")
    assert says in str(ran.error_message)


def test_what_goes_wrong_does_not_tell_the_parameters(sales: Database) -> None:
    ran = sales.ask("SELECT nothing FROM sales WHERE region = :region", parameters={"region": "SECRET"})

    assert not ran.success
    assert "SECRET" not in f"{ran.error_message} {ran.log}"


def test_long_rows_are_cut_at_what_a_result_may_hold(sales: Database) -> None:
    rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    ran = sales.ask(f"{rows} SELECT i, :text AS text FROM n", parameters={"text": "x" * 10_000}, maxRows=10_000)

    assert ran.success
    assert ran.result["truncated"]
    assert len(ran.result["rows"]) == MAX_RESULT_BYTES // 10_030
    assert ran.warnings == ()


# ---------------------------------------------------------------------------------------------- names and payloads


def test_a_database_nobody_has_named_is_refused_with_the_setting(
    run_function: FunctionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCHEDULER_SQL_STOCK_URL", raising=False)

    ran = run_function(query, {"database": "stock", "query": "SELECT 1"})

    assert ran.permanent
    assert "SCHEDULER_SQL_STOCK_URL" in str(ran.error_message)


@pytest.mark.parametrize(
    ("text", "parameters", "names"),
    [
        ("SELECT :a", {}, ":a has no value"),
        ("SELECT :a", {"a": 1, "b": 2}, "no parameter :b"),
        ("SELECT '{\"a\":1}'", {}, r"write \:1"),
    ],
)
def test_parameters_that_do_not_match_the_query_are_named(
    sqlite_sales: Database, text: str, parameters: dict[str, Any], names: str
) -> None:
    ran = sqlite_sales.ask(text, parameters=parameters)

    assert ran.permanent
    assert names in str(ran.error_message)


def test_a_colon_can_be_written(sqlite_sales: Database) -> None:
    assert sqlite_sales.ask("SELECT '{\"a\"\\:1}' AS j").result["rows"] == [{"j": '{"a":1}'}]


@pytest.mark.parametrize(
    "payload",
    [
        {"database": "postgresql://u:p@h/db", "query": "SELECT 1"},
        {"database": "../sales", "query": "SELECT 1"},
        {"database": "sales", "query": ""},
        {"database": "sales", "query": "SELECT 1", "maxRows": 0},
        {"database": "sales", "query": "SELECT 1", "parameters": {"a": [1]}},
        {"database": "sales", "query": "SELECT 1", "url": "sqlite:////a.db"},
    ],
)
def test_payloads_that_make_no_sense_are_refused(run_function: FunctionRunner, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        run_function(query, payload)


# ---------------------------------------------------------------------------------------------- SQLite alone


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("statement", ["ATTACH '{other}' AS other", "VACUUM INTO '{other}'"])
def test_a_statement_stays_in_its_file(sqlite_sales: Database, tmp_path: Path, statement: str, read_only: bool) -> None:
    other = tmp_path / "other.db"

    ran = sqlite_sales.ask(statement.format(other=other), readOnly=read_only)

    assert not ran.success
    assert not other.exists()


@pytest.mark.parametrize(
    "statement", ["PRAGMA query_only = OFF", "PRAGMA user_version = 7", "PRAGMA journal_mode=DELETE"]
)
def test_reading_only_holds_against_pragmas(sqlite_sales: Database, sqlite_file: Path, statement: str) -> None:
    assert not sqlite_sales.ask(statement).success
    with closing(sqlite3.connect(sqlite_file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_pragmas_that_read_are_answered(sqlite_sales: Database) -> None:
    sqlite_sales.change("CREATE TABLE sales (region TEXT)")

    assert sqlite_sales.ask("PRAGMA table_info(sales)").result["rows"][0]["name"] == "region"


def test_a_file_that_is_not_there_is_not_made(
    run_function: FunctionRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCHEDULER_SQL_SALES_URL", f"sqlite:///{tmp_path}/missing.db")

    for read_only in (True, False):
        assert run_function(query, {"database": "Sales", "query": "SELECT 1", "readOnly": read_only}).permanent
    assert os.listdir(tmp_path) == []


def test_a_statement_without_end_is_ended_at_the_time_limit(sqlite_sales: Database) -> None:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    assert sqlite_sales.ask(endless, timeout_seconds=0.3).status == "timed_out"


# ---------------------------------------------------------------------------------------------- PostgreSQL alone


def test_a_text_is_cast_where_a_date_is_wanted(postgres_sales: Database) -> None:
    ran = postgres_sales.ask(
        "SELECT CAST(:day AS date) + 1 AS next, CAST(:n AS int)::text AS n", parameters={"day": "2026-02-28", "n": "7"}
    )

    assert ran.result["rows"] == [{"next": "2026-03-01", "n": "7"}]


def test_every_kind_of_value_becomes_json(postgres_sales: Database) -> None:
    ran = postgres_sales.ask(
        "SELECT 1.50::numeric AS n, 'NaN'::float8 AS f, timestamptz '2026-03-02 12:00+02' AT TIME ZONE 'UTC' AS t,"
        " interval '90 seconds' AS i, '\\x6162'::bytea AS b, ARRAY[1, NULL] AS a, '[1, 2]'::jsonb AS j,"
        " '00000000-0000-0000-0000-000000000001'::uuid AS u, NULL AS nothing"
    )

    assert ran.success, ran.error_message
    [row] = ran.result["rows"]
    assert row | {"j": None} == {
        "n": "1.50", "f": "nan", "t": "2026-03-02T10:00:00", "i": 90.0, "b": "6162", "a": [1, None], "j": None,
        "u": "00000000-0000-0000-0000-000000000001", "nothing": None,
    }  # fmt: skip
    assert row["j"] in ("[1, 2]", [1, 2])


def test_a_server_that_does_not_answer_may_be_asked_again(
    run_function: FunctionRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCHEDULER_SQL_SALES_URL", f"postgresql://reader:SECRET@/sales?host={tmp_path}")

    ran = run_function(query, {"database": "sales", "query": "SELECT 1"})

    assert (ran.success, ran.permanent) == (False, False)
    assert "SECRET" not in f"{ran.error_message} {ran.log}"


@pytest.fixture
def sleepers(postgres_url: str) -> Callable[[int], int]:
    """Waits until so many statements sleep on the server."""

    async def count(number: int) -> int:
        connection = await asyncpg.connect(postgres_url)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    found: int = await connection.fetchval(
                        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
                    )
                    if found == number:
                        return found
                    await asyncio.sleep(0.02)
        finally:
            await connection.close()

    return lambda number: asyncio.run(count(number))


def test_a_time_limit_ends_the_statement_on_the_server(
    postgres_sales: Database, sleepers: Callable[[int], int]
) -> None:
    ran = postgres_sales.ask("SELECT pg_sleep(60)", timeout_seconds=0.5)

    assert ran.status == "timed_out"
    assert sleepers(0) == 0


# ---------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("value", "json"), [(2**63, str(2**63)), (-(2**63), -(2**63)), (float("inf"), "inf"), ({1: {2}}, {"1": "{2}"})]
)
def test_what_json_cannot_hold_becomes_text(value: object, json: object) -> None:
    assert as_json(value) == json
