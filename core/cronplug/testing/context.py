"""A context that records what a function does with it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cronplug.clock import Clock, SystemClock
from cronplug.sdk.context import Context, Facts, Platform, StopSignal
from cronplug.sdk.keeping import Artifact, Kept, MemoryKeeper
from cronplug.testing.ran import Line

if TYPE_CHECKING:
    import httpx

EXAMPLE_FIRE_TIME = datetime(2030, 1, 1, tzinfo=UTC)


class FakeContext(Context):
    """A real `Context` that keeps what it is told: `lines`, `reports` (of progress), `artifacts`, `once_kept`.

    `cancel()` asks the code to end; `cancel_when` does so as soon as a line or note contains that text. `clock` says
    from when the deadline counts, `kept` what earlier attempts did with `ctx.once`. `ctx.http` and `ctx.http_sync` are
    plain httpx clients, with the `http_transport` if one is given (`httpx.MockTransport` suits both).
    """

    def __init__(
        self,
        *,
        function_name: str = "test.function",
        execution_id: str = "test-execution",
        attempt: int = 1,
        task_name: str | None = "test",
        scheduled_for: datetime = EXAMPLE_FIRE_TIME,
        timeout_seconds: float = 300.0,
        idempotency_key: str | None = None,
        cancelled: bool = False,
        cancel_when: str | None = None,
        platform: Platform | None = None,
        clock: Clock | None = None,
        kept: Mapping[str, Any] | None = None,
        http_transport: httpx.MockTransport | None = None,
    ) -> None:
        self.lines: list[Line] = []
        self.reports: list[tuple[float, str]] = []
        self.on_cancel: Callable[[], None] = lambda: None
        self.stop = StopSignal()
        self.stop.requested = cancelled
        self._cancel_when = cancel_when
        self._clients_made = _PlainClients(http_transport)
        self._memory = MemoryKeeper()
        self._memory.once.update(kept or {})
        log = logging.Logger(function_name, logging.DEBUG)
        log.addHandler(_Handler(self))
        super().__init__(
            Facts(
                execution_id=execution_id,
                attempt=attempt,
                task_id=None if task_name is None else "test-task",
                task_name=task_name,
                scheduled_for=scheduled_for,
                deadline=(clock or SystemClock()).now() + timedelta(seconds=timeout_seconds),
                idempotency_key=idempotency_key or execution_id,
            ),
            log=log,
            report_progress=self._keep_report,
            stop=self.stop,
            platform=platform,
            keeper=self._memory,
            kept=Kept(once=dict(kept or {})),
            http_clients=self._clients_made,
        )

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """The files kept with `ctx.artifact`, by name."""
        return self._memory.artifacts

    @property
    def once_kept(self) -> Mapping[str, Any]:
        """What `ctx.once` has kept, by key, with what earlier attempts had."""
        return self._memory.once

    def cancel(self) -> None:
        """Ask the code that has this context to end; may be called again, to no effect."""
        if not self.stop.requested:
            self.stop.requested = True
            self.on_cancel()

    def close(self) -> None:
        """Close the client behind `ctx.http_sync`, if it was used."""
        self._clients_made.close()

    async def aclose(self) -> None:
        """Close the clients behind `ctx.http` and `ctx.http_sync`, if they were used."""
        await self._clients_made.aclose()

    def keep_line(self, line: Line) -> None:
        """Add a line of output."""
        self.lines.append(line)
        self._look(line.text)

    def _keep_report(self, fraction: float, note: str) -> None:
        self.reports.append((fraction, note))
        self._look(note)

    def _look(self, text: str) -> None:
        if self._cancel_when is not None and self._cancel_when in text:
            self.cancel()


class _PlainClients:
    """Makes clients without the server's rules about addresses: tests talk to servers on their own machine."""

    def __init__(self, transport: httpx.MockTransport | None) -> None:
        self._transport = transport
        self._async: httpx.AsyncClient | None = None
        self._sync: httpx.Client | None = None

    def make_async(self) -> httpx.AsyncClient:
        import httpx

        self._async = httpx.AsyncClient(transport=self._transport, timeout=30, trust_env=False)
        return self._async

    def make_sync(self) -> httpx.Client:
        import httpx

        self._sync = httpx.Client(transport=self._transport, timeout=30, trust_env=False)
        return self._sync

    def close(self) -> None:
        if self._sync is not None:
            self._sync.close()

    async def aclose(self) -> None:
        self.close()
        if self._async is not None:
            await self._async.aclose()


class _Handler(logging.Handler):
    """Keeps what is written to `ctx.log`."""

    def __init__(self, context: FakeContext) -> None:
        super().__init__()
        self._context = context

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        for line in text.split("\n"):
            self._context.keep_line(Line("log", line, record.levelname.lower()))
