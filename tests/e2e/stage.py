"""What the admin is shown: a plugin that says what it is told to, and a set of tasks and executions of every kind."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.server import Server
from tests.acceptance.strangers import install as install_strangers

HOSTILE = "<img src=x onerror=\"document.body.dataset.hurt='yes'\">"
"""Markup that, were it ever parsed, would mark the page as hurt."""

SOURCE = f'''
"""Functions whose words an attacker chose."""

import asyncio
import sys

from cronplug import Context, function
from pydantic import SecretStr


@function("stage.say", tags=[{HOSTILE!r}], title={HOSTILE!r})
async def say(lines: list[str], errors: list[str] | None = None) -> str:
    """Print whatever it is given: <script>document.body.dataset.hurt='yes'</script>"""
    for line in lines:
        print(line, flush=True)
    for line in errors or []:
        print(line, file=sys.stderr, flush=True)
    return "\\n".join(lines)


@function("stage.sign", max_retries=2, timeout=60)
async def sign(token: SecretStr, words: str = "") -> str:
    """Put a secret to words."""
    return f"{{token.get_secret_value()}}: {{words}}"


@function("stage.keep")
async def keep(ctx: Context) -> None:
    """Keep two files."""
    ctx.artifact("sums.csv", "a,b\\n1,2\\n", "text/csv")
    ctx.artifact({HOSTILE!r}, b"x" * 3000)


@function("stage.count")
async def count(lines: int = 100, pause_seconds: float = 0.0) -> str:
    """Print numbered lines."""
    for number in range(1, lines + 1):
        print(f"line {{number}} of {{lines}}", flush=True)
        if pause_seconds:
            await asyncio.sleep(pause_seconds)
    return f"{{lines}} lines"


@function("stage.linger")
async def linger(ctx: Context) -> None:
    """Tell how far it is, and stay there until it is cancelled."""
    ctx.progress(0.4, "counting sheep")
    print("lingering", flush=True)
    await asyncio.sleep(3600)
'''

LATER_SOURCE = '''
"""A plugin that is installed while the server runs."""

from cronplug import function


@function("later.hello")
async def hello() -> str:
    """Say hello."""
    return "hello"
'''


def install_stage(site: Path) -> None:
    """Put the tests' plugins into a folder the way pip does, for a server's PYTHONPATH; one of them is broken."""
    install_strangers(site)
    _install(site, "acme-stage", "1.0", "acme_stage", SOURCE)


def install_later(site: Path) -> None:
    """Install one more plugin beside a running server."""
    _install(site, "acme-later", "3.1", "acme_later", LATER_SOURCE)


def remove_later(site: Path) -> None:
    """Take it away again, as `pip uninstall` does."""
    (site / "acme_later.py").unlink()
    shutil.rmtree(site / "acme_later-3.1.dist-info")


def _install(site: Path, distribution: str, version: str, module: str, source: str) -> None:
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = site / f"{module}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(f"[scheduler.tasks]\n{module} = {module}\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Furniture:
    """Ids of what `furnish` made."""

    report: str
    """A task with a schedule, tags and a nested payload; switched on."""
    hook: str
    """An HTTP task with headers and a body; switched off."""
    hostile: str
    """A task whose every text is markup."""
    several: str
    """A task with two schedules, one of which heeds the calendar; paused, with limits and policies of its own."""
    calendar: str
    """A calendar with an entry of every kind."""
    succeeded: str
    failed: str
    talked: str
    """An execution with coloured lines, standard error and hyperlinks of terminals in its log."""


def furnish(server: Server) -> Furniture:
    """Make a task and an execution of every kind, all ended."""
    report = server.create_task(
        name="Sales report",
        description="For the board",
        tags=["sales", "nightly"],
        type="function",
        functionName="example.report",
        functionPayload={"days": 3, "seconds": 0, "layout": {"title": "North", "decimals": 1}},
        cronExpression="30 6 * * 1-5",
        timezone="Europe/Helsinki",
        maxRetries=2,
    )
    hook = server.create_task(
        name="Order hook",
        type="http",
        httpMethod="POST",
        httpUrl="https://example.com/orders?from=cronplug",
        httpHeaders={"Content-Type": "application/json"},
        httpBody='{"since": "yesterday"}',
        cronExpression="*/15 * * * *",
        enabled=False,
    )
    hostile = server.create_task(
        name=HOSTILE,
        description=HOSTILE,
        tags=["<b>bold</b>"],
        type="function",
        functionName="acme.fail",
        functionPayload={"text": HOSTILE},
    )
    calendar = server.client.post(
        "/calendars",
        json={
            "name": "Holidays",
            "timezone": "Europe/Helsinki",
            "dates": [{"name": "Trip", "from": "2031-05-05", "to": "2031-05-09"}],
            "yearlyDates": [{"name": "Christmas Day", "date": "--12-25"}],
            "weekdays": [{"days": ["sat", "sun"]}],
            "weeklyWindows": [{"name": "Maintenance", "from": "fri 22:00", "to": "mon 06:00"}],
            "windows": [{"name": "Move", "from": "2031-06-01T00:00:00Z", "to": "2031-06-02T00:00:00Z"}],
        },
    ).json()["id"]
    several = server.create_task(
        name="Twice over",
        type="function",
        functionName="acme.greet",
        functionPayload={"name": "Ada"},
        schedules=[
            {
                "kind": "cron",
                "cronExpression": "30 3 * * *",
                "timezone": "Europe/Helsinki",
                "onDstGap": "skip",
                "calendars": [{"calendarId": calendar, "mode": "exclude"}],
                "payload": {"name": "Grace"},
            },
            {"kind": "once", "at": "2199-12-31T23:00:00Z", "timezone": "UTC"},
        ],
        pausedUntil="2198-01-01T00:00:00Z",
        jitterSeconds=60,
        catchUp="all",
        overlap="queue",
        maxRetries=3,
        retryBackoff="exponential",
    )
    talked = server.invoke(
        "stage.say",
        {
            "lines": [
                "plain words",
                "\x1b[31mred words\x1b[0m and \x1b[1;32mgreen ones\x1b[0m",
                "\x1b[38;2;250;10;10mtrue colour\x1b[0m",
                HOSTILE,
                f"\x1b[31m{HOSTILE}",
                "\x1b]8;;javascript:document.body.dataset.hurt='yes'\x07a link\x1b]8;;\x07 of a terminal",
                "\x1b[2J\x1b[1;1Hcursor moved",
            ],
            "errors": ["words on standard error"],
        },
    )
    succeeded = server.trigger(report["id"])
    failed = server.trigger(hostile["id"])
    for execution, status in ((talked, "success"), (succeeded, "success"), (failed, "failed")):
        server.until_status(execution, status)
    return Furniture(report["id"], hook["id"], hostile["id"], several["id"], calendar, succeeded, failed, talked)
