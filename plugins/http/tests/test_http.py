"""`http.request` against a real local server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cronplug_http import request
from cronplug_http.exchange import MAX_REDIRECTS
from cronplug_http.judging import JsonExpectation, NothingThere, body_faults, status_fits, value_at

from cronplug.testing import FunctionRunner, InvalidPayload, Ran


class Site:
    """A web server of this test; `seen` are the requests that reached it: method, path, headers, body."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.ends = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.seen.append((self.command, self.path, headers, body))
                status, extra, text = site.answer_to(self.path)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_POST = do_HEAD = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def answer_to(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if path == "/json":
            return (
                200,
                {"Content-Type": "application/json"},
                b'{"state": "ok", "rows": [1, 2.0, {"a/b": null}], "on": true}',
            )
        if path == "/teapot":
            return 418, {"X-Request-Id": "r-1", "X-Other": "dropped"}, b"short and stout"
        if path == "/long":
            return 200, {}, b"x" * 2_000_000
        if path == "/latin":
            return 200, {"Content-Type": "text/plain; charset=latin-1"}, "grün".encode("latin-1")
        if path == "/nul":
            return 200, {}, b"a\0b\xff"
        if path == "/odd":
            return 200, {"Content-Type": "text/plain; charset=punycode"}, "grün".encode()
        if path == "/silent":
            self.ends.wait(30)
        if path == "/once":
            return 302, {"Location": "/json"}, b""
        if path == "/for-ever":
            return 302, {"Location": "/for-ever"}, b""
        return 200, {}, b"fine"

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.seen]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.ends.set()
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture
def ask(run_function: FunctionRunner, site: Site) -> Any:
    """Send a request to a path of the site."""

    def run(path: str, **payload: Any) -> Ran:
        return run_function(request, {"url": site.url(path), **payload})

    return run


# ---------------------------------------------------------------------------------------------- requests and answers


def test_an_answer_comes_with_status_headers_and_body(ask: Any, site: Site) -> None:
    ran = ask("/teapot", expectStatus=["418"])

    assert ran.success
    assert (ran.result["status"], ran.result["body"], ran.result["url"]) == (
        418,
        "short and stout",
        site.url("/teapot"),
    )
    assert ran.result["headers"]["x-request-id"] == "r-1"
    assert "x-other" not in ran.result["headers"]
    assert ran.result["elapsedMilliseconds"] >= 0
    assert str(ran.result_summary).startswith("418 I'm a Teapot in ")


@pytest.mark.parametrize(
    ("payload", "content_type", "body"),
    [
        ({"body": "grün"}, "text/plain; charset=utf-8", "grün".encode()),
        ({"body": "<a/>", "headers": {"content-type": "text/xml"}}, "text/xml", b"<a/>"),
        ({"jsonBody": {"a": [1, None]}}, "application/json", b'{"a":[1,null]}'),
        ({"jsonBody": False}, "application/json", b"false"),
        ({}, None, b""),
    ],
)
def test_what_is_sent(ask: Any, site: Site, payload: dict[str, Any], content_type: str | None, body: bytes) -> None:
    assert ask("/", method="POST", **payload).success

    [(method, _, headers, sent)] = site.seen
    assert (method, headers.get("content-type"), sent) == ("POST", content_type, body)


def test_every_attempt_sends_the_executions_idempotency_key_unless_it_has_one(ask: Any, site: Site) -> None:
    ask("/")
    ask("/", headers={"Idempotency-Key": "mine"})

    keys = [headers["idempotency-key"] for _, _, headers, _ in site.seen]
    assert keys[0]
    assert keys[1] == "mine"


def test_redirects_are_followed_unless_told_not_to(ask: Any, site: Site) -> None:
    followed = ask("/once", expectJson=[{"pointer": "/state", "equals": "ok"}])
    refused = ask("/once", followRedirects=False, expectStatus=["3xx"])

    assert followed.result["url"] == site.url("/json")
    assert (refused.success, refused.result["status"]) == (True, 302)
    assert refused.result["headers"]["location"] == "/json"
    assert site.paths() == ["/once", "/json", "/once"]


def test_redirects_without_end_are_not_followed_without_end(ask: Any, site: Site) -> None:
    ran = ask("/for-ever")

    assert not ran.success
    assert "redirects" in str(ran.error_message)
    assert len(site.seen) == MAX_REDIRECTS + 1


def test_a_long_body_is_cut(ask: Any) -> None:
    ran = ask("/long")

    assert (len(ran.result["body"]), ran.result["bodyTruncated"]) == (65_536, True)
    assert ran.warnings == ()


@pytest.mark.parametrize(("path", "body"), [("/latin", "grün"), ("/nul", "a\ufffdb\ufffd"), ("/odd", "grün")])
def test_bodies_become_text(ask: Any, path: str, body: str) -> None:
    assert ask(path).result["body"] == body


def test_a_password_in_the_address_is_sent_and_never_shown(run_function: FunctionRunner, site: Site) -> None:
    ran = run_function(request, {"url": site.url("/").replace("//", "//me:SECRET@")})

    assert ran.success
    assert site.seen[0][2]["authorization"].startswith("Basic ")
    assert "SECRET" not in f"{ran.result} {ran.log}"


def test_a_server_that_is_not_there_may_be_asked_again(run_function: FunctionRunner) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers here
        ran = run_function(request, {"url": f"http://127.0.0.1:{taken.getsockname()[1]}/"})

    assert (ran.success, ran.permanent) == (False, False)
    assert "No complete answer" in str(ran.error_message)


def test_an_address_that_is_refused_is_not_asked_again(run_function: FunctionRunner) -> None:
    ran = run_function(request, {"url": "http://169.254.169.254/latest"}, worker=True)

    assert (ran.success, ran.permanent) == (False, True)
    assert "always refused" in str(ran.error_message)


@pytest.mark.parametrize(
    "payload",
    [{"headers": {"a b": "c"}}, {"headers": {"a": "b\r\nc: d"}}, {"url": "http://[::1/"}, {"url": "http:///path"}],
)
def test_a_request_that_cannot_be_made_fails(ask: Any, site: Site, payload: dict[str, Any]) -> None:
    assert not ask("/", **payload).success
    assert site.seen == []


@pytest.mark.parametrize(
    "payload",
    [
        {"url": "ftp://example.com/"},
        {"url": "/relative"},
        {"method": "BREW"},
        {"expectStatus": ["2x"]},
        {"expectStatus": []},
        {"expectStatus": ["600"]},
        {"body": "a", "jsonBody": {}},
        {"maxSeconds": 0},
        {"expectJson": [{"pointer": "state", "equals": 1}]},
        {"expectJson": [{"pointer": "/state"}]},
        {"timeout": 3},
    ],
)
def test_payloads_that_make_no_sense_are_refused(ask: Any, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        ask("/", **payload)


# ---------------------------------------------------------------------------------------------- expectations


def test_a_status_that_is_not_expected_fails_and_keeps_the_answer(ask: Any) -> None:
    ran = ask("/teapot")

    assert not ran.success
    assert ran.error_message == "the status is 418, expected was 2xx"
    assert ran.result["body"] == "short and stout"
    assert ("error", "the status is 418, expected was 2xx") in ran.log


def test_every_fault_is_told(ask: Any) -> None:
    ran = ask(
        "/json",
        expectStatus=["201", "4xx"],
        expectBodyContains=["state", "missing"],
        expectJson=[{"pointer": "/state", "equals": "down"}, {"pointer": "/rows/0", "equals": 1}],
    )

    assert str(ran.error_message).split("; ") == [
        "the status is 200, expected was 201 or 4xx",
        'the body does not contain "missing"',
        '/state is "ok", expected was "down"',
    ]


def test_an_answer_that_takes_too_long_fails(ask: Any, site: Site) -> None:
    ran = ask("/silent", maxSeconds=0.2)

    assert ran.error_message == "no complete answer within 0.2 s"
    assert site.paths() == ["/silent"]


@pytest.mark.parametrize(
    ("status", "expected", "fits"),
    [(200, ["200"], True), (200, ["2xx"], True), (404, ["2xx", "404"], True), (404, ["2xx", "403"], False)],
)
def test_statuses(status: int, expected: list[str], fits: bool) -> None:
    assert status_fits(status, expected) is fits


DOCUMENT = {"a": {"b": [1, {"c/d": "x", "e~f": None}]}, "": 0, "on": True}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("", DOCUMENT), ("/a/b/0", 1), ("/a/b/1/c~1d", "x"), ("/a/b/1/e~0f", None), ("/", 0), ("/on", True)],
)
def test_pointers_lead_to_values(pointer: str, value: object) -> None:
    assert value_at(DOCUMENT, pointer) == value


@pytest.mark.parametrize("pointer", ["/b", "/a/b/2", "/a/b/-", "/a/b/00", "/a/b/x", "/on/a", "/a/b/0/0"])
def test_pointers_that_lead_nowhere(pointer: str) -> None:
    with pytest.raises(NothingThere):
        value_at(DOCUMENT, pointer)


@pytest.mark.parametrize(
    ("there", "equals", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        ([1, {"a": None}], [1, {"a": None}], True),
        ([1], [True], False),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (None, False, False),
        ("1", 1, False),
    ],
)
def test_values_are_compared_as_json(there: Any, equals: Any, same: bool) -> None:
    faults = body_faults(
        json.dumps(there), complete=True, contains=[], json_expected=[JsonExpectation(pointer="", equals=equals)]
    )

    assert (faults == []) is same


@pytest.mark.parametrize("body", ["", "<html>", "[" * 100_000])
def test_a_body_that_is_not_json_is_a_fault(body: str) -> None:
    [fault] = body_faults(body, complete=False, contains=[], json_expected=[JsonExpectation(pointer="", equals=1)])

    assert fault.startswith("the first megabyte of the body is not JSON")
