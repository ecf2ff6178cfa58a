"""HTTP tasks against real local servers."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from cronplug.executors.base import AttemptSpec, HttpCall, Outcome, Stop
from cronplug.executors.guard import AddressPolicy
from cronplug.executors.http import BODY_KEPT_BYTES, HttpExecutor
from cronplug.model import Json, Reason, Stream, Trigger
from cronplug.sdk.keeping import Artifact

ONLY_ONE = AddressPolicy(allow=(ip_network("127.0.0.1/32"),))
LOOPBACK = AddressPolicy(loopback_allowed=True)
Respond = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Lines:
    """The output of an attempt, kept."""

    texts: list[str] = field(default_factory=list)

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        self.texts.append(f"{level} {text}")

    def progress(self, fraction: float, note: str) -> None:
        raise AssertionError("an HTTP task has no progress")

    def artifact(self, artifact: Artifact) -> None:
        raise AssertionError("an HTTP task leaves no files")

    async def remember(self, key: str, value: Json) -> str | None:
        raise AssertionError("an HTTP task keeps no results")


@dataclass
class Site:
    """A web server of this test; `seen` are the requests that reached it."""

    port: int
    seen: list[web.BaseRequest]

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@asynccontextmanager
async def serving(respond: Respond, *, host: str = "127.0.0.1") -> AsyncIterator[Site]:
    seen: list[web.BaseRequest] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        seen.append(request)
        return await respond(request)

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    try:
        yield Site(runner.addresses[0][1], seen)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(answer: bytes, *, then_endless: bytes = b"") -> AsyncIterator[int]:
    """A server that sends `answer` as it is, then `then_endless` for ever, then closes; yields its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            while then_endless:
                writer.write(then_endless)
                await writer.drain()
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def executor(policy: AddressPolicy = LOOPBACK, **options: Any) -> AsyncIterator[HttpExecutor]:
    made = HttpExecutor(policy, **options)
    await made.start()
    try:
        yield made
    finally:
        await made.close()


def attempt(url: str, *, method: str = "GET", timeout_seconds: float = 10, **call: Any) -> AttemptSpec:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return AttemptSpec(
        execution_id="e1",
        attempt=1,
        trigger=Trigger.SCHEDULE,
        task_id="t1",
        task_name="ping",
        scheduled_for=at,
        timeout_seconds=timeout_seconds,
        idempotency_key="key-of-e1",
        http=HttpCall(method=method, url=url, **call),
    )


async def run_once(url: str, *, policy: AddressPolicy = LOOPBACK, **call: Any) -> Outcome:
    async with executor(policy) as made:
        return await made.run(attempt(url, **call), Lines(), Stop())


async def respond_ok(request: web.BaseRequest) -> web.Response:
    return web.Response(text="fine")


# ---------------------------------------------------------------------------------------------- requests and answers


async def test_a_2xx_answer_is_a_success_with_status_headers_and_body() -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.json_response({"rows": 42}, status=201, headers={"X-Request-Id": "r-1", "X-Other": "dropped"})

    lines = Lines()
    async with serving(respond) as site, executor() as made:
        outcome = await made.run(attempt(site.url("/report?day=1")), lines, Stop())

    assert outcome.verdict == "success"
    assert outcome.reason == Reason.COMPLETED
    assert outcome.result["status"] == 201
    assert outcome.result["url"] == site.url("/report?day=1")
    assert outcome.result["body"] == '{"rows": 42}'
    assert outcome.result["bodyTruncated"] is False
    assert outcome.result["headers"]["x-request-id"] == "r-1"
    assert "x-other" not in outcome.result["headers"]
    assert outcome.result_summary is not None
    assert outcome.result_summary.startswith("201 Created, 12 B in ")
    assert lines.texts[0] == f"info GET {site.url('/report?day=1')}"
    assert lines.texts[-1].startswith("info 201 Created, 12 B in ")


async def test_the_request_carries_method_headers_body_and_who_sends_it() -> None:
    async with serving(respond_ok) as site:
        await run_once(site.url(), method="POST", headers={"X-Team": "Zürich"}, body='{"a": 1}')

    request = site.seen[0]
    assert request.method == "POST"
    assert await request.text() == '{"a": 1}'
    assert request.headers["X-Team"] == "Zürich"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == "key-of-e1"
    assert request.headers["User-Agent"].startswith("cronplug/")
    assert request.headers["Accept-Encoding"] == "gzip"


async def test_headers_of_the_task_win() -> None:
    headers = {"idempotency-key": "mine", "User-Agent": "me", "content-type": "text/csv", "Accept": "text/plain"}
    async with serving(respond_ok) as site:
        await run_once(site.url(), method="PUT", headers=headers, body="a,b")

    for name, value in headers.items():
        assert site.seen[0].headers.getall(name) == [value]


async def test_a_plain_text_body_says_so_and_no_body_says_nothing() -> None:
    async with serving(respond_ok) as site:
        await run_once(site.url(), method="POST", body="hello")
        await run_once(site.url(), method="GET")

    assert site.seen[0].headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Type" not in site.seen[1].headers


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_every_method_reaches_the_server(method: str) -> None:
    async with serving(respond_ok) as site:
        outcome = await run_once(site.url(), method=method)

    assert outcome.verdict == "success"
    assert site.seen[0].method == method


@pytest.mark.parametrize("status", [304, 400, 404, 418, 500, 503])
async def test_any_other_status_is_a_failure_with_an_excerpt(status: int) -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text="" if status == 304 else "no  such\nreport")

    async with serving(respond) as site:
        outcome = await run_once(site.url())

    assert outcome.verdict == "failed"
    assert outcome.reason == Reason.HTTP_STATUS
    assert outcome.permanent is False
    assert outcome.error_message is not None
    assert outcome.error_message.startswith(f"The server answered {status}")
    assert status == 304 or outcome.error_message.endswith(": no such report")
    assert outcome.result["status"] == status


@pytest.mark.parametrize(
    ("status", "expect", "retry", "verdict", "permanent"),
    [
        (404, ("404",), (), "success", False),
        (204, ("200-203", "5xx"), (), "failed", False),
        (503, ("2xx",), ("429", "5xx"), "failed", False),
        (404, ("2xx",), ("429", "5xx"), "failed", True),
        (302, ("3xx",), (), "success", False),  # a redirect that is expected is not followed
    ],
)
async def test_a_task_says_which_statuses_it_expects_and_which_to_try_again(
    status: int, expect: tuple[str, ...], retry: tuple[str, ...], verdict: str, permanent: bool
) -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serving(respond) as site:
        outcome = await run_once(site.url(), expect_status=expect, retry_status=retry)

    assert (outcome.verdict, outcome.permanent, len(site.seen)) == (verdict, permanent, 1)


@pytest.mark.parametrize(
    ("body", "verdict", "words"),
    [
        ("all is well", "success", None),
        ("all is lost", "failed", "its body does not contain the expected text"),
        ("x" * 100_000 + "is well", "failed", "the first 65.5 kB of its body does not contain"),
    ],
)
async def test_a_task_says_which_text_it_expects(body: str, verdict: str, words: str | None) -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(text=body)

    async with serving(respond) as site:
        outcome = await run_once(site.url(), expect_body="is well")

    assert outcome.verdict == verdict
    assert (words or "") in (outcome.error_message or "")
    assert verdict == "success" or outcome.reason == Reason.HTTP_BODY


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
    ],
)
async def test_the_server_says_when_to_come_again(headers: dict[str, str], seconds: float | None) -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(status=503, headers=headers)

    async with serving(respond) as site:
        outcome = await run_once(site.url())

    assert (outcome.verdict, outcome.retry_after_seconds) == ("failed", seconds)


async def test_name_and_password_in_the_url_are_sent_but_never_shown() -> None:
    lines = Lines()
    async with serving(respond_ok) as site, executor() as made:
        outcome = await made.run(attempt(site.url(host="me:s%40cret@127.0.0.1")), lines, Stop())

    assert site.seen[0].headers["Authorization"] == "Basic bWU6c0BjcmV0"
    assert outcome.result["url"] == site.url()
    assert not any("cret" in text for text in lines.texts)


async def test_cookies_do_not_pass_from_one_attempt_to_the_next() -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        response = web.Response(text="fine")
        response.set_cookie("session", "of-task-1")
        return response

    async with serving(respond, host="localhost") as site, executor() as made:
        for _ in range(2):
            await made.run(attempt(site.url(host="localhost")), Lines(), Stop())

    assert all("Cookie" not in request.headers for request in site.seen)


async def test_the_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async with serving(respond_ok) as site:
        outcome = await run_once(site.url())

    assert outcome.verdict == "success"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://", {}),
        ("http://[::1/", {}),
        ("http://127.0.0.1:99999/", {}),
        ("ftp://127.0.0.1/", {}),
        ("no address", {}),
        ("http://127.0.0.1:9/", {"X-Bad": "a\r\nX-Injected: 1"}),
        ("http://127.0.0.1:9/", {"Bäd": "1"}),
    ],
)
async def test_a_request_that_cannot_be_made_fails_for_good(url: str, headers: dict[str, str]) -> None:
    outcome = await run_once(url, headers=headers)

    assert outcome.verdict == "failed"
    assert outcome.reason == Reason.HTTP_ERROR
    assert outcome.permanent is True


async def test_a_port_nobody_listens_on_is_a_failure_that_may_be_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken_port = taken.getsockname()[1]
        outcome = await run_once(f"http://127.0.0.1:{taken_port}/")

    assert outcome.verdict == "failed"
    assert outcome.reason == Reason.HTTP_ERROR
    assert outcome.permanent is False
    told = f"No complete answer: Cannot connect to host 127.0.0.1:{taken_port}: Connection refused"
    assert outcome.error_message == told


async def test_an_unknown_name_is_a_failure_that_names_it() -> None:
    outcome = await run_once("http://no-such-host.invalid/")

    assert outcome.reason == Reason.HTTP_ERROR
    assert "no-such-host.invalid" in str(outcome.error_message)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_or_breaks_off_is_a_failure(answer: bytes) -> None:
    async with raw_server(answer) as port:
        outcome = await run_once(f"http://127.0.0.1:{port}/")

    assert outcome.verdict == "failed"
    assert outcome.reason == Reason.HTTP_ERROR
    assert outcome.error_message


# ---------------------------------------------------------------------------------------------- bounds


async def test_a_long_body_is_cut_and_says_so() -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(text="x" * (BODY_KEPT_BYTES + 1))

    async with serving(respond) as site:
        outcome = await run_once(site.url())

    assert outcome.verdict == "success"
    assert outcome.result["body"] == "x" * BODY_KEPT_BYTES
    assert outcome.result["bodyTruncated"] is True
    assert "65.5 kB" in str(outcome.result_summary)


async def test_an_endless_body_is_not_read_to_the_end() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n\r\n", then_endless=b"x" * 65_536) as port:
        outcome = await run_once(f"http://127.0.0.1:{port}/")

    assert outcome.verdict == "success"
    assert "over 1.0 MB" in str(outcome.result_summary)
    assert outcome.result["bodyTruncated"] is True


async def test_a_packed_body_is_unpacked() -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"})

    async with serving(respond) as site:
        outcome = await run_once(site.url())

    assert outcome.result["body"] == "hello"


async def test_a_gzip_bomb_is_cut() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()

    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving(respond) as site:
        outcome = await run_once(site.url())

    assert "over 1.0 MB" in str(outcome.result_summary)
    assert outcome.result["bodyTruncated"] is True


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        (b"\x89PNG\0\0", {"Content-Type": "image/png"}, None),
        (b"anything", {"Content-Encoding": "br"}, None),
        ("Grüße".encode("latin-1"), {"Content-Type": "text/plain; charset=iso-8859-1"}, "Grüße"),
        ("Grüße".encode("latin-1"), {"Content-Type": "text/plain; charset=nonsense"}, "Gr\ufffd\ufffde"),
        # Codecs of Python that are no charsets: some take no error handler, some take forever, some make surrogates.
        (b"plain \xff", {"Content-Type": "text/plain; charset=idna"}, "plain \ufffd"),
        (b"plain \xff", {"Content-Type": "text/plain; charset=punycode"}, "plain \ufffd"),
        (b"plain", {"Content-Type": "text/plain; charset=undefined"}, "plain"),
        (b"\\ud800\\0", {"Content-Type": "text/plain; charset=unicode_escape"}, "\\ud800\\0"),
        (b"+2AA-", {"Content-Type": "text/plain; charset=utf-7"}, "\ufffd"),
    ],
)
async def test_the_body_is_kept_as_text_where_it_is_text(
    body: bytes, headers: dict[str, str], text: str | None
) -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        return web.Response(body=body, headers=headers)

    async with serving(respond) as site:
        outcome = await run_once(site.url())

    assert outcome.verdict == "success"
    assert outcome.result["body"] == text


# ---------------------------------------------------------------------------------------------- ends


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 \xff\xfe\r\nServer: \xff\xfe\r\nETag: \xed\xa0\x80\r\n",
        b"HTTP/1.1 500 \xff\xfe\r\nContent-Type: \xff; charset=\xff\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset="a\x01b"\r\n',
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://a:99999/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://xn--a/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 300 + b"/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://a..b/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://user:\xff@127.0.0.1:1/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://%00/\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:0/\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n",
        b"HTTP/1.1 999 No\r\n",
        b"HTTP/1.1 204 No Content\r\n",
    ],
)
async def test_whatever_a_server_answers_is_a_verdict_that_can_be_kept(head: bytes) -> None:
    async with raw_server(head + b"Content-Length: 2\r\n\r\n\xff\xfe") as port:
        outcome = await run_once(f"http://127.0.0.1:{port}/", timeout_seconds=3)

    kept = orjson.dumps([outcome.result, outcome.error_message, outcome.result_summary])  # refuses lone surrogates
    assert b"\\u0000" not in kept


async def test_a_silent_server_ends_at_the_time_limit() -> None:
    never = asyncio.Event()

    async def respond(request: web.BaseRequest) -> web.Response:
        await never.wait()
        return web.Response()

    async with serving(respond) as site:
        outcome = await run_once(site.url(), timeout_seconds=0.2)

    assert outcome.verdict == "timed_out"
    assert outcome.reason == Reason.TIMEOUT
    assert outcome.error_message == "Timed out after 0.2 s waiting for a connection and the answer."


async def test_a_body_that_trickles_for_ever_ends_at_the_time_limit() -> None:
    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.Event().wait()
        return response

    async with serving(respond) as site:
        outcome = await run_once(site.url(), timeout_seconds=0.3)

    assert outcome.verdict == "timed_out"
    assert "the rest of the answer (200)" in str(outcome.error_message)


@pytest.mark.parametrize(
    ("why", "verdict", "reason"),
    [("cancelled", "cancelled", Reason.CANCELLED_BY_REQUEST), ("shutdown", "cut_off", Reason.SHUTDOWN)],
)
async def test_a_stop_ends_the_request_at_once(why: Any, verdict: str, reason: Reason) -> None:
    arrived = asyncio.Event()

    async def respond(request: web.BaseRequest) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    stop = Stop()
    async with serving(respond) as site, executor() as made, asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            running = group.create_task(made.run(attempt(site.url()), Lines(), stop))
            await arrived.wait()
            stop.request(why)
        outcome = running.result()

    assert outcome.verdict == verdict
    assert outcome.reason == reason


async def test_cancelling_the_caller_is_not_swallowed() -> None:
    arrived = asyncio.Event()

    async def respond(request: web.BaseRequest) -> web.Response:
        arrived.set()
        await asyncio.Event().wait()
        return web.Response()

    async with serving(respond) as site, executor() as made, asyncio.timeout(5):
        running = asyncio.ensure_future(made.run(attempt(site.url()), Lines(), Stop()))
        await arrived.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


# ---------------------------------------------------------------------------------------------- redirects


def redirecting(target: Callable[[web.BaseRequest], str], *, status: int = 302) -> Respond:
    async def respond(request: web.BaseRequest) -> web.Response:
        if request.path == "/end":
            return web.Response(text=f"arrived with {request.method}")
        return web.Response(status=status, headers={"Location": target(request)})

    return respond


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
async def test_redirects_are_followed(status: int, method: str) -> None:
    async with serving(redirecting(lambda _: "/end", status=status)) as site:
        outcome = await run_once(site.url(), method="POST", body="x")

    assert outcome.result["body"] == f"arrived with {method}"
    assert outcome.result["url"] == site.url("/end")


async def test_five_redirects_are_enough() -> None:
    def next_hop(request: web.BaseRequest) -> str:
        left = int(request.path[1:])
        return f"/{left - 1}" if left > 1 else "/end"

    async with serving(redirecting(next_hop)) as site:
        assert (await run_once(site.url("/5"))).verdict == "success"
        outcome = await run_once(site.url("/6"))

    assert outcome.reason == Reason.HTTP_ERROR
    assert "More than 5 redirects" in str(outcome.error_message)


async def test_the_body_of_a_redirect_is_not_read() -> None:
    async with serving(respond_ok) as site:
        head = f"HTTP/1.1 302 Found\r\nLocation: {site.url()}\r\n\r\n".encode()
        async with raw_server(head, then_endless=b"x" * 65_536) as port:
            outcome = await run_once(f"http://127.0.0.1:{port}/")

    assert outcome.verdict == "success"


async def test_a_redirect_to_another_scheme_is_a_failure() -> None:
    async with serving(redirecting(lambda _: "file:///etc/passwd")) as site:
        outcome = await run_once(site.url())

    assert outcome.verdict == "failed"
    assert outcome.reason == Reason.HTTP_ERROR


async def test_credentials_do_not_follow_a_redirect_to_another_origin() -> None:
    async with serving(respond_ok) as other, serving(redirecting(lambda _: other.url())) as site:
        await run_once(site.url(), headers={"Authorization": "Bearer secret"})

    assert "Authorization" in site.seen[0].headers
    assert "Authorization" not in other.seen[0].headers


# ---------------------------------------------------------------------------------------------- the guard

SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::]",
    "0.0.0.0",
    "0",
    "2130706433",
    "017700000001",
    "0x7f.1",
    "0x7f000001",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "\uff11\uff12\uff17.0.0.1",  # fullwidth digits
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "user@127.0.0.1",
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_of_this_machine_gets_through(host: str) -> None:
    async with serving(respond_ok) as site:
        outcome = await run_once(site.url(host=host), policy=AddressPolicy(), timeout_seconds=5)

    assert site.seen == []
    assert outcome.verdict == "failed"
    assert outcome.permanent is True or "Name or service" in str(outcome.error_message)


async def test_a_refusal_says_which_setting_to_change() -> None:
    outcome = await run_once("http://127.0.0.1:9/", policy=AddressPolicy())

    assert outcome.reason == Reason.HTTP_REFUSED
    assert "Add 127.0.0.1 to SCHEDULER_HTTP_ALLOW" in str(outcome.error_message)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
    ],
)
async def test_metadata_is_refused_even_where_loopback_is_allowed(url: str) -> None:
    outcome = await run_once(url, timeout_seconds=5)

    assert outcome.reason == Reason.HTTP_REFUSED
    assert outcome.permanent is True


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:a9fe:a9fe]/",
        "//169.254.169.254/x",
        "http://[::1]:9/",
    ],
)
async def test_a_redirect_to_a_refused_address_is_refused(target: str) -> None:
    async with serving(redirecting(lambda _: target)) as site:
        outcome = await run_once(site.url(), policy=ONLY_ONE)

    assert len(site.seen) == 1
    assert outcome.reason == Reason.HTTP_REFUSED


class ScriptedResolver(AbstractResolver):
    """A name server that answers as its owner likes: the next list of addresses at each question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        pass


async def test_a_name_that_changes_its_answer_is_refused_at_the_next_connect() -> None:
    async def respond(request: web.BaseRequest) -> web.Response:
        response = web.Response(text="fine")
        response.force_close()
        return response

    resolver = ScriptedResolver(["127.0.0.1"], ["127.0.0.2"])
    async with (
        serving(respond, host="0.0.0.0") as site,
        executor(ONLY_ONE, resolver=resolver, dns_cache_seconds=0) as made,
    ):
        outcomes = [await made.run(attempt(site.url(host="rebind.test")), Lines(), Stop()) for _ in range(2)]

    assert [outcome.reason for outcome in outcomes] == [Reason.COMPLETED, Reason.HTTP_REFUSED]
    assert len(site.seen) == 1


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["169.254.169.254"]])
async def test_a_name_with_one_refused_address_is_refused(answer: list[str]) -> None:
    async with serving(respond_ok) as site, executor(ONLY_ONE, resolver=ScriptedResolver(answer)) as made:
        outcome = await made.run(attempt(site.url(host="mixed.test")), Lines(), Stop())

    assert site.seen == []
    assert outcome.reason == Reason.HTTP_REFUSED


async def test_what_a_resolver_answers_must_be_a_plain_address() -> None:
    resolver = ScriptedResolver(["0x7f.1"])
    async with serving(respond_ok) as site, executor(LOOPBACK, resolver=resolver) as made:
        outcome = await made.run(attempt(site.url(host="odd.test")), Lines(), Stop())

    assert site.seen == []
    assert outcome.reason == Reason.HTTP_REFUSED


async def test_connections_are_kept_for_the_next_attempt() -> None:
    async with serving(respond_ok) as site, executor() as made:
        for _ in range(3):
            await made.run(attempt(site.url()), Lines(), Stop())

    assert len({request.transport and request.transport.get_extra_info("peername") for request in site.seen}) == 1
