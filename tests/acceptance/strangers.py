"""What the contract tests' server meets from outside: a package of functions nobody here wrote, and an HTTP target."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DISTRIBUTION = "acme-contract"
FUNCTIONS = [
    "acme.count",
    "acme.fail",
    "acme.flaky",
    "acme.give-up",
    "acme.greet",
    "acme.huge",
    "acme.say-no",
    "acme.wait",
    "acme.whatever",
]
SOURCE = '''
"""Functions as an outside author writes them."""

import asyncio
import sys

from cronplug import Context, PermanentError, function
from pydantic import BaseModel, Field


class Greeting(BaseModel):
    name: str = Field(description="Whom to greet", min_length=1)
    days: int = Field(7, ge=1, le=90)


@function("acme.greet", timeout=600)
async def greet(payload: Greeting, ctx: Context) -> str:
    """Greet someone."""
    ctx.log.info("greeting %s", payload.name)
    ctx.progress(0.5, "half way")
    return f"Hello {payload.name} ({payload.days})"


@function("acme.count")
async def count(ctx: Context, lines: int = 5) -> dict:
    """Print lines to both streams and the log."""
    for number in range(lines):
        print(f"out {number}")
    print("err", file=sys.stderr)
    ctx.log.warning("log")
    return {"lines": lines}


@function("acme.wait")
async def wait(seconds: float = 60) -> str:
    """Take its time."""
    print("waiting", flush=True)
    await asyncio.sleep(seconds)
    return "waited"


@function("acme.fail")
def fail(text: str = "no luck"):
    """Raise."""
    raise RuntimeError(text)


@function("acme.flaky")
async def flaky(ctx: Context) -> str:
    """Fail at the first attempt."""
    if ctx.attempt == 1:
        raise RuntimeError("first time")
    return f"attempt {ctx.attempt}"


@function("acme.give-up")
async def give_up() -> None:
    """Fail for good."""
    raise PermanentError("never again")


@function("acme.say-no")
async def say_no() -> dict:
    """Say the failure explicitly."""
    return {"success": False, "message": "not today"}


@function("acme.huge")
async def huge() -> str:
    """Return more than is kept."""
    return "x" * (300 * 1024)


@function("acme.whatever")
async def whatever(payload: dict) -> dict:
    """Return what it was given."""
    return payload
'''


def install(site: Path) -> None:
    """Put the package into a folder the way pip does, for a server's PYTHONPATH."""
    (site / "acme_contract.py").write_text(SOURCE, encoding="utf-8")
    metadata = site / "acme_contract-2.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-contract\nVersion: 2.5\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[scheduler.tasks]\nacme = acme_contract\n", encoding="utf-8")
    broken = site / "acme_broken-0.1.dist-info"
    broken.mkdir()
    (site / "acme_broken.py").write_text("raise ImportError('the wind blew it away')\n", encoding="utf-8")
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-broken\nVersion: 0.1\n", encoding="utf-8")
    (broken / "entry_points.txt").write_text("[scheduler.tasks]\nbroken = acme_broken\n", encoding="utf-8")


@dataclass
class Target:
    """An HTTP server that HTTP tasks call; it keeps what it was asked.

    /echo answers the request as JSON, /status/<code> that status, /redirect?to=URL a redirect, /big 3 MiB,
    /hold an answer once `released` is set.
    """

    url: str
    requests: list[dict[str, object]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def running_target() -> Iterator[Target]:
    """A target on a free loopback port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = True
    target = Target(f"http://127.0.0.1:{server.server_address[1]}")
    server.target = target  # type: ignore[attr-defined]  # the handler has no other way to it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield target
    finally:
        target.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        target: Target = self.server.target  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked: dict[str, object] = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode("utf-8", "replace"),
        }
        target.requests.append(asked)
        parts = urlsplit(self.path)
        if parts.path == "/hold":
            target.released.wait(60)
        if parts.path.startswith("/status/"):
            self._send(int(parts.path.rpartition("/")[2]), b"as asked")
        elif parts.path == "/redirect":
            self._send(302, b"", {"Location": parse_qs(parts.query)["to"][0]})
        elif parts.path == "/big":
            self._send(200, b"x" * (3 << 20))
        else:
            self._send(200, json.dumps(asked).encode(), {"Content-Type": "application/json"})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _answer

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            with_body = self.command != "HEAD" and status not in (204, 304)
            if with_body:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # a cancelled task has hung up

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
