"""`cronplug plugin check` with plugins that behave badly, imported and run in processes of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cronplug.authoring.verdicts import Report
from cronplug.errors import PluginError
from tests.authoring.making import check, found, make_plugin

FUNCTIONS = '''
"""Functions that do what they should not, and some that do what they should."""

import asyncio
import subprocess
import threading
import time

from cronplug import Context, function


@function("acme.good")
async def good(seconds: float = 0.0) -> str:
    """Sleep and let itself be cancelled."""
    await asyncio.sleep(seconds)
    return "slept"


@function("acme.good-sync")
def good_sync(seconds: float = 60.0) -> str:
    """Block until the signal."""
    time.sleep(seconds)
    return "slept"


@function("acme.deaf")
async def deaf() -> None:
    """Swallow every cancellation."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass


@function("acme.deaf-sync")
def deaf_sync() -> None:
    """Swallow the interruption."""
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass


@function("acme.fails")
async def fails(ctx: Context) -> None:
    """Fail."""
    ctx.log.info("about to")
    raise ValueError("on purpose")


@function("acme.same", idempotent=True)
async def same() -> str:
    """Give the same again."""
    return "same"


@function("acme.other", idempotent=True)
async def other(ctx: Context) -> int:
    """Give something else at each attempt."""
    return ctx.attempt


@function("acme.leaves-child")
def leaves_child() -> None:
    """Leave a process."""
    subprocess.Popen(["sleep", "60"])


@function("acme.leaves-thread")
async def leaves_thread() -> None:
    """Leave threads."""
    threading.Thread(target=threading.Event().wait, name="poller", daemon=True).start()


@function("acme.leaves-thread-sync")
def leaves_thread_sync() -> None:
    """Leave a thread that keeps the process from ending."""
    threading.Thread(target=threading.Event().wait, name="keeper").start()


@function("acme.leaves-task")
async def leaves_task() -> None:
    """Leave a task on the loop it shares."""
    global kept
    kept = asyncio.create_task(asyncio.sleep(60), name="forgotten")


kept = None
'''


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plugin(tmp_path_factory.mktemp("functions") / "plugin", FUNCTIONS)


@pytest.fixture(scope="module")
def report(functions: Path) -> Report:
    """Of all functions, run one after the other."""
    return check(functions, every=True, timeout_seconds=2, grace_seconds=0.5)


def test_a_good_async_function_passes_and_is_cancelled_half_way(functions: Path) -> None:
    report = check(functions, function="acme.good", payload={"seconds": 0.6})

    assert found(report, "run", "acme.good").message.endswith(": slept")
    assert "by asyncio.CancelledError" in found(report, "cancel", "acme.good").message
    assert found(report, "leftovers", "acme.good").verdict == "pass"
    assert {f.verdict for f in report.findings if f.check == "run"} == {"pass", "skip"}
    assert "acme_checked" not in sys.modules


def test_a_sync_function_ends_at_the_signal(report: Report) -> None:
    assert found(report, "run", "acme.good-sync").verdict == "warn"
    cancel = found(report, "cancel", "acme.good-sync")
    assert (cancel.verdict, "by SIGTERM" in cancel.message) == ("pass", True)


@pytest.mark.parametrize("name", ["acme.deaf", "acme.deaf-sync"])
def test_a_function_that_does_not_end_when_asked_fails(report: Report, name: str) -> None:
    cancel = found(report, "cancel", name)

    assert cancel.verdict == "fail"
    assert "was killed 0.5 s later" in cancel.message


def test_a_function_that_fails_is_told_with_its_log(report: Report) -> None:
    run = found(report, "run", "acme.fails")

    assert (run.verdict, report.verdict) == ("fail", "fail")
    assert "ValueError: on purpose" in run.message
    assert "info: about to" in run.details


@pytest.mark.parametrize(
    ("name", "verdict", "what"),
    [
        ("acme.leaves-child", "fail", "child processes"),
        ("acme.leaves-thread", "warn", "the thread poller (daemon)"),
        ("acme.leaves-thread-sync", "fail", "the thread keeper"),
        ("acme.leaves-task", "fail", "the asyncio task forgotten"),
    ],
)
def test_what_a_function_leaves_behind_is_told(report: Report, name: str, verdict: str, what: str) -> None:
    leftovers = found(report, "leftovers", name)

    assert (leftovers.verdict, what in leftovers.message) == (verdict, True)


def test_a_function_that_says_it_is_idempotent_is_run_again(report: Report) -> None:
    assert found(report, "idempotent", "acme.same").verdict == "pass"
    assert "has another result" in found(report, "idempotent", "acme.other").message
    assert found(report, "idempotent", "acme.good").verdict == "skip"


def test_a_payload_that_does_not_fit_is_told(functions: Path) -> None:
    report = check(functions, function="acme.good", payload={"seconds": "long"})

    assert "seconds: Must be of type number" in found(report, "run", "acme.good").message
    assert report.verdict == "fail"


def test_an_unknown_function_and_a_payload_for_nobody_are_refused(functions: Path) -> None:
    with pytest.raises(PluginError, match="it has acme"):
        check(functions, function="acme.nothing")
    with pytest.raises(PluginError, match="Say which function"):
        check(functions, payload={})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\nos._exit(3)", "exited with code 3"),
        ("import os\nos.abort()", "was killed by SIGABRT"),
        ("import sys\nsys.exit('no')", "SystemExit"),
        ("raise ImportError('the wind blew it away')", "the wind blew it away"),
        ("from cronplug import function\n@function('Bad Name')\ndef f(): ...", "vendor.verb"),
    ],
)
def test_an_import_that_goes_wrong_is_told(tmp_path: Path, source: str, message: str) -> None:
    report = check(make_plugin(tmp_path / "plugin", source))

    imported = found(report, "import")
    assert (imported.verdict, report.verdict) == ("fail", "fail")
    assert message in imported.message


def test_an_import_that_hangs_tells_where(tmp_path: Path) -> None:
    source = "import time\n\n\ndef wait():\n    time.sleep(60)\n\n\nwait()"

    report = check(make_plugin(tmp_path / "plugin", source), import_deadline_seconds=1)

    imported = found(report, "import")
    assert "did not end within 1 s" in imported.message
    assert any("line 5 in wait" in line for line in imported.details)


def test_what_an_import_does_besides_is_told(tmp_path: Path) -> None:
    source = """
    import os
    import subprocess
    import threading

    from cronplug import function, hookimpl

    os.write(1, b"loading\\n")
    threading.Thread(target=threading.Event().wait, name="poller", daemon=True).start()
    subprocess.Popen(["sleep", "60"])

    @function("acme.fine")
    def fine() -> None: ...

    @hookimpl
    def scheduler_tomorrow(): ...
    """

    report = check(make_plugin(tmp_path / "plugin", source))

    assert found(report, "import output").details == ("loading",)
    assert found(report, "import leftovers").message.startswith(
        "Its import leaves running: child processes, the thread poller."
    )
    assert "scheduler_tomorrow" in found(report, "plugin").message
    assert found(report, "docstring", "acme.fine").verdict == "warn"


def test_a_report_is_json_too(report: Report) -> None:
    told = json.loads(json.dumps(report.as_json()))

    assert (told["plugin"], told["version"]) == ("acme-checked", "0.3")
    assert {"check", "function", "verdict", "message", "details"} == set(told["checks"][0])


def test_an_installed_plugin_is_checked_by_name() -> None:
    report = check(Path("cronplug-example"), function="example.crunch", payload={"limit": 10})

    assert report.verdict != "fail"
    assert "4 primes below 10" in found(report, "run", "example.crunch").message
