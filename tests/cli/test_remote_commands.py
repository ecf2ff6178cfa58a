"""Commands that ask a running server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.server import TOKEN, Server
from tests.cli.conftest import Run


@pytest.fixture
def greeting(server: Server) -> Iterator[dict[str, Any]]:
    task = server.create_task(
        name="Greet the team",
        type="function",
        functionName="acme.greet",
        functionPayload={"name": "team"},
        cronExpression="0 9 * * MON",
        timezone="Europe/Berlin",
        tags=["morning"],
    )
    yield task
    server.client.delete(f"/tasks/{task['id']}?force=true")


def test_tasks_are_listed(remote: Run, greeting: dict[str, Any]) -> None:
    told = remote("tasks", "list", "--tag", "morning")

    assert told.code == 0
    header, row = told.out.splitlines()
    assert header.split()[:2] == ["ID", "NAME"]
    assert row.split()[0] == greeting["id"]
    assert "0 9 * * MON Europe/Berlin" in row
    assert json.loads(remote("tasks", "list", "-q", "Greet the", "--json").out)["total"] == 1
    assert greeting["id"] not in remote("tasks", "list", "--disabled").out
    assert greeting["id"] not in remote("tasks", "list", "--type", "http").out


def test_a_list_that_goes_on_says_so(remote: Run, server: Server, greeting: dict[str, Any]) -> None:
    other = server.create_task(name="other", type="http", httpUrl="http://127.0.0.1:9/")

    told = remote("tasks", "list", "--page-size", "1")

    server.client.delete(f"/tasks/{other['id']}")
    assert "more with --page 2" in told.err


def test_a_task_is_shown_by_id_or_by_name(remote: Run, greeting: dict[str, Any]) -> None:
    by_id, by_name = remote("tasks", "show", greeting["id"]), remote("tasks", "show", "Greet the team")

    assert by_id.code == 0
    assert by_id.out == by_name.out
    assert "acme.greet" in by_id.out
    assert json.loads(remote("tasks", "show", greeting["id"], "--json").out)["task"]["name"] == "Greet the team"


def test_an_unknown_task_is_exit_code_1(remote: Run) -> None:
    told = remote("tasks", "show", "../nobody")

    assert told.code == 1
    assert told.err == "cronplug: There is no task with the id or name '../nobody'.\n"


def test_a_name_of_several_tasks_is_refused(remote: Run, server: Server, greeting: dict[str, Any]) -> None:
    twin = server.create_task(name=greeting["name"], type="http", httpUrl="http://127.0.0.1:9/")

    told = remote("tasks", "run", greeting["name"])

    server.client.delete(f"/tasks/{twin['id']}")
    assert told.code == 1
    assert greeting["id"] in told.err
    assert twin["id"] in told.err


def test_a_task_is_run_and_followed_to_its_end(remote: Run, greeting: dict[str, Any]) -> None:
    told = remote("tasks", "run", "Greet the team", "--payload", '{"name": "you"}', "--follow")

    assert told.code == 0
    assert "greeting you" in told.out
    assert "success: Hello you (7)" in told.err


def test_a_followed_failure_is_exit_code_1(remote: Run, server: Server) -> None:
    task = server.create_task(name="fails", type="function", functionName="acme.fail")

    told = remote("tasks", "run", task["id"], "-f")

    server.client.delete(f"/tasks/{task['id']}")
    assert told.code == 1
    assert "failed: " in told.err
    assert "no luck" in told.err


def test_running_without_following_prints_the_execution(remote: Run, server: Server, greeting: dict[str, Any]) -> None:
    execution_id = remote("tasks", "run", greeting["id"]).out.strip()

    ended = server.until_status(execution_id, "success")
    assert ended["trigger"] == "manual"
    logs = remote("logs", execution_id)
    assert logs.code == 0
    assert "greeting team" in logs.out
    assert remote("logs", "Greet the team").out == logs.out
    assert remote("logs", "-f", greeting["id"]).out == logs.out
    assert execution_id in remote("tasks", "show", greeting["id"]).out


def test_a_run_that_overlap_skips_is_exit_code_1_unless_forced(remote: Run, server: Server) -> None:
    task = server.create_task(name="waits", type="function", functionName="acme.wait")
    first = remote("tasks", "run", task["id"]).out.strip()
    server.until_status(first, "running")

    skipped, forced = remote("tasks", "run", task["id"]), remote("tasks", "run", "--force", task["id"])

    server.client.delete(f"/tasks/{task['id']}?force=true")
    assert (skipped.code, skipped.out) == (1, "")
    assert first in skipped.err
    assert forced.code == 0
    assert forced.out.strip() != first


def test_schedules_of_other_kinds_are_listed_as_sentences(remote: Run, server: Server) -> None:
    every = {"kind": "interval", "everySeconds": 90}
    task = server.create_task(name="each", type="http", httpUrl="http://127.0.0.1:9/", schedules=[every], enabled=False)

    told = remote("tasks", "enable", task["id"], "--catch-up", "all")
    listed = remote("tasks", "list").out

    server.client.delete(f"/tasks/{task['id']}")
    assert "each: on, next run" in told.out
    assert "Every 90 seconds" in listed


def test_long_output_is_printed_whole(remote: Run, server: Server) -> None:
    execution_id = server.invoke("acme.count", {"lines": 2500})
    server.until_status(execution_id, "success")

    lines = remote("logs", execution_id).out.splitlines()

    assert [line.split()[-1] for line in lines if " out " in line] == [str(number) for number in range(2500)]
    assert sum("WARNING: log" in line for line in lines) == 1


def test_a_task_that_has_not_run_has_no_logs(remote: Run, greeting: dict[str, Any]) -> None:
    told = remote("logs", greeting["id"])

    assert told.code == 1
    assert "has not run yet" in told.err


@pytest.mark.parametrize("payload", ["{", "[]", "1"])
def test_a_payload_that_is_no_json_object_is_wrong_usage(remote: Run, greeting: dict[str, Any], payload: str) -> None:
    assert remote("tasks", "run", greeting["id"], "--payload", payload).code == 2


def test_a_payload_that_the_function_refuses_is_told(remote: Run, greeting: dict[str, Any]) -> None:
    told = remote("tasks", "run", greeting["id"], "--payload", '{"days": 0}')

    assert told.code == 1
    assert told.err.startswith("cronplug: ")


def test_tasks_are_switched_off_and_on(remote: Run, greeting: dict[str, Any]) -> None:
    assert remote("tasks", "disable", greeting["id"]).out == "Greet the team: off\n"
    assert greeting["id"] in remote("tasks", "list", "--disabled").out
    assert remote("tasks", "enable", "Greet the team").out.startswith("Greet the team: on, next run 20")


def test_plugins_are_looked_at_again(remote: Run) -> None:
    told = remote("plugins", "rescan")

    assert told.code == 0
    assert "acme-contract" in told.out


def test_a_wrong_token_is_exit_code_3(remote: Run) -> None:
    told = remote("tasks", "list", "--token", "wrong")

    assert told.code == 3
    assert "`cronplug token` makes one" in told.err


def test_a_token_made_beside_the_running_server_is_accepted(remote: Run, server: Server) -> None:
    made = remote("token", "--data-dir", str(server.data_dir))

    assert made.code == 0
    assert remote("tasks", "list", "--token", made.out.strip()).code == 0


def test_a_reader_that_goes_away_is_no_error(server: Server) -> None:
    execution_id = server.invoke("acme.count", {"lines": 5000})
    server.until_status(execution_id, "success")
    command = f"{sys.executable} -m cronplug logs {execution_id} --url {server.url} --token $TOKEN | head -1"

    done = subprocess.run(
        ["sh", "-c", command],
        env={"TOKEN": server.client.headers["Authorization"].removeprefix("Bearer "), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "out 0" in done.stdout
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_following_survives_a_restart_of_the_server(tmp_path: Path, site: Path) -> None:
    restarted = Server(tmp_path / "data", PYTHONPATH=str(site), SCHEDULER_DRAIN_SECONDS="0")
    follower: subprocess.Popen[str] | None = None
    try:
        restarted.start()
        execution_id = restarted.invoke("acme.wait", {"seconds": 2})
        follower = subprocess.Popen(
            [sys.executable, "-m", "cronplug", "logs", "-f", execution_id, "--url", restarted.url, "--token", TOKEN],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert follower.stdout is not None
        first = follower.stdout.readline()
        assert restarted.terminate() == 0
        restarted.start()
        out, err = follower.communicate(timeout=30)
    finally:
        restarted.close()
        if follower is not None and follower.poll() is None:
            follower.kill()
            follower.communicate()

    assert first.endswith("waiting\n")
    assert out.count("waiting") == 1  # the second attempt's line; the first one's is not told twice
    assert err == "success: waited\n"
