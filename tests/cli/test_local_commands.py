"""Commands that need no running server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cronplug.cli.options import FLAG_HELP
from cronplug.cli.text import show_facts
from cronplug.settings import SETTING_NAMES
from tests.acceptance.server import Server, free_port
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def test_help_names_every_command_and_reads_well(run: Run) -> None:
    told = run("--help")

    assert told.code == 0
    for name in ("serve", "migrate", "check", "functions", "plugins", "tasks", "logs", "preview", "token", "openapi"):
        assert f"\n  {name} " in told.out
    assert "..." not in told.out.partition("Commands:")[2]


def test_version_is_told(run: Run) -> None:
    assert run("version").out.startswith("cronplug 1.")
    assert run("--version").out.startswith("cronplug 1.")


def test_short_commands_load_neither_server_nor_store() -> None:
    script = (
        "import sys; from cronplug.cli import main; main(['version']);"
        "heavy = {'quart', 'sqlalchemy', 'httpx', 'aiohttp', 'uvicorn'} & set(sys.modules);"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_every_setting_but_the_token_is_a_flag() -> None:
    assert set(FLAG_HELP) == SETTING_NAMES - {"SCHEDULER_ADMIN_TOKEN"}


@pytest.mark.parametrize("arguments", [("nonsense",), ("preview",), ("tasks", "list", "--page", "0"), ("serve", "--x")])
def test_wrong_usage_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    told = run(*arguments)

    assert told.code == 2
    assert "Error: " in told.err


@pytest.mark.parametrize("command", ["serve", "migrate", "check", "functions", "token"])
def test_a_bad_setting_is_one_line_and_exit_code_2(run: Run, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_PORT", "many")

    told = run(command)

    assert told.code == 2
    assert told.err.startswith("cronplug: SCHEDULER_PORT must be a whole number")
    assert told.err.count("\n") == 1


def test_flags_win_over_the_environment_and_that_over_the_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SCHEDULER_DEFAULT_TIMEZONE=Asia/Tokyo\n", encoding="utf-8")
    assert "(Asia/Tokyo)" in run("preview", "@daily").out

    monkeypatch.setenv("SCHEDULER_DEFAULT_TIMEZONE", "Europe/Berlin")
    assert "(Europe/Berlin)" in run("preview", "@daily").out

    assert "(America/Lima)" in run("preview", "@daily", "--default-timezone", "America/Lima").out


def test_preview_says_what_an_expression_means_and_when_it_fires(run: Run) -> None:
    told = run("preview", "0 9 * * MON", "--tz", "Europe/Berlin", "--count", "3")

    lines = told.out.splitlines()
    assert told.code == 0
    assert "09:00" in lines[0]
    assert len(lines) == 4
    assert all(" 09:00:00 +0" in line for line in lines[1:])


def test_preview_points_at_the_fault(run: Run) -> None:
    told = run("preview", "0 25 * * *")

    assert told.code == 1
    assert told.err.splitlines()[1:] == ["  0 25 * * *", "    ^"]


def test_preview_names_an_unknown_zone(run: Run) -> None:
    told = run("preview", "@daily", "--tz", "Europe/Berlim")

    assert told.code == 1
    assert "Europe/Berlin" in told.err


def test_preview_looks_from_any_instant(run: Run) -> None:
    told = run("preview", "30 2 * * *", "--tz", "Europe/Berlin", "--after", "2030-03-30T12:00:00Z", "--count", "1")

    assert told.out.splitlines()[1].startswith("  2030-03-31 03:00:00 +02:00  02:30 does not exist that day")


def test_preview_shows_intervals_and_single_instants(run: Run) -> None:
    every = run("preview", "--every", "90", "--after", "2030-01-01T00:00:00Z", "--count", "2")
    once = run("preview", "--at", "2030-01-01T12:00:00+02:00", "--after", "2030-01-01T00:00:00Z", "--tz", "Asia/Tokyo")

    assert every.out == (
        "Every 90 seconds from 2030-01-01 00:00 (UTC)\n  2030-01-01 00:01:30 +00:00\n  2030-01-01 00:03:00 +00:00\n"
    )
    assert once.out == "Once at 2030-01-01 19:00 (Asia/Tokyo)\n  2030-01-01 19:00:00 +09:00\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("@daily", "--every", "5"),
        ("@daily", "--at", "2030-01-01T00:00:00Z"),
        ("--every", "0"),
        ("--at", "tomorrow"),
        ("--at", "2030-01-01T00:00:00"),
        ("@daily", "--after", "9999-01-01T00:00:00Z"),
    ],
)
def test_preview_wants_one_schedule_and_instants_with_an_offset(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("preview", *arguments).code == 2


def test_openapi_is_the_committed_document(run: Run) -> None:
    told = run("openapi")

    assert json.loads(told.out)["openapi"].startswith("3.1")
    assert told.out == (ROOT / "openapi.json").read_text(encoding="utf-8")


def test_functions_lists_shows_and_prints_json(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))

    listed = run("functions")
    assert listed.code == 0
    assert "acme.greet" in listed.out
    assert "Greet someone." in listed.out
    shown = run("functions", "acme.greet")
    assert '"Whom to greet"' in shown.out
    [described] = json.loads(run("functions", "acme.greet", "--json").out)
    assert described["payloadSchema"]["required"] == ["name"]


def test_a_description_of_several_lines_is_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    show_facts([("name", "acme.greet"), ("description", "Greet.\n\nKindly.\x1b[2J"), ("tags", [])])

    assert capsys.readouterr().out == "name         acme.greet\ndescription  Greet.\n\n             Kindly.\\x1b[2J\n"


def test_a_function_that_nobody_registers_is_exit_code_1(run: Run) -> None:
    told = run("functions", "nobody.home")

    assert told.code == 1
    assert "'nobody.home'" in told.err


def test_plugins_shows_what_is_broken_and_why(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))

    told = run("plugins")

    assert told.code == 0
    assert "acme-broken" in told.out
    assert "the wind blew it away" in told.out
    records = {record["name"]: record for record in json.loads(run("plugins", "--json").out)}
    assert records["acme-broken"]["status"] == "broken"
    assert records["acme-contract"]["status"] == "ok"
    blocked = json.loads(run("plugins", "--plugins-block", "acme-broken", "--json").out)
    assert {"acme-broken": "disabled"}.items() <= {r["name"]: r["status"] for r in blocked}.items()


def test_check_is_content_with_a_fresh_place_and_makes_nothing(run: Run, tmp_path: Path) -> None:
    told = run("check")

    assert told.code == 0
    assert told.out.count("ok ") == 3
    assert "will be made at the first start" in told.out
    assert not (tmp_path / "data").exists()


def test_check_tells_everything_that_is_wrong(run: Run, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("SCHEDULER_DEFAULT_TIMEZONE", "Mars/Base")
    monkeypatch.setenv("SCHEDULER_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")

    told = run("check")

    assert told.code == 1
    assert told.out.count("FAILED") == 3
    assert "Mars/Base" in told.out
    assert "acme-broken: ImportError: the wind blew it away" in told.out


def test_migrate_makes_the_schema_once(run: Run, tmp_path: Path) -> None:
    first, second = run("migrate"), run("migrate")

    assert first.code == second.code == 0
    assert first.out.startswith("Migrated the database from schema none to ")
    assert second.out.endswith("nothing to do.\n")
    assert (tmp_path / "data" / "cronplug.db").exists()
    assert run("check").code == 0


def test_a_database_that_cannot_be_used_is_one_line_and_exit_code_4(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")

    told = run("migrate")

    assert told.code == 4
    assert told.err.startswith("cronplug: ")
    assert told.err.count("\n") == 1


def test_a_second_server_on_the_same_file_is_refused(run: Run, server: Server) -> None:
    told = run("serve", "--data-dir", str(server.data_dir), "--port", str(free_port()))

    assert told.code == 4
    assert "is in use by another cronplug" in told.err


def test_a_port_in_use_is_one_line(run: Run, server: Server, tmp_path: Path) -> None:
    told = run("serve", "--port", str(server.port), "--data-dir", str(tmp_path / "other"))

    assert told.code == 2
    assert f"Port {server.port} is in use" in told.err


def test_a_server_that_does_not_answer_is_exit_code_3(run: Run) -> None:
    told = run("tasks", "list", "--url", f"http://127.0.0.1:{free_port()}")

    assert told.code == 3
    assert "Is `cronplug serve` running there?" in told.err
    assert told.err.count("\n") == 1


def test_token_makes_no_database_where_there_is_none(run: Run, tmp_path: Path) -> None:
    told = run("token", "--data-dir", str(tmp_path / "empty"))
    assert told.code == 4
    assert "--data-dir" in told.err
    assert not (tmp_path / "empty").exists()
