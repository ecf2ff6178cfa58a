"""The worker's life: read frames, run functions, send verdicts.

Async functions run side by side on one event loop in the main thread. For a sync function the loop is stopped and the
function has the main thread, and with it the worker, to itself. The core asks an async function to end by a `cancel`
frame; a sync one by the same frame and SIGTERM. The signal alone means nothing: service managers send it around.

A loop that an async function blocks reads no frames: SIGURG, which does nothing where nobody listens, asks which run
it is in, and is answered from within.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import ctypes
import faulthandler
import functools
import inspect
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from typing import Any, NoReturn

from cronplug.clock import from_millis
from cronplug.errors import PluginError
from cronplug.registry.host import AnyFunction, PluginHost
from cronplug.registry.installed import GROUP
from cronplug.sdk.calls import Ended, judge_error, judge_result
from cronplug.sdk.context import Context, Facts, StopSignal
from cronplug.sdk.isolation import ADDRESS_POLICY
from cronplug.sdk.keeping import Kept
from cronplug.sdk.steering import Interrupted
from cronplug.worker.channel import Channel
from cronplug.worker.clients import RunClients
from cronplug.worker.keeping import Answers, RunKeeper
from cronplug.worker.output import (
    Descriptors,
    Outputs,
    RunLogHandler,
    RunOutput,
    RunStream,
    make_run_logger,
    plain_stream,
)
from cronplug.worker.parent import die_with
from cronplug.worker.surroundings import Handlers, Left, Surroundings, signal_handlers

Frame = dict[str, Any]
_PR_SET_CHILD_SUBREAPER = 36


def serve(*, descriptor: int, parent: int) -> NoReturn:
    """Be a worker of the process `parent` on the socket `descriptor` until that process closes it."""
    libc = ctypes.CDLL(None)
    die_with(parent)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    worker = Worker(Channel(descriptor), flush_c_streams=lambda: libc.fflush(None))
    worker.take_over_process()
    worker.run()
    sys.exit(0)


@dataclass(slots=True, eq=False)
class Run:
    """One call on its way through this worker. `id` is the core's number for it; `frame` is what it sent."""

    id: int
    frame: Frame
    output: RunOutput
    clients: RunClients
    stop: StopSignal = field(default_factory=StopSignal)
    task: asyncio.Task[None] | None = None
    in_function: bool = False
    left: Left = field(default_factory=Left)


class Worker:
    """All state of the process."""

    def __init__(self, channel: Channel, *, flush_c_streams: Callable[[], object]) -> None:
        self._channel = channel
        self._flush_c_streams = flush_c_streams
        self._loop = asyncio.new_event_loop()
        self._outputs = Outputs(channel)
        self._descriptors = Descriptors()
        self._streams = (RunStream(self._outputs, "stdout", 1), RunStream(self._outputs, "stderr", 2))
        self._host = PluginHost()
        self._functions: dict[str, AnyFunction] = {}
        self._observing: set[str] = set()
        self._runs: dict[int, Run] = {}
        self._alone: deque[Run] = deque()
        self._running_alone: Run | None = None
        self._answers = Answers(channel, self._loop, self._take_frames)
        self._address_policy = os.environ.get(ADDRESS_POLICY)
        self._importing = False
        self._closed = False
        self._forked = False
        self._handlers: Handlers = ()

    def take_over_process(self) -> None:
        """Install the streams, the log handler, the signal handler and what a forked child must forget."""
        self._take_streams()
        logging.basicConfig(
            level=logging.INFO, handlers=[RunLogHandler(self._outputs.here, with_name=True)], force=True
        )
        faulthandler.enable(file=self._descriptors.saved[2])
        signal.signal(signal.SIGTERM, lambda *_: self._on_sigterm())
        signal.signal(signal.SIGURG, lambda *_: self._tell_where())
        os.register_at_fork(after_in_child=self._become_child)
        self._handlers = signal_handlers()

    def run(self) -> None:
        """Work until the core closes the socket."""
        self._loop.add_reader(self._channel.fileno(), self._on_readable)
        self._channel.send({"kind": "ready", "pid": os.getpid()})
        while not self._closed:
            self._loop.run_forever()
            while self._alone:
                self._run_alone(self._alone.popleft())

    # -- frames --------------------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        if not self._take_frames():
            self._loop.stop()

    def _take_frames(self) -> bool:
        """Do what the core says; False when it has gone."""
        frames = self._channel.receive()
        if frames is None:
            self._closed = True
            if self._running_alone is not None:
                self._running_alone.stop.requested = True
            return False
        for frame in frames:
            match frame["kind"]:
                case "cancel":
                    self._cancel(frame["run"])
                case "kept":
                    self._answers.take(frame["number"], frame["error"])
                case "ping":
                    self._channel.send({"kind": "pong"})
                case _:
                    self._begin(frame)
        return True

    def _tell_where(self) -> None:
        """Say in which run the main thread is: the signal's handler runs in the context of what it interrupts."""
        if not self._forked:
            output = self._outputs.current.get()
            frame = {"kind": "where", "run": output and output.run, "importing": self._importing}
            self._channel.when_not_sending(lambda: self._channel.send(frame))

    def _begin(self, frame: Frame) -> None:
        run = Run(
            id=frame["run"],
            frame=frame,
            output=RunOutput(self._channel, frame["run"]),
            clients=RunClients(self._address_policy),
        )
        self._runs[run.id] = run
        self._outputs.open.add(run.output)
        if frame["kind"] == "call" and not frame["is_async"]:
            self._alone.append(run)
            self._loop.stop()
            return
        work = self._run_observers(run) if frame["kind"] == "observe" else self._run_async(run)
        context = contextvars.copy_context()
        context.run(self._outputs.current.set, run.output)
        run.task = self._loop.create_task(work, name=f"run {run.id}", context=context)

    def _cancel(self, run_id: int) -> None:
        run = self._runs.get(run_id)
        if run is None:
            return
        run.stop.requested = True
        if run.task is not None:
            self._channel.send({"kind": "heard", "run": run_id})
            run.task.cancel()

    def _end(self, run: Run, ended: Ended) -> None:
        """Send everything that belongs to the run, its verdict last."""
        if self._forked:
            os._exit(0)  # a forked child that came back from the function instead of ending itself
        for warning in (*ended.warnings, *([run.left.spoils] if run.left.spoils else [])):
            run.output.log("warning", _now(), warning)
        if ended.trace is not None and not run.stop.requested:
            run.output.log("error", _now(), ended.trace)
        run.output.flush("stdout")
        run.output.flush("stderr")
        marked = len(self._runs) == 1 and self._mark_end(run)
        del self._runs[run.id]
        self._outputs.open.discard(run.output)
        send = self._channel.send if run is self._running_alone else self._send_soon
        send(
            {
                "kind": "done",
                "run": run.id,
                "success": ended.success,
                "reason": ended.reason,
                "error_message": ended.error_message,
                "result": ended.result,
                "result_summary": ended.result_summary,
                "permanent": ended.permanent,
                "retry_after_seconds": ended.retry_after_seconds,
                "error_kinds": ended.error_kinds,
                "stopped": run.stop.requested,
                "marked": marked,
                "left_children": run.left.processes,
                "spoilt": run.left.spoils is not None,
            }
        )

    def _send_soon(self, frame: Frame) -> None:
        """Send with what else is said in this turn of the loop: many runs end in one."""
        if self._channel.hold(frame):
            self._loop.call_soon(self._channel.release)

    def _mark_end(self, run: Run) -> bool:
        """Say on descriptors 1 and 2 that what came before belongs to this run, the only one."""
        self._flush_c_streams()
        try:
            self._descriptors.mark(run.frame["mark"].encode())
        except OSError:  # the function closed every descriptor it could find
            return False
        return True

    # -- async functions -------------------------------------------------------------------------------------------------

    async def _run_async(self, run: Run) -> None:
        try:
            try:
                result = self._function_of(run).invoke(self._context_of(run), run.frame["payload"])
                ended = judge_result(await result if inspect.isawaitable(result) else result)
            finally:
                if run.clients.used:
                    await run.clients.aclose()
        except BaseException as error:  # noqa: BLE001 - round a function; SystemExit must not end its neighbours
            ended = judge_error(error)
        self._end(run, ended)

    async def _run_observers(self, run: Run) -> None:
        """Call one plugin's implementations of a hook, one after the other; the first error of them is the verdict."""
        distribution, entry_points = run.frame["distribution"], run.frame["entry_points"]
        hook, facts = run.frame["hook"], run.frame["facts"]
        ended = judge_result(None)
        try:
            self._load_observers(distribution, entry_points)
        except PluginError as error:
            ended = judge_error(error)
        for key, implementation, names in self._host.observers(hook):
            if not key.startswith(f"{distribution}:"):
                continue
            try:
                answer = implementation(**{name: facts.get(name) for name in names})
                if inspect.isawaitable(answer):
                    await answer
            except BaseException as error:  # noqa: BLE001 - round a plugin's hook; it may not end this process
                ended = judge_error(error) if ended.success else ended
        self._end(run, ended)

    def _load_observers(self, distribution: str, entry_points: list[list[str]]) -> None:
        if distribution in self._observing:
            return
        loaded = self._host.load(distribution, [EntryPoint(name, value, GROUP) for name, value in entry_points])
        if loaded.error is not None:
            raise PluginError(f"The plugin {distribution} cannot be imported.\n{loaded.error}")
        self._observing.add(distribution)

    # -- sync functions --------------------------------------------------------------------------------------------------

    def _run_alone(self, run: Run) -> None:
        if self._streams != (sys.stdout, sys.stderr):
            self._take_streams()
        token = self._outputs.current.set(run.output)
        self._running_alone = run
        self._answers.alone = True
        ended = self._call_alone(run)
        with contextlib.suppress(OSError):
            self._descriptors.restore()
        self._end(run, ended)
        self._answers.alone = False
        self._running_alone = None
        self._outputs.current.reset(token)

    def _call_alone(self, run: Run) -> Ended:
        surroundings = None
        try:
            try:
                run.in_function = True
                self._answers.look()
                if run.stop.requested:
                    raise Interrupted
                function = self._function_of(run)
                surroundings = Surroundings(self._handlers)
                return judge_result(function.invoke(self._context_of(run), run.frame["payload"]))
            finally:
                run.in_function = False
                run.clients.close()
                if surroundings is not None and not self._forked:
                    run.left = surroundings.put_back()
        except BaseException as error:  # noqa: BLE001 - round a function; SystemExit and Interrupted end here too
            return judge_error(error)

    def _on_sigterm(self) -> None:
        run = self._running_alone
        if run is None or self._forked:
            return
        self._answers.look()  # while a sync function runs nobody else reads the socket
        if run.stop.requested and run.in_function and not run.stop.watched:
            self._channel.when_not_sending(lambda: self._interrupt(run))

    def _interrupt(self, run: Run) -> None:
        if run.in_function:
            run.in_function = False
            raise Interrupted

    # -- both ------------------------------------------------------------------------------------------------------------

    def _function_of(self, run: Run) -> AnyFunction:
        """The function of a call, its plugin imported into this process at the first one."""
        name = run.frame["function"]
        if name not in self._functions:
            distribution, entry_point, value = run.frame["entry_point"]
            self._importing = True
            try:
                self._functions[name] = self._host.load_function(
                    name, distribution=distribution, entry_point=entry_point, value=value
                )
            finally:
                self._importing = False
        return self._functions[name]

    def _context_of(self, run: Run) -> Context:
        frame = run.frame
        facts = Facts(
            execution_id=frame["execution_id"],
            attempt=frame["attempt"],
            task_id=frame["task_id"],
            task_name=frame["task_name"],
            scheduled_for=from_millis(frame["scheduled_for"]),
            deadline=datetime.now(UTC) + timedelta(seconds=frame["timeout_seconds"]),
            idempotency_key=frame["idempotency_key"],
        )
        return Context(
            facts,
            log=functools.partial(make_run_logger, frame["function"], run.output),
            report_progress=run.output.progress,
            stop=run.stop,
            keeper=RunKeeper(self._channel, self._answers, run.id),
            kept=Kept(once=frame["once"], artifacts=frame["artifacts"]) if "once" in frame else None,
            http_clients=run.clients,
        )

    def _take_streams(self) -> None:
        sys.stdout, sys.stderr = self._streams

    def _become_child(self) -> None:
        """In a forked child of a function: speak through the descriptors, never for this worker."""
        self._forked = True
        self._channel.abandon()
        sys.stdout, sys.stderr = plain_stream(1), plain_stream(2)
        logging.getLogger().handlers[:] = [logging.StreamHandler(sys.stderr)]
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGURG, signal.SIG_DFL)


def _now() -> float:
    return datetime.now(UTC).timestamp()
