"""A pytest plugin for plugin authors: the `run_function` fixture. Installed with cronplug, nothing to configure.

    def test_report(run_function):
        ran = run_function(nightly_report, {"region": "north"})
        assert ran.result == "42 rows"
        assert ran.progress == [(0.5, "half way")]

The function runs in the test's process, with the payload checked and the result judged as in production.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.sdk.calls import Ended, judge_error, judge_result
from cronplug.sdk.context import Context, Facts, Platform, StopSignal
from cronplug.sdk.functions import Function, InvalidPayload
from cronplug.sdk.steering import Interrupted

__all__ = ["FunctionRunner", "InvalidPayload", "Ran", "run_function"]

_EXAMPLE_FIRE_TIME = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What an attempt came to, as the platform would record it.

    `error` is the exception the function raised, if any. `log` holds (level, text) of `ctx.log`, `progress` the
    (fraction, note) pairs. `permanent` and `retry_after_seconds` are what PermanentError and RetryLater asked for.
    """

    success: bool
    result: Any
    result_summary: str | None
    error: BaseException | None
    error_message: str | None
    permanent: bool
    retry_after_seconds: float | None
    warnings: tuple[str, ...]
    log: tuple[tuple[str, str], ...]
    progress: tuple[tuple[float, str], ...]


class FunctionRunner:
    """Calls functions as a worker would."""

    def __call__(
        self,
        function: Function[..., Any],
        payload: Mapping[str, Any] | None = None,
        *,
        attempt: int = 1,
        task_name: str | None = "test",
        scheduled_for: datetime = _EXAMPLE_FIRE_TIME,
        timeout_seconds: float = 10.0,
        cancelled: bool = False,
        platform: Platform | None = None,
    ) -> Ran:
        """Run one attempt to its end; what the function raises is in the answer, not raised.

        The payload goes through JSON first, as it does in production; one that does not fit raises InvalidPayload.
        `cancelled` is what `ctx.cancelled` says. An async function over `timeout_seconds` raises TimeoutError.
        """
        raw = json.loads(json.dumps(payload or {}))
        json.dumps(function.payload_schema(), allow_nan=False)
        recorder = _Recorder(function.name)
        stop = StopSignal()
        stop.requested = cancelled
        facts = Facts(
            execution_id="test-execution",
            attempt=attempt,
            task_id=None if task_name is None else "test-task",
            task_name=task_name,
            scheduled_for=scheduled_for,
            deadline=datetime.now(UTC) + timedelta(seconds=timeout_seconds),
            idempotency_key="test-execution",
        )
        context = Context(facts, log=recorder.log, report_progress=recorder.add_progress, stop=stop, platform=platform)
        call = _Call(function, context, raw, timeout_seconds)
        ended = call.run()
        return Ran(
            success=ended.success,
            result=ended.result,
            result_summary=ended.result_summary,
            error=call.error,
            error_message=ended.error_message,
            permanent=ended.permanent,
            retry_after_seconds=ended.retry_after_seconds,
            warnings=ended.warnings,
            log=tuple(recorder.lines),
            progress=tuple(recorder.progress),
        )


@pytest.fixture
def run_function() -> FunctionRunner:
    """Runs a function made with `@function` once and tells what came of it."""
    return FunctionRunner()


class _Recorder(logging.Handler):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []
        self.progress: list[tuple[float, str]] = []
        self.log = logging.Logger(name, logging.DEBUG)
        self.log.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname.lower(), record.getMessage()))

    def add_progress(self, fraction: float, note: str) -> None:
        self.progress.append((fraction, note))


@dataclass(slots=True)
class _Call:
    """One call, with a loop of its own; in a thread where the test already has one running."""

    function: Function[..., Any]
    context: Context
    payload: Mapping[str, Any]
    timeout_seconds: float
    error: BaseException | None = None
    _ended: Ended | None = field(default=None)
    _escaped: BaseException | None = field(default=None)

    def run(self) -> Ended:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._run_guarded()
        else:
            thread = threading.Thread(target=self._run_guarded, name="run_function")
            thread.start()
            thread.join()
        if self._escaped is not None:
            raise self._escaped
        assert self._ended is not None
        return self._ended

    def _run_guarded(self) -> None:
        try:
            self._ended = self._judge()
        except BaseException as error:  # noqa: BLE001 - carried to the test's thread and raised there
            self._escaped = error

    def _judge(self) -> Ended:
        try:
            if self.function.is_async:
                return judge_result(asyncio.run(self._limited()))
            return judge_result(self.function.invoke(self.context, self.payload))
        except (InvalidPayload, KeyboardInterrupt, pytest.fail.Exception, pytest.skip.Exception, _OverTime):
            raise
        except (Exception, SystemExit, Interrupted) as error:  # noqa: BLE001 - round a function, as in a worker
            self.error = error
            return judge_error(error)

    async def _limited(self) -> Any:
        scope = asyncio.timeout(self.timeout_seconds)
        try:
            async with scope:
                result = self.function.invoke(self.context, self.payload)
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as error:
            if scope.expired():
                raise _OverTime(f"{self.function.name} did not end within {self.timeout_seconds:g} s") from error
            raise


class _OverTime(TimeoutError):
    """The limit of the test, not a TimeoutError of the function's own."""
