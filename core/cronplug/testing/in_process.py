"""One call in the test's own process, ended at its limit and on request as a worker ends it, short of killing."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

import pytest

from cronplug.clock import SettableClock
from cronplug.sdk.calls import Ended, judge_error, judge_result
from cronplug.sdk.functions import Function, InvalidPayload
from cronplug.sdk.steering import Interrupted
from cronplug.testing.clock_loop import ClockLoop
from cronplug.testing.context import FakeContext
from cronplug.testing.ran import Line, Ran, RanStatus


def run_in_process(
    function: Function[..., Any],
    payload: Mapping[str, Any],
    context: FakeContext,
    *,
    timeout_seconds: float,
    cancel_after_seconds: float | None,
    clock: SettableClock | None,
) -> Ran:
    """Run the function here. An async one gets an event loop of its own, in a thread if the test has one running."""
    call = _Call(function, payload, context, timeout_seconds, cancel_after_seconds, clock)
    began = time.monotonic()
    with _captured(context):
        ended = _elsewhere(call.run_async) if function.is_async and _has_loop() else call.run()
    seconds = time.monotonic() - began
    status: RanStatus = "success" if ended.success else "failed"
    reason, error_message = ended.reason, ended.error_message
    if call.timed_out:
        status, reason = "timed_out", "timeout"
        error_message = f"The function did not end within its time limit of {timeout_seconds:g} s."
    elif context.stop.requested:
        status, reason, error_message = "cancelled", "cancelled_by_request", "Cancelled while it ran."
    return Ran(
        status=status,
        reason=reason,
        result=ended.result,
        result_summary=ended.result_summary,
        error=call.error,
        error_message=error_message,
        permanent=ended.permanent,
        retry_after_seconds=ended.retry_after_seconds,
        warnings=ended.warnings,
        lines=tuple(context.lines),
        progress=tuple(context.reports),
        artifacts=context.artifacts,
        once=context.once_kept,
        seconds=seconds,
    )


@dataclass(slots=True)
class _Call:
    function: Function[..., Any]
    payload: Mapping[str, Any]
    context: FakeContext
    timeout_seconds: float
    cancel_after_seconds: float | None
    clock: SettableClock | None
    timed_out: bool = False
    error: BaseException | None = None
    _inside: bool = False

    def run(self) -> Ended:
        """Run it in this thread."""
        return self.run_async() if self.function.is_async else self._judged(self._run_sync)

    # -- async -----------------------------------------------------------------------------------------------------------

    def run_async(self) -> Ended:
        """Run it on a loop of its own, in this thread."""
        factory = None if self.clock is None else (lambda clock=self.clock: ClockLoop(clock))
        with asyncio.Runner(loop_factory=factory) as runner:
            return self._judged(lambda: runner.run(self._on_loop()))

    async def _on_loop(self) -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def cancel() -> None:
            loop.call_soon_threadsafe(task.cancel)

        self.context.on_cancel = cancel
        timers = [loop.call_later(self.timeout_seconds, self._time_out)]
        if self.cancel_after_seconds is not None:
            timers.append(loop.call_later(self.cancel_after_seconds, self.context.cancel))
        try:
            result = self.function.invoke(self.context, self.payload)
            return await result if inspect.isawaitable(result) else result
        finally:
            self.context.on_cancel = lambda: None
            for timer in timers:
                timer.cancel()
            await self.context.aclose()

    def _time_out(self) -> None:
        self.timed_out = not self.context.stop.requested
        self.context.cancel()

    # -- sync ------------------------------------------------------------------------------------------------------------

    def _run_sync(self) -> Any:
        """In the main thread it can be interrupted, by the signal that workers use; elsewhere only asked."""
        timers = [threading.Timer(self.timeout_seconds, self._time_out)]
        if self.cancel_after_seconds is not None:
            timers.append(threading.Timer(self.cancel_after_seconds, self.context.cancel))
        with (
            self._interruptible() if threading.current_thread() is threading.main_thread() else contextlib.nullcontext()
        ):
            for timer in timers:
                timer.start()
            try:
                self._inside = True
                return self.function.invoke(self.context, self.payload)
            finally:
                self._inside = False
                for timer in timers:
                    timer.cancel()
                    timer.join()
                self.context.close()

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        main = threading.main_thread().ident
        assert main is not None
        before = signal.signal(signal.SIGTERM, lambda *_: self._interrupt())
        self.context.on_cancel = lambda: signal.pthread_kill(main, signal.SIGTERM)
        try:
            yield
        finally:
            self.context.on_cancel = lambda: None
            signal.signal(signal.SIGTERM, before)

    def _interrupt(self) -> None:
        if self._inside and not self.context.stop.watched:
            self._inside = False
            raise Interrupted

    # -- both ------------------------------------------------------------------------------------------------------------

    def _judged(self, call: Callable[[], Any]) -> Ended:
        try:
            return judge_result(call())
        except (InvalidPayload, KeyboardInterrupt, pytest.fail.Exception, pytest.skip.Exception):
            raise
        except (Exception, SystemExit, Interrupted, asyncio.CancelledError) as error:  # noqa: BLE001 - round a function
            self.error = error
            return judge_error(error)


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _elsewhere(call: Callable[[], Ended]) -> Ended:
    """Run `call` in a thread of its own and wait for it; what it raises is raised here."""
    ended: list[Ended] = []
    escaped: list[BaseException] = []

    def run() -> None:
        try:
            ended.append(call())
        except BaseException as error:  # noqa: BLE001 - carried to the test's thread and raised there
            escaped.append(error)

    thread = threading.Thread(target=run, name="run_function")
    thread.start()
    thread.join()
    if escaped:
        raise escaped[0]
    return ended[0]


@contextlib.contextmanager
def _captured(context: FakeContext) -> Iterator[None]:
    """Keep what is printed as lines, and let it through as well."""
    streams = (_Tee(sys.stdout, context, "stdout"), _Tee(sys.stderr, context, "stderr"))
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            yield
        finally:
            for stream in streams:
                stream.finish()


@dataclass(eq=False)
class _Tee(io.TextIOBase):
    """A text stream that keeps whole lines for the context and writes everything on."""

    below: TextIO
    context: FakeContext
    name: str
    _begun: str = field(default="")

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self.context.keep_line(Line(self.name, line))
        return self.below.write(text)

    def flush(self) -> None:
        self.below.flush()

    def fileno(self) -> int:
        return self.below.fileno()

    def finish(self) -> None:
        """Keep a last line without its end."""
        if self._begun:
            self.context.keep_line(Line(self.name, self._begun))
            self._begun = ""
