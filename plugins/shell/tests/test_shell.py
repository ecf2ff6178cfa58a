"""`shell.run` with real programs: by itself, and in real worker processes, where it has to end what it started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cronplug_shell import run

from cronplug import PermanentError
from cronplug.executors.base import AttemptSpec, Outcome, Stop
from cronplug.executors.pool import WorkerPool
from cronplug.model import Json, Reason, Stream, Trigger
from cronplug.sdk.keeping import Artifact
from cronplug.testing import FunctionRunner, InvalidPayload

PYTHON = sys.executable
WAIT_SECONDS = 20


@pytest.fixture
def all_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_SHELL_ALLOW", "*")


def python(code: str, *arguments: str, **payload: Any) -> dict[str, Any]:
    return {"command": [PYTHON, "-c", code, *arguments], **payload}


# ---------------------------------------------------------------------------------------------- what is allowed


@pytest.mark.parametrize("allowed", [None, "", " , "])
def test_it_is_off_unless_the_server_says_otherwise(
    run_function: FunctionRunner, monkeypatch: pytest.MonkeyPatch, allowed: str | None
) -> None:
    monkeypatch.delenv("SCHEDULER_SHELL_ALLOW", raising=False)
    if allowed is not None:
        monkeypatch.setenv("SCHEDULER_SHELL_ALLOW", allowed)

    ran = run_function(run, {"command": ["/bin/true"]})

    assert isinstance(ran.error, PermanentError)
    assert "SCHEDULER_SHELL_ALLOW is empty" in str(ran.error_message)


@pytest.mark.parametrize("program", ["/bin/sh", "true", "/bin/../bin/true", "/bin/true "])
def test_only_the_named_programs_start(
    run_function: FunctionRunner, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setenv("SCHEDULER_SHELL_ALLOW", "/bin/date,/bin/true")

    ran = run_function(run, {"command": [program]})

    assert ran.permanent
    assert "SCHEDULER_SHELL_ALLOW names /bin/date, /bin/true" in str(ran.error_message)
    assert run_function(run, {"command": ["/bin/true"]}).success


@pytest.mark.parametrize("name", ["LD_PRELOAD", "BASH_ENV", "PYTHONPATH", "PATH", "GIT_SSH_COMMAND", "ld_preload"])
def test_variables_that_start_other_code_do_not_get_round_the_list(
    run_function: FunctionRunner, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SCHEDULER_SHELL_ALLOW", "/bin/true")

    ran = run_function(run, {"command": ["/bin/true"], "env": {name: "/tmp/evil", "HARMLESS": "1"}})

    assert ran.permanent
    assert name in str(ran.error_message)


@pytest.mark.parametrize(
    "payload",
    [
        {"command": "rm -rf /"},
        {"command": []},
        {},
        {"command": ["/bin/true"], "cwd": "relative"},
        {"command": ["/bin/true"], "env": {"A B": "1"}},
        {"command": ["/bin/true"], "successCodes": [256]},
        {"command": ["/bin/true"], "shell": True},
    ],
)
def test_payloads_that_make_no_sense_are_refused(run_function: FunctionRunner, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        run_function(run, payload)


# ---------------------------------------------------------------------------------------------- what it does


@pytest.mark.usefixtures("all_allowed")
def test_arguments_arrive_one_by_one_and_no_shell_looks_at_them(
    run_function: FunctionRunner, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = run_function(run, python("import sys; print(sys.argv[1:])", "a b", "$HOME; ls *", ""))

    assert ran.success
    assert ran.result["exitCode"] == 0
    assert capfd.readouterr().out == "['a b', '$HOME; ls *', '']\n"


@pytest.mark.usefixtures("all_allowed")
@pytest.mark.parametrize(
    ("code", "codes", "success", "says"),
    [
        ("raise SystemExit(3)", [0], False, "exited with code 3"),
        ("raise SystemExit(3)", [0, 3], True, "exited with code 3"),
        ("import os; os.kill(os.getpid(), 9)", [0, 9], False, "was killed by SIGKILL"),
    ],
)
def test_the_exit_code_decides(
    run_function: FunctionRunner, code: str, codes: list[int], success: bool, says: str
) -> None:
    ran = run_function(run, python(code, successCodes=codes))

    assert ran.success is success
    assert says in str(ran.result["message"])
    assert isinstance(ran.result["exitCode"], int)


@pytest.mark.usefixtures("all_allowed")
@pytest.mark.parametrize(("stdin", "reads"), [(None, "0"), ("grün\n" * 100_000, "500000")])
def test_standard_input_is_the_given_text_or_empty(
    run_function: FunctionRunner, capfd: pytest.CaptureFixture[str], stdin: str | None, reads: str
) -> None:
    code = "import sys; print(len(sys.stdin.buffer.read().decode()))"

    assert run_function(run, python(code, stdin=stdin)).success
    assert capfd.readouterr().out.strip() == reads


@pytest.mark.usefixtures("all_allowed")
def test_a_program_that_does_not_read_its_input_ends_all_the_same(run_function: FunctionRunner) -> None:
    assert run_function(run, {"command": ["/bin/true"], "stdin": "x" * 1_000_000}).success


@pytest.mark.usefixtures("all_allowed")
def test_the_program_sees_nothing_of_the_servers_environment_but_the_usual(
    run_function: FunctionRunner,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SCHEDULER_SQL_SALES_URL", "postgresql://secret")
    monkeypatch.setenv("MY_SECRET", "secret")
    code = "import os; print(os.getcwd(), sorted(os.environ), os.environ['GIVEN'])"

    assert run_function(run, python(code, cwd=str(tmp_path), env={"GIVEN": "yes"})).success

    out = capfd.readouterr().out
    assert out.startswith(f"{tmp_path} ")
    assert out.endswith(" yes\n")
    assert "PATH" in out
    assert "SECRET" not in out
    assert "SCHEDULER" not in out


@pytest.mark.usefixtures("all_allowed")
@pytest.mark.parametrize(
    ("payload", "names"),
    [
        ({"command": ["/no/such/program"]}, "/no/such/program"),
        ({"command": ["/bin/true"], "cwd": "/no/such/folder"}, "/no/such/folder"),
        ({"command": ["/etc/passwd"]}, "/etc/passwd"),
        ({"command": ["/bin/echo", "a\0b"]}, "null byte"),
    ],
)
def test_what_cannot_be_started_fails_for_good_and_is_named(
    run_function: FunctionRunner, payload: dict[str, Any], names: str
) -> None:
    ran = run_function(run, payload)

    assert ran.permanent
    assert names in str(ran.error_message)


# ---------------------------------------------------------------------------------------------- in a worker process


class Plugins:
    """What the pool asks of the registry."""

    generation = 1


class Lines:
    """The output of an attempt, which tests can wait for."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []
        self.changed = asyncio.Event()

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        self.kept.append((stream, text))
        self.changed.set()

    def progress(self, fraction: float, note: str) -> None:
        raise AssertionError("a program has no progress")

    def artifact(self, artifact: Artifact) -> None:
        raise AssertionError("a program has no artifacts")

    async def remember(self, key: str, value: Json) -> str | None:
        raise AssertionError("a program has nothing to remember")

    async def wait_for(self, stream: str) -> str:
        """The first line of this stream."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not (found := [text for of, text in self.kept if of == stream]):
                self.changed.clear()
                await self.changed.wait()
        return found[0]


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(Plugins(), max_workers=1, environ={"SCHEDULER_SHELL_ALLOW": PYTHON})
    await pool.start()
    yield pool
    await pool.close()


def attempt(code: str, *, timeout_seconds: float = 60, grace_seconds: float = 20) -> AttemptSpec:
    return AttemptSpec(
        execution_id="e1",
        attempt=1,
        trigger=Trigger.SCHEDULE,
        task_id="t1",
        task_name="shell",
        scheduled_for=datetime(2026, 1, 1, tzinfo=UTC),
        timeout_seconds=timeout_seconds,
        grace_seconds=grace_seconds,
        idempotency_key="key",
        function_name="shell.run",
        entry_point=("cronplug-shell", "shell", "cronplug_shell"),
        is_async=False,
        payload=python(code),
    )


async def wait_until_ended(pid: int) -> None:
    """Wait until this process, nobody's child here, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


async def test_output_is_live_and_each_line_has_its_stream(pool: WorkerPool, tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    code = f"import sys; print('out', flush=True); open({str(fifo)!r}).read(); print('err', file=sys.stderr)"
    lines = Lines()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(pool.run(attempt(code), lines, Stop()))
        assert await lines.wait_for("stdout") == "out"
        assert not running.done()
        await asyncio.to_thread(fifo.write_text, "go")

    outcome = running.result()
    assert outcome.verdict == "success"
    assert isinstance(outcome.result, dict)
    assert outcome.result["exitCode"] == 0
    assert ("stderr", "err") in lines.kept


async def test_a_time_limit_lets_the_program_tidy_up(pool: WorkerPool) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('tidied up', flush=True)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    lines, stop = Lines(), Stop()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(pool.run(attempt(code), lines, stop))
        await lines.wait_for("stdout")
        stop.request("cancelled")

    assert running.result().verdict == "cancelled"
    assert ("stdout", "tidied up") in lines.kept


async def test_a_program_that_will_not_end_is_killed_with_what_it_started(pool: WorkerPool) -> None:
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = os.fork()\n"
        "if child: print(os.getpid(), child, flush=True)\n"
        "time.sleep(600)"
    )
    lines = Lines()

    outcome: Outcome = await pool.run(attempt(code, timeout_seconds=2, grace_seconds=0.2), lines, Stop())

    assert (outcome.verdict, outcome.reason) == ("timed_out", Reason.TIMEOUT)
    program, child = map(int, (await lines.wait_for("stdout")).split())
    await wait_until_ended(program)
    await wait_until_ended(child)


async def test_the_setting_reaches_the_worker(pool: WorkerPool) -> None:
    outcome = await pool.run(replace(attempt(""), payload={"command": ["/x"]}), Lines(), Stop())

    assert (outcome.verdict, outcome.permanent) == ("failed", True)
    assert PYTHON in str(outcome.error_message)
