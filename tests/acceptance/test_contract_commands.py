"""The command line: what works beside a running server, what needs none, and what exit codes mean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.server import TOKEN, Server, free_port

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]


def cronplug(*arguments: str, environ: dict[str, str] | None = None, cwd: Path | None = None) -> Any:
    """Run the program; a CompletedProcess with text."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
    return subprocess.run(
        [sys.executable, "-m", "cronplug", *arguments],
        env=clean | (environ or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=90,
        stdin=subprocess.DEVNULL,
    )


def done(*arguments: str, environ: dict[str, str] | None = None) -> str:
    """What the program printed; it succeeded and complained of nothing."""
    ended = cronplug(*arguments, environ=environ)
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    text: str = ended.stdout
    return text


def failed(*arguments: str, environ: dict[str, str] | None = None) -> str:
    """The one line of complaint of a program that failed."""
    ended = cronplug(*arguments, environ=environ)
    assert ended.returncode not in (0, None), ended
    assert "Traceback" not in ended.stderr
    lines: list[str] = [line for line in ended.stderr.strip().splitlines() if line]
    assert lines, ended
    return lines[-1]


@pytest.fixture(scope="module")
def here(live: Server) -> dict[str, str]:
    """The environment of someone who uses the running server."""
    return {"SCHEDULER_BASE_URL": live.url, "SCHEDULER_ADMIN_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def task(live: Server) -> Any:
    """A task to look at and to run."""
    return live.create_task(
        name="nightly-count",
        type="function",
        functionName="acme.count",
        functionPayload={"lines": 2},
        cronExpression="0 3 * * *",
        tags=["night"],
    )


# -- beside a server --------------------------------------------------------------------------------------------------


def test_tasks_are_listed_and_shown(here: dict[str, str], task: Any) -> None:
    listed = done("tasks", "list", environ=here)
    assert "nightly-count" in listed
    assert task["id"] in listed
    assert "nightly-count" not in done("tasks", "list", "--tag", "day", environ=here)
    assert json.loads(done("tasks", "list", "--json", environ=here))
    for known_by in ("nightly-count", task["id"]):
        shown = done("tasks", "show", known_by, environ=here)
        assert "nightly-count" in shown
        assert "acme.count" in shown


def test_a_task_is_switched_off_and_on(live: Server, here: dict[str, str], task: Any) -> None:
    for command, enabled in [("disable", False), ("enable", True)]:
        done("tasks", command, task["id"], environ=here)
        assert live.client.get(f"/tasks/{task['id']}").json()["task"]["enabled"] is enabled


def test_a_task_is_run_and_its_output_followed(live: Server, here: dict[str, str], task: Any) -> None:
    execution_id = done("tasks", "run", "nightly-count", environ=here).split()[-1]
    assert live.until_status(execution_id, "success")["trigger"] == "manual"
    printed = done("logs", execution_id, environ=here)
    assert [text in printed for text in ("out 0", "out 1", "err", "out 2")] == [True, True, True, False]
    assert done("logs", "nightly-count", environ=here) == printed
    followed = cronplug("logs", "-f", execution_id, environ=here)
    assert followed.returncode == 0
    assert followed.stdout == printed
    assert "success" in followed.stderr  # how it ended does not mix with the output
    followed = cronplug("tasks", "run", "nightly-count", "--payload", '{"lines": 3}', "--follow", environ=here)
    assert followed.returncode == 0
    assert "out 2" in followed.stdout


def test_following_a_failure_exits_with_one(live: Server, here: dict[str, str]) -> None:
    live.create_task(name="unlucky", type="function", functionName="acme.fail")
    ended = cronplug("tasks", "run", "unlucky", "--follow", environ=here)
    assert ended.returncode == 1
    assert "no luck" in ended.stdout + ended.stderr


def test_a_name_that_two_tasks_have_is_not_guessed(live: Server, here: dict[str, str]) -> None:
    for _ in range(2):
        live.create_task(name="twin", type="http", httpUrl="https://example.com/")
    assert "twin" in failed("tasks", "show", "twin", environ=here)


def test_errors_are_one_line_and_exit_codes_are_not_zero(live: Server, here: dict[str, str], task: Any) -> None:
    assert "nobody" in failed("tasks", "show", "nobody", environ=here)
    assert failed("tasks", "run", task["id"], "--payload", "{broken", environ=here)
    assert "lines" in failed("tasks", "run", task["id"], "--payload", '{"lines": "many"}', environ=here)
    assert failed("logs", "nobody", environ=here)
    assert failed("tasks", "list", environ=here | {"SCHEDULER_ADMIN_TOKEN": "x" * 40})
    nobody = f"http://127.0.0.1:{free_port()}"
    assert nobody in failed("tasks", "list", "--url", nobody, environ=here)
    assert failed("tasks", "list", "--colour", environ=here)
    assert failed("nonsense")


def test_flags_win_over_the_environment(live: Server) -> None:
    wrong = {"SCHEDULER_BASE_URL": "http://127.0.0.1:1", "SCHEDULER_ADMIN_TOKEN": "y" * 40}
    done("tasks", "list", "--url", live.url, "--token", TOKEN, environ=wrong)


def test_plugins_are_rescanned(here: dict[str, str]) -> None:
    printed = done("plugins", "rescan", environ=here)
    assert "acme-contract" in printed
    assert "acme-broken" in printed


def test_a_token_is_made_beside_a_running_server(live: Server) -> None:
    printed = cronplug("token", environ={"SCHEDULER_DATA_DIR": str(live.data_dir)})
    assert printed.returncode == 0, printed
    token = printed.stdout.split()[-1]
    assert len(token) >= 32
    answer = httpx.get(f"{live.client.base_url}stats", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    second = cronplug("token", environ={"SCHEDULER_DATA_DIR": str(live.data_dir)}).stdout.split()[-1]
    assert second != token


# -- without a server -------------------------------------------------------------------------------------------------


def test_a_preview_needs_no_server() -> None:
    printed = done("preview", "30 2 * * *", "--tz", "Europe/Berlin", "--count", "3")
    assert printed.count("02:30") >= 3
    assert "Europe/Berlin" in printed or "+01:00" in printed or "+02:00" in printed
    assert failed("preview", "60 * * * *")
    assert "never" in failed("preview", "0 0 30 2 *").lower()
    assert "Mars/Phobos" in failed("preview", "0 9 * * *", "--tz", "Mars/Phobos")


def test_functions_and_plugins_need_no_server(strangers_site: Path) -> None:
    site = {"PYTHONPATH": str(strangers_site)}
    listed = cronplug("functions", environ=site)
    assert listed.returncode == 0
    assert "acme.greet" in listed.stdout
    assert "acme-broken" in listed.stderr
    assert len(listed.stderr.strip().splitlines()) == 1
    assert "days" in done("functions", "acme.greet", environ=site)
    assert "acme.nobody" in failed("functions", "acme.nobody", environ=site)
    printed = cronplug("plugins", environ=site).stdout
    assert "acme-contract" in printed
    assert "acme-broken" in printed


def test_the_version_and_the_description_need_no_server(live: Server) -> None:
    version = live.client.get("/stats").json()["version"]
    assert version in done("version")
    assert json.loads(done("openapi")) == json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))


def test_help_names_every_command() -> None:
    printed = done("--help")
    commands = "serve migrate check functions plugins tasks logs preview token openapi version"
    assert [command for command in commands.split() if f"  {command} " not in printed] == []


def test_a_check_finds_what_would_stop_the_server(tmp_path: Path, strangers_site: Path) -> None:
    good = {"SCHEDULER_DATA_DIR": str(tmp_path / "data")}
    assert cronplug("check", environ=good).returncode == 0
    assert "SCHEDULER_PORT" in failed("check", environ=good | {"SCHEDULER_PORT": "nonsense"})
    told = cronplug("check", environ=good | {"PYTHONPATH": str(strangers_site)})
    assert told.returncode == 1
    assert "acme-broken: ImportError: the wind blew it away" in told.stdout
    assert "Traceback" not in told.stdout + told.stderr


def test_migrate_makes_the_database_and_may_be_run_again(tmp_path: Path) -> None:
    environ = {"SCHEDULER_DATA_DIR": str(tmp_path / "data")}
    for _ in range(2):
        assert cronplug("migrate", environ=environ).returncode == 0
    assert list((tmp_path / "data").glob("*.db"))


def test_migrate_is_refused_beside_a_running_server(live: Server) -> None:
    assert failed("migrate", environ={"SCHEDULER_DATA_DIR": str(live.data_dir)})
    assert live.is_ready()


# -- settings ---------------------------------------------------------------------------------------------------------

BAD_SETTINGS = [
    ("SCHEDULER_PORT", "70000"),
    ("SCHEDULER_DEFAULT_TIMEZONE", "Mars/Phobos"),
    ("SCHEDULER_DATABASE_URL", "mysql://host/db"),
    ("SCHEDULER_HTTP_ALLOW", "everything"),
    ("SCHEDULER_ADMIN_TOKEN_FILE", "/nowhere/at/all"),
]


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS)
def test_a_bad_setting_stops_the_start_with_one_clear_line(tmp_path: Path, name: str, value: str) -> None:
    environ = {"SCHEDULER_DATA_DIR": str(tmp_path), "SCHEDULER_PORT": str(free_port()), name: value}
    ended = cronplug("serve", environ=environ, cwd=tmp_path)
    assert ended.returncode not in (0, None)
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    assert name in lines[0]


def test_an_unknown_setting_stops_the_start_and_explains_kubernetes(tmp_path: Path) -> None:
    environ = {"SCHEDULER_DATA_DIR": str(tmp_path), "SCHEDULER_SERVICE_HOST": "10.0.0.1"}
    ended = cronplug("serve", environ=environ, cwd=tmp_path)
    assert ended.returncode not in (0, None)
    lines = (ended.stdout + ended.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    assert "SCHEDULER_SERVICE_HOST" in lines[0]
    assert "enableServiceLinks" in lines[0]


def test_an_env_file_is_read_the_environment_wins_over_it_and_flags_over_both(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SCHEDULER_DEFAULT_TIMEZONE=Asia/Kolkata\n", encoding="utf-8")
    assert "+05:30" in cronplug("preview", "0 12 * * *", cwd=tmp_path).stdout
    tokyo = {"SCHEDULER_DEFAULT_TIMEZONE": "Asia/Tokyo"}
    assert "+09:00" in cronplug("preview", "0 12 * * *", environ=tokyo, cwd=tmp_path).stdout
    assert "+05:45" in cronplug("preview", "0 12 * * *", "--tz", "Asia/Kathmandu", environ=tokyo, cwd=tmp_path).stdout
