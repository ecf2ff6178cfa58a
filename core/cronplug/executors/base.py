"""What the engine hands to an executor and gets back: one attempt in, one verdict out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from cronplug.model import Json, Reason, Stream, Trigger
from cronplug.sdk.keeping import Artifact, Kept

Verdict = Literal["success", "failed", "timed_out", "cancelled", "cut_off"]
StopReason = Literal["cancelled", "shutdown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One outgoing request, and which answer to it is a success; redirects and limits are the executor's.

    `expect_status` and `retry_status` hold patterns of `cronplug.executors.expectations`; an unexpected status that
    `retry_status` does not name forbids a retry, empty names them all. `expect_body` is a text that the kept part of
    the body must contain.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    expect_status: Sequence[str] = ("2xx",)
    expect_body: str | None = None
    retry_status: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSpec:
    """Everything an executor needs to run one attempt; either `function_name` or `http` is set.

    `entry_point` is (distribution, entry point name, value), where a worker finds the function.
    `idempotency_key` is the same for every attempt of the execution. `kept` is what earlier attempts left. `alone`: it
    must not share a worker with others, whose faults would cut it off. `memory_mb` is the most memory it may use.
    """

    execution_id: str
    attempt: int
    trigger: Trigger
    task_id: str | None = None
    task_name: str | None = None
    scheduled_for: datetime
    timeout_seconds: float
    grace_seconds: float = 5.0
    idempotency_key: str
    function_name: str | None = None
    payload: Mapping[str, Json] = field(default_factory=dict)
    entry_point: tuple[str, str, str] | None = None
    is_async: bool = True
    alone: bool = False
    memory_mb: int | None = None
    kept: Kept = field(default_factory=Kept)
    http: HttpCall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended.

    `cut_off` does not use up a retry: the node stopped, or a neighbour had to be ended with the shared worker.
    `permanent` forbids a retry, `retry_after_seconds` asks for one at that distance. `error_kinds` are the names of
    the class of the exception that a function raised, and of its bases.
    """

    verdict: Verdict
    reason: Reason
    error_message: str | None = None
    result: Json = None
    result_summary: str | None = None
    permanent: bool = False
    retry_after_seconds: float | None = None
    error_kinds: tuple[str, ...] = ()
    worker: str | None = None


class Output(Protocol):
    """Where an attempt's lines, progress and artifacts go. None of these blocks or fails; the implementation caps."""

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        """One line without its line end; `at` None means now."""
        ...

    def progress(self, fraction: float, note: str) -> None:
        """How far the attempt is, 0 to 1, and with what."""
        ...

    def artifact(self, artifact: Artifact) -> None:
        """Keep a file; it is durable at the latest with the end of the attempt."""
        ...

    async def remember(self, key: str, value: Json) -> str | None:
        """Keep a result of `ctx.once`; durable on return. Returns why it was not kept, None when it was."""
        ...


class Stop:
    """Asks one attempt to end. Level-triggered: a request made before anyone waits is not lost; the first one counts."""

    def __init__(self) -> None:
        self._why: StopReason | None = None
        self._requested: asyncio.Event | None = None  # made for the first that waits: most attempts are never asked
        self._listeners: list[Callable[[StopReason], None]] = []

    @property
    def why(self) -> StopReason | None:
        """The reason of the first request, None while there is none."""
        return self._why

    def request(self, why: StopReason) -> None:
        """Ask the attempt to end; may be called again, to no effect."""
        if self._why is not None:
            return
        self._why = why
        if self._requested is not None:
            self._requested.set()
        for listener in tuple(self._listeners):
            listener(why)

    async def wait(self) -> StopReason:
        """Return the reason as soon as there is one."""
        while self._why is None:
            self._requested = self._requested or asyncio.Event()
            await self._requested.wait()
        return self._why

    def listen(self, listener: Callable[[StopReason], None]) -> Callable[[], None]:
        """Call `listener` on the request, at once when it was already made. Returns the function that ends this."""
        self._listeners.append(listener)
        if self._why is not None:
            listener(self._why)

        def forget() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return forget


class Executor(Protocol):
    """Runs attempts of one kind. `start` before the first `run`, `close` once at the end."""

    async def start(self) -> None:
        """Get ready; returns soon."""
        ...

    async def run(self, spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        """Run one attempt and return when its code has ended, whatever it did; enforces the time limit itself."""
        ...

    async def close(self) -> None:
        """Free everything; attempts still running are ended the hard way."""
        ...
