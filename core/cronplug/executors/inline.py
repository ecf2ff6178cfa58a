"""Runs trusted platform functions on the core's own event loop, with the platform's operations at hand."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cronplug.clock import from_millis
from cronplug.errors import PluginError
from cronplug.executors.addresses import AddressPolicy
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.executors.clients import GuardedClients
from cronplug.executors.first_step import Finished, take_first_step
from cronplug.model import Json, Reason
from cronplug.sdk.calls import NOTHING_RETURNED, Ended, judge_error, judge_result
from cronplug.sdk.context import Context, Facts, Platform, StopSignal
from cronplug.sdk.functions import Function
from cronplug.sdk.keeping import Artifact


class InlineFunctions(Protocol):
    """What this executor needs of the registry."""

    def inline(self, name: str) -> Function[..., Any]:
        """The trusted function; raises KeyError for any other."""
        ...


class InlineExecutor:
    """The executor of trusted inline functions.

    It ends them by cancellation only: code that is trusted to run here is trusted to let itself be cancelled.
    `policy` is what `ctx.http` may reach.
    """

    def __init__(self, registry: InlineFunctions, platform: Platform, *, policy: AddressPolicy | None = None) -> None:
        self._registry = registry
        self._platform = platform
        self._policy = policy or AddressPolicy()

    async def start(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Nothing to free: the caller has awaited its runs."""

    async def run(self, spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        """Run one attempt and return when its code has ended."""
        assert spec.function_name is not None
        try:
            function = self._registry.inline(spec.function_name)
        except KeyError:
            return Outcome(
                verdict="failed",
                reason=Reason.UNKNOWN_FUNCTION,
                error_message=f"There is no trusted inline function {spec.function_name!r} any more.",
                permanent=True,
            )
        if stop.why is not None:
            return _stopped(spec, stop)
        signal = StopSignal()
        clients = GuardedClients(self._policy)
        context = _context(spec, output, signal, self._platform, clients)
        # A function that never waits cannot be ended: then there is no need for anything that could end it.
        step = take_first_step(_call(function, context, spec))
        if isinstance(step, Finished):
            ended = step.result
            await clients.aclose()
        else:
            try:
                ended = await _within_limits(step, spec, stop, signal, clients)
            except TimeoutError:
                return _stopped(spec, stop)
        for warning in ended.warnings:
            output.line("log", warning, level="warning")
        for line in (ended.trace or "").splitlines():
            output.line("log", line, level="error")
        return _judge(ended)


async def _within_limits(
    call: Awaitable[Ended], spec: AttemptSpec, stop: Stop, signal: StopSignal, clients: GuardedClients
) -> Ended:
    """The verdict on a call. Raises TimeoutError when it was ended at its limit or by `stop`."""
    loop = asyncio.get_running_loop()

    def end_now(_: object) -> None:
        signal.requested = True
        if not scope.expired():  # else it is being cancelled already
            scope.reschedule(loop.time())

    async with asyncio.timeout(spec.timeout_seconds) as scope:
        forget = stop.listen(end_now)
        try:
            return await call
        finally:
            forget()
            await clients.aclose()


async def _call(function: Function[..., Any], context: Context, spec: AttemptSpec) -> Ended:
    try:
        return judge_result(await function.invoke(context, spec.payload))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - round a function; cancellation passes
        return judge_error(error)


def _context(
    spec: AttemptSpec, output: Output, signal: StopSignal, platform: Platform, clients: GuardedClients
) -> Context:
    facts = Facts(
        execution_id=spec.execution_id,
        attempt=spec.attempt,
        task_id=spec.task_id,
        task_name=spec.task_name,
        scheduled_for=spec.scheduled_for,
        deadline=datetime.now(UTC) + timedelta(seconds=spec.timeout_seconds),
        idempotency_key=spec.idempotency_key,
    )
    return Context(
        facts,
        log=functools.partial(_make_log, spec.function_name or "", output),
        report_progress=output.progress,
        stop=signal,
        platform=platform,
        keeper=_OutputKeeper(output),
        kept=spec.kept,
        http_clients=clients,
    )


def _make_log(name: str, output: Output) -> logging.Logger:
    log = logging.Logger(name, logging.DEBUG)
    log.addHandler(_OutputHandler(output))
    return log


class _OutputKeeper:
    """Hands what the function leaves to the attempt's output."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._loop = asyncio.get_running_loop()

    def put_artifact(self, artifact: Artifact) -> None:
        self._output.artifact(artifact)

    def put_once(self, key: str, value: Json) -> None:
        asyncio.run_coroutine_threadsafe(self.put_once_async(key, value), self._loop).result()

    async def put_once_async(self, key: str, value: Json) -> None:
        error = await self._output.remember(key, value)
        if error is not None:
            raise PluginError(f"The result of the work {key!r} could not be kept: {error}")


class _OutputHandler(logging.Handler):
    """Writes `ctx.log` to the attempt's output."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        at = from_millis(int(record.created * 1000))
        for line in text.split("\n"):
            self._output.line("log", line, level=record.levelname.lower(), at=at)


def _judge(ended: Ended) -> Outcome:
    if ended is NOTHING_RETURNED:
        return _COMPLETED
    return Outcome(
        verdict="success" if ended.success else "failed",
        reason=Reason(ended.reason),
        error_message=ended.error_message,
        result=ended.result,
        result_summary=ended.result_summary,
        permanent=ended.permanent,
        retry_after_seconds=ended.retry_after_seconds,
        error_kinds=ended.error_kinds,
    )


_COMPLETED = Outcome(verdict="success", reason=Reason.COMPLETED)


def _stopped(spec: AttemptSpec, stop: Stop) -> Outcome:
    if stop.why == "cancelled":
        return Outcome(verdict="cancelled", reason=Reason.CANCELLED_BY_REQUEST, error_message="Cancelled.")
    if stop.why == "shutdown":
        return Outcome(verdict="cut_off", reason=Reason.SHUTDOWN, error_message="The server stopped.")
    return Outcome(
        verdict="timed_out",
        reason=Reason.TIMEOUT,
        error_message=f"The function did not end within its time limit of {spec.timeout_seconds:g} s.",
    )
