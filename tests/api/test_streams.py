"""Server-sent events, over a real server."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from cronplug.api.streams import follow_changes
from cronplug.app import App
from cronplug.events import EventBus
from tests.api.conftest import API, TOKEN, Api, served, settings_for, started

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Stream:
    """Events as a browser's EventSource would hand them out."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, Any]:
        """The next event; comments and `retry` are passed over."""
        event: dict[str, Any] = {}
        async with asyncio.timeout(20):
            async for line in self._lines:
                if line == "" and "event" in event:
                    return event | {"data": json.loads(event["data"])}
                name, _, value = line.partition(": ")
                if name in ("event", "data", "id"):
                    event[name] = value
        raise EOFError("the stream has ended")


@asynccontextmanager
async def listening(url: str, path: str, **headers: str) -> AsyncIterator[Stream]:
    async with (
        httpx.AsyncClient(base_url=url, headers=HEADERS | headers) as client,
        client.stream("GET", API + path, timeout=30) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        yield Stream(response)


async def test_changes_are_told(live_url: str, api: Api) -> None:
    async with listening(live_url, "/events") as stream:
        task = await api.make_task()
        assert await stream.next() == {"event": "task", "data": {"id": task["id"], "change": "created"}}
        await api("DELETE", f"/tasks/{task['id']}")
        assert await stream.next() == {"event": "task", "data": {"id": task["id"], "change": "deleted"}}


async def test_an_execution_is_told_from_start_to_end(live_url: str, api: Api) -> None:
    async with listening(live_url, "/events") as stream:
        execution = await api.invoke("sample.echo")
        changes: list[tuple[str, str]] = []
        while len(changes) < 2 or changes[-1] != ("execution", "updated"):
            event = await stream.next()
            if event["data"]["id"] == execution["id"]:
                changes.append((event["event"], event["data"]["change"]))
        assert changes[0] == ("execution", "created")


async def test_new_log_lines_are_not_told_to_everyone() -> None:
    bus = EventBus()
    frames = follow_changes(bus)
    assert (await anext(frames)).startswith(b"retry:")
    waiting = asyncio.ensure_future(anext(frames))
    while not bus.subscribers:
        await asyncio.sleep(0)
    bus.publish("log", "x", "updated")
    bus.publish("task", "y", "updated")
    assert b"event: task\n" in await waiting
    await frames.aclose()


async def test_a_quiet_stream_is_kept_alive_by_comments() -> None:
    frames = follow_changes(EventBus(), ping_seconds=0.01)
    await anext(frames)
    assert await anext(frames) == b": ping\n\n"
    await frames.aclose()


async def test_a_reader_that_is_too_slow_is_let_go() -> None:
    bus = EventBus(inbox_size=2)
    frames = follow_changes(bus)
    await anext(frames)
    for number in range(5):
        bus.publish("task", str(number), "updated")
    told = [frame async for frame in frames]
    assert len(told) == 1
    assert b"bye" not in told[0]
    assert bus.subscribers == 0


async def test_changes_that_follow_each_other_at_once_share_a_write_and_keep_their_order() -> None:
    bus = EventBus()
    frames = follow_changes(bus)
    await anext(frames)
    for number in range(500):
        bus.publish("task", str(number), "updated")
    written = await anext(frames)
    assert [int(number) for number in re.findall(rb'"id":"(\d+)"', written)] == list(range(500))
    bus.publish("task", "last", "updated")
    bus.close()
    assert b'"id":"last"' in await anext(frames)
    assert b"event: bye" in await anext(frames)


async def test_a_reader_that_leaves_is_forgotten(core: App, live_url: str) -> None:
    before = core.bus.subscribers
    async with listening(live_url, "/events") as stream, asyncio.timeout(10):
        await anext(aiter(stream.response.aiter_raw()))
        while core.bus.subscribers != before + 1:
            await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        while core.bus.subscribers != before:
            await asyncio.sleep(0.01)


async def test_a_log_is_followed_to_its_end(live_url: str, api: Api) -> None:
    started = (await api("POST", "/functions/sample.lines/invoke", json={"payload": {"count": 20}})).json()
    events = await read_log_stream(live_url, started["executionId"])
    whole = await api.get(f"/executions/{started['executionId']}/log")
    assert events[-1] == {"event": "end", "data": {}}
    assert [event["event"] for event in events[:-1]] == ["line"] * (len(events) - 1)
    assert [event["data"] for event in events[:-1]] == whole["list"]
    assert [int(event["id"]) for event in events[:-1]] == list(range(1, whole["total"] + 1))


async def test_a_log_stream_goes_on_after_the_last_line_seen(live_url: str, api: Api) -> None:
    execution = await api.invoke("sample.lines", {"count": 5})
    whole = await api.get(f"/executions/{execution['id']}/log")
    events = await read_log_stream(live_url, execution["id"], **{"Last-Event-ID": "2"})
    assert [event["data"] for event in events[:-1]] == whole["list"][2:]


async def read_log_stream(url: str, execution_id: str, **headers: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    async with listening(url, f"/executions/{execution_id}/log/stream", **headers) as stream:
        while not events or events[-1]["event"] != "end":
            events.append(await stream.next())
    return events


async def test_lines_come_while_the_function_runs(live_url: str, api: Api) -> None:
    started = (await api("POST", "/functions/sample.wait/invoke", json={})).json()
    async with listening(live_url, f"/executions/{started['executionId']}/log/stream") as stream:
        line = await stream.next()
        assert line["data"]["text"] == "waiting"
        await api("POST", f"/executions/{started['executionId']}/cancel")
        while line["event"] != "end":
            line = await stream.next()


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30])
async def test_a_bad_last_event_id_is_refused(api: Api, last: str) -> None:
    execution = await api.invoke("sample.echo")
    path = f"/executions/{execution['id']}/log/stream"
    assert (await api("GET", path, headers={"Last-Event-ID": last})).status_code == 422


async def test_streams_say_goodbye_when_the_server_stops(
    sample_plugin: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with started(settings_for(tmp_path_factory.mktemp("stopping"))) as app, served(app) as url:
        async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
            made = await client.post(f"{API}/functions/sample.wait/invoke", json={})
        path = f"/executions/{made.json()['executionId']}/log/stream"
        async with listening(url, "/events") as changes, listening(url, path) as log:
            while app.bus.subscribers < 2:
                await asyncio.sleep(0.01)
            app.bus.close()
            assert await last_event(changes) == "bye"
            assert await last_event(log) == "bye"


async def last_event(stream: Stream) -> str:
    last = ""
    try:
        while True:
            last = (await stream.next())["event"]
    except EOFError:
        return last
