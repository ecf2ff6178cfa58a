"""Which addresses HTTP tasks may reach: checked when connecting, whatever way the address is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.server import Server
from tests.acceptance.strangers import Target

pytestmark = pytest.mark.acceptance


def asked(server: Server, url: str, **fields: Any) -> Any:
    """The ended execution of a task that asks for the URL once."""
    task = server.create_task(name="Ask", type="http", httpUrl=url, timeoutSeconds=5, **fields)
    return server.until_status(server.trigger(task["id"]), "success", "failed", "timed_out")


def refused(execution: Any, *, setting: str | None = None) -> bool:
    """Whether the guard refused the address, naming the setting to change if there is one."""
    return (
        execution["status"] == "failed"
        and execution["reason"] == "http_refused"
        and execution["attempt"] == 1
        and (setting is None or setting in execution["errorMessage"])
    )


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that listens beyond loopback."""
    server = Server(tmp_path_factory.mktemp("public") / "data", SCHEDULER_HOST="0.0.0.0")
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A public server with one allowed and one denied network."""
    server = Server(
        tmp_path_factory.mktemp("ruled") / "data",
        SCHEDULER_HOST="0.0.0.0",
        SCHEDULER_HTTP_ALLOW="127.0.0.1/32, ::1/128, 169.254.169.254/32",
        SCHEDULER_HTTP_DENY="127.0.0.2/32,10.0.0.0/8",
    )
    try:
        yield server.start()
    finally:
        server.close()


def test_a_server_on_loopback_may_ask_loopback(live: Server, target: Target) -> None:
    assert asked(live, f"{target.url}/echo")["status"] == "success"
    assert asked(live, f"{target.url.replace('127.0.0.1', 'localhost')}/echo")["status"] == "success"


METADATA = [
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.1.1/",
    "http://0xa9fea9fe/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://user@169.254.169.254/",
]


@pytest.mark.parametrize("url", METADATA)
def test_link_local_and_metadata_addresses_are_always_refused(live: Server, url: str) -> None:
    assert refused(asked(live, url, maxRetries=3)), url


@pytest.mark.parametrize(
    "host", ["2852039166", "0251.0376.0251.0376", "169.254.43518", "169.254.169.254.", "0xa9.0xfe.43518"]
)
def test_odd_spellings_reach_nothing(live: Server, host: str) -> None:
    execution = asked(live, f"http://{host}/")
    assert (execution["status"], execution["result"]) == ("failed", None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"])
def test_a_public_server_may_not_ask_loopback_and_says_what_to_set(public: Server, target: Target, host: str) -> None:
    before = len(target.requests)
    assert refused(asked(public, target.url.replace("127.0.0.1", host)), setting="SCHEDULER_HTTP_ALLOW")
    assert len(target.requests) == before


def test_an_allowed_network_may_be_asked_and_no_other(ruled: Server, target: Target) -> None:
    assert asked(ruled, f"{target.url}/echo")["status"] == "success"
    assert refused(asked(ruled, target.url.replace("127.0.0.1", "127.0.0.3")), setting="SCHEDULER_HTTP_ALLOW")


def test_no_setting_allows_the_metadata_address(ruled: Server) -> None:
    assert refused(asked(ruled, "http://169.254.169.254/"))


def test_a_denied_network_is_refused_and_the_setting_named(ruled: Server, target: Target) -> None:
    for url in (target.url.replace("127.0.0.1", "127.0.0.2"), "http://10.1.2.3/"):
        assert refused(asked(ruled, url), setting="SCHEDULER_HTTP_DENY"), url


@pytest.mark.parametrize("host", ["127.1", "2130706433", "017700000001", "127.0.0.1."])
def test_odd_spellings_of_loopback_reach_nothing(public: Server, target: Target, host: str) -> None:
    before = len(target.requests)
    assert asked(public, target.url.replace("127.0.0.1", host))["status"] == "failed"
    assert len(target.requests) == before


def test_a_redirect_does_not_lead_past_the_guard(live: Server, ruled: Server, target: Target) -> None:
    execution = asked(live, f"{target.url}/redirect?to=http://169.254.169.254/")
    assert execution["status"] == "failed"
    execution = asked(ruled, f"{target.url}/redirect?to={target.url.replace('127.0.0.1', '127.0.0.2')}/echo")
    assert execution["status"] == "failed"


def test_the_environment_s_proxy_is_no_way_round(tmp_path_factory: pytest.TempPathFactory, target: Target) -> None:
    folder = tmp_path_factory.mktemp("proxy") / "data"
    server = Server(folder, HTTP_PROXY=target.url, http_proxy=target.url, ALL_PROXY=target.url)
    try:
        server.start()
        before = len(target.requests)
        assert refused(asked(server, "http://169.254.169.254/"))
        assert len(target.requests) == before
    finally:
        server.close()
