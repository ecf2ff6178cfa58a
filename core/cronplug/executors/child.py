"""The core's side of one worker process: starting it, calls and their output, asking and forcing it to end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, cast

import orjson

from cronplug.clock import from_millis
from cronplug.executors.base import Output
from cronplug.executors.frames import BrokenFrame, FrameReader, encode_frame
from cronplug.executors.lines import LineSplitter, MarkedBytes, cut_lines
from cronplug.executors.memory import resident_bytes
from cronplug.executors.warden import Warden
from cronplug.model import Reason, Stream
from cronplug.sdk.isolation import WORKER_MARK, describe_exit, plugin_command, plugin_environ
from cronplug.sdk.keeping import MAX_ARTIFACT_BYTES, MAX_KEY_LENGTH, Artifact, check_artifact
from cronplug.sdk.processes import descendants_of
from cronplug.sdk.values import as_json

_log = logging.getLogger(__name__)

_LAST_OUTPUT_SECONDS = 0.3
"""How long the pipes of a dead process, or the mark at the end of a run's output, are waited for."""
_SIGNAL_AFTER_SECONDS = 0.01
_START_SECONDS = 60.0
_RETIRE_SECONDS = 1.0
_MAX_RUN_CHARACTERS = 64 * 1024 * 1024
_ARTIFACTS_ON_THEIR_WAY = 8
_REQUESTS_AT_ONCE = 1_000
_MAX_NOTED_LINES = 1_000
_STREAMS: Mapping[int, Stream] = {1: "stdout", 2: "stderr"}

Frame = dict[str, Any]


class WorkerLost(Exception):
    """The process ended, or had to be ended, before it gave a verdict; `str` says how, as a verb.

    `for_a_neighbour`: it was ended because of another run in it. `had_neighbours`: because of nobody knows which.
    """

    def __init__(self, how: str, *, for_a_neighbour: bool = False, had_neighbours: bool = False) -> None:
        super().__init__(how)
        self.for_a_neighbour = for_a_neighbour
        self.had_neighbours = had_neighbours


class Run:
    """One call in a worker; `wait` for its `verdict`, the `done` frame.

    `asked` is why it was asked to end, `heard` whether the worker's loop has noticed. `fault` is what its process was
    killed for when the run itself, and not whoever asked it to end, is the reason.
    """

    def __init__(self, number: int, output: Output, *, on_end: Callable[[Run], None]) -> None:
        self.number = number
        self.output = output
        self.verdict: Frame | None = None
        self.loss: WorkerLost | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._afterwards: list[Callable[[], object]] = []
        self.asked: str | None = None
        self.heard = False
        self.fault: Reason | None = None
        self.linked = False
        self.function = ""
        self.is_async = False
        self._on_end = on_end
        self._characters = 0
        # By where the text came from; made at the first text, which most runs never send.
        self._splitters: dict[tuple[str, Stream], LineSplitter] = {}
        self._marks_seen = 0
        self._pieces: dict[str, bytearray] = {}
        self._done: Frame | None = None

    @property
    def ended(self) -> bool:
        """Whether there is a verdict, or its process is lost."""
        return self.verdict is not None or self.loss is not None

    async def wait(self) -> Frame:
        """The verdict, or raises WorkerLost. One waits at a time; that its wait is cancelled does nothing to the run."""
        if not self.ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self.verdict is None:
            assert self.loss is not None
            raise self.loss
        return self.verdict

    def when_ended(self, action: Callable[[], object]) -> None:
        """Call `action` as soon as the run has ended."""
        self._afterwards.append(action)

    def _tell_end(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        for action in self._afterwards:
            action()

    def take(self, frame: Frame) -> None:
        """Pass on what the run printed, logged or reported."""
        kind = frame["kind"]
        if kind == "text":
            stream = frame["stream"]
            if stream not in _STREAMS.values():
                raise ValueError("not a stream")
            self._feed("printed", stream, frame["text"])
        elif kind == "log":
            at = from_millis(frame["at"])
            for line in cut_lines(frame["text"]):
                self.output.line("log", line, level=frame["level"], at=at)
        elif kind == "progress":
            self.output.progress(float(frame["fraction"]), str(frame["note"]))
        elif kind == "artifact":
            self._take_piece(frame)

    def _take_piece(self, frame: Frame) -> None:
        """Put an artifact together; raises ValueError for one that no function can have made with `ctx.artifact`."""
        name = str(frame["name"])
        data = self._pieces.pop(name, bytearray())
        data += base64.b64decode(frame["piece"], validate=True)
        if frame["last"]:
            artifact = Artifact(name, str(frame["media_type"]), bytes(data))
            check_artifact(artifact)
            self.output.artifact(artifact)
        elif len(data) > MAX_ARTIFACT_BYTES or len(self._pieces) > _ARTIFACTS_ON_THEIR_WAY:
            raise ValueError("not an artifact")
        else:
            self._pieces[name] = data

    def take_written(self, stream: Stream, text: str) -> None:
        """Pass on what came through the descriptors."""
        self._feed("written", stream, text)

    def take_done(self, frame: Frame) -> None:
        """The verdict has come. It counts once both descriptors gave all the run wrote, or soon after in any case."""
        self._done = frame
        if not frame["marked"] or self._marks_seen >= len(_STREAMS):
            self._settle()
        else:
            asyncio.get_running_loop().call_later(_LAST_OUTPUT_SECONDS, self._settle)

    def take_mark(self) -> None:
        """One descriptor has given everything the run wrote to it."""
        self._marks_seen += 1
        if self._done is not None and self._marks_seen >= len(_STREAMS):
            self._settle()

    def lose(self, loss: WorkerLost) -> None:
        """The process is gone; a verdict that came before counts."""
        if self._done is not None:
            self._settle()
        elif not self.ended:
            self._finish_lines()
            self.loss = loss
            self._tell_end()

    def _settle(self) -> None:
        if not self.ended:
            self._finish_lines()
            self.verdict = self._done
            self._tell_end()
            self._on_end(self)

    def _finish_lines(self) -> None:
        for splitter in self._splitters.values():
            splitter.finish()

    def _feed(self, way: Literal["printed", "written"], stream: Stream, text: str) -> None:
        if self._characters > _MAX_RUN_CHARACTERS:
            return  # far beyond what any Output keeps: do not even cut it into lines
        self._characters += len(text)
        splitter = self._splitters.get((way, stream))
        if splitter is None:
            splitter = self._splitters[way, stream] = LineSplitter(partial(self.output.line, stream))
        splitter.feed(text)


class WorkerProcess(asyncio.SubprocessProtocol):
    """One worker. Made by `start`; `on_change` is called whenever it becomes freer or has ended."""

    def __init__(
        self, number: int, *, generation: int, warden: Warden | None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.number = number
        self.generation = generation
        self.pid = 0
        self.calls = 0
        self.runs: dict[int, Run] = {}
        self.exclusive = False
        self.reserved = False
        self.retiring = False
        self.idle_since = 0.0
        self.idle_check: asyncio.TimerHandle | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.on_request: Callable[[Run, Frame], None] = lambda run, frame: None
        self.silent_since: float | None = None
        self.started_at = asyncio.get_running_loop().time()
        self.memory_limit_bytes: int | None = None
        self._blocked_by: list[int | None] = []
        self._requests = 0
        self._noted = 0
        self._unsent: list[bytes] = []
        self.ended = asyncio.Event()
        self._warden = warden
        self._mark = secrets.token_hex(8)
        self._environ = dict(environ or {}) | {WORKER_MARK: self._mark}
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader = FrameReader()
        self._process: asyncio.SubprocessTransport | None = None
        self._socket: asyncio.Transport | None = None
        self._open = {"socket", "stdout", "stderr"}
        self._token = secrets.token_hex(8)
        self._pipes = {descriptor: self._pipe(stream) for descriptor, stream in _STREAMS.items()}
        self._unattributed = {stream: self._note_splitter(stream) for stream in _STREAMS.values()}
        self._exit_code: int | None = None
        self._killed_for: Run | None = None
        self._complaint: str | None = None

    @classmethod
    async def start(
        cls,
        number: int,
        *,
        python: str,
        generation: int,
        warden: Warden | None,
        environ: Mapping[str, str] | None = None,
    ) -> WorkerProcess:
        """Start a process and wait until it is ready. Raises WorkerLost when it does not get there.

        `environ` comes on top of what plugin code sees of this process's environment.
        """
        worker = cls(number, generation=generation, warden=warden, environ=environ)
        try:
            await worker._spawn(python)
            async with asyncio.timeout(_START_SECONDS):
                await worker._ready
        except (OSError, TimeoutError) as error:
            worker.kill()
            raise WorkerLost(f"could not be started ({str(error) or 'it does not answer'})") from error
        except asyncio.CancelledError:
            worker.kill()
            raise
        return worker

    @property
    def name(self) -> str:
        """For people: the worker's number and the process id."""
        return f"worker {self.number}, pid {self.pid}"

    @property
    def alive(self) -> bool:
        """Whether it can take calls, as far as is known."""
        return self._exit_code is None and "socket" in self._open and not self.retiring

    # -- calls -----------------------------------------------------------------------------------------------------------

    def begin(self, frame: Frame, output: Output) -> Run:
        """Send a call; its `run` and `mark` are filled in."""
        self.calls += 1
        run = Run(self.calls, output, on_end=self._release)
        if self.ended.is_set():  # in the moment between its lending and the call
            run.lose(WorkerLost(self._how()))
            return run
        self.runs[run.number] = run
        self._send({**frame, "run": run.number, "mark": f"\0{self._token}:{run.number}\n"})
        return run

    def ask_to_end(self, run: Run, *, by_signal: bool) -> None:
        """Cancel an async function; for a sync one the signal makes the worker look at the message."""
        self._send({"kind": "cancel", "run": run.number})
        if by_signal:
            # uvloop writes only at the end of its turn, and the signal says nothing without the message.
            asyncio.get_running_loop().call_later(_SIGNAL_AFTER_SECONDS, self._signal_about, run)

    def _signal_about(self, run: Run) -> None:
        if not run.ended and self._exit_code is None:
            self._signal(signal.SIGTERM)

    def answer(self, number: int, error: str | None) -> None:
        """Tell a function that what it asked for is durable, or why not."""
        self._requests -= 1
        self._send({"kind": "kept", "number": number, "error": error})

    # -- is its event loop free? -----------------------------------------------------------------------------------------

    def ping(self) -> None:
        """Ask for a sign of life of its event loop; `silent_since` is set until that comes."""
        if self.silent_since is None:
            self.silent_since = asyncio.get_running_loop().time()
            self._blocked_by.clear()
            self._send({"kind": "ping"})

    @property
    def samples(self) -> int:
        """How often it said where it is since the ping that it does not answer."""
        return len(self._blocked_by)

    def ask_where(self) -> None:
        """Have its main thread say in which run it is, even while that blocks the loop."""
        if self._exit_code is None and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGURG)

    def blocking_run(self, *, samples: int = 1) -> Run | None:
        """The run that was found on the loop each of the last so many times; None when nobody can tell.

        Where the loop has not answered since before the first of them, that run has been on it all the time.
        """
        seen = self._blocked_by[-samples:]
        if len(seen) < samples or len(set(seen)) != 1 or seen[0] is None:
            return None
        return self.runs.get(seen[0])

    def resident_bytes(self) -> int:
        """The memory that the process and those it started hold; 0 where the system does not tell."""
        return 0 if self._exit_code is not None or not self.pid else resident_bytes(self.pid)

    def kill(self, run: Run | None = None, *, complaint: str | None = None) -> None:
        """End the process and all it started at once, because of `run` when its neighbours must know that it was not theirs."""
        if self._exit_code is None and self.pid:
            self._killed_for = self._killed_for or run
            self._complaint = self._complaint or complaint
            self.retiring = True
            # Those that left the group are still below the worker, which adopts orphans; afterwards nobody's.
            started = descendants_of(self.pid)
            self._signal(signal.SIGKILL)
            for pid in started:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    async def retire(self) -> None:
        """Let an idle process end by itself, with its exit handlers; killed when that takes long."""
        self.retiring = True
        if self._socket is not None:
            self._socket.close()
        try:
            async with asyncio.timeout(_RETIRE_SECONDS):
                await self.ended.wait()
        except TimeoutError:
            self.kill()
            await self.ended.wait()

    # -- the process -----------------------------------------------------------------------------------------------------

    async def _spawn(self, python: str) -> None:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            command = plugin_command(python, str(descriptor), str(os.getpid()))
            await loop.subprocess_exec(
                lambda: self,
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=[descriptor],
                env=plugin_environ() | self._environ,
                start_new_session=True,
            )
        if self._warden is not None and self._exit_code is None:
            self._warden.watch(self.pid, mark=f"{WORKER_MARK}={self._mark}")
        ours.setblocking(False)
        connection, _ = await loop.create_unix_connection(lambda: _SocketProtocol(self), sock=ours)
        self._socket = connection

    def _send(self, frame: Frame) -> None:
        """Say something at the end of this turn of the loop, with all else that is said in it."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._write_unsent)
        self._unsent.append(encode_frame(_dump(frame)))

    def _write_unsent(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._socket is not None and not self._socket.is_closing():
            self._socket.write(b"".join(unsent))

    def _signal(self, number: signal.Signals) -> None:
        if not self.pid:
            return  # group 0 would be our own
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    # -- what comes back -------------------------------------------------------------------------------------------------

    def socket_received(self, data: bytes) -> None:
        """Frames from the worker."""
        try:
            for body in self._reader.feed(data):
                self._take(orjson.loads(body))
        except (BrokenFrame, ValueError, KeyError, TypeError, OverflowError) as error:
            self._complaint = f"broke the protocol of its socket ({type(error).__name__}: {error})"
            self.kill()

    def _take(self, frame: Frame) -> None:
        kind, number = frame["kind"], frame.get("run")
        if kind == "ready":
            if not self._ready.done():
                self._ready.set_result(None)
            return
        run = self.runs.get(number) if isinstance(number, int) else None
        if kind == "pong":
            self.silent_since = None
            self._blocked_by.clear()
            self.on_change()
        elif kind == "where":
            self._blocked_by.append(None if run is None or frame["importing"] else run.number)
        elif kind == "once":
            self._request(run, frame)
        elif run is None:
            if number is None and kind in ("text", "log"):
                self._take_unattributed(frame)
        elif kind == "done":
            run.take_done(_checked(frame))
        elif kind == "heard":
            run.heard = True
        else:
            run.take(frame)

    def _request(self, run: Run | None, frame: Frame) -> None:
        self._requests += 1
        key, sound = frame["key"], isinstance(frame["number"], int) and as_json(frame["value"])[2] is None
        if not sound or not isinstance(key, str) or len(key) > MAX_KEY_LENGTH or self._requests > _REQUESTS_AT_ONCE:
            raise ValueError("not a request")
        if run is None:
            self.answer(frame["number"], "its attempt has ended")
        else:
            self.on_request(run, frame)

    def _release(self, run: Run) -> None:
        self.runs.pop(run.number, None)
        self.on_change()

    def _take_unattributed(self, frame: Frame) -> None:
        for line in frame["text"].splitlines():
            self._note(frame.get("stream", "log"), line)

    def _note(self, stream: str, line: str) -> None:
        """Keep in the server's log what belongs to no single run, and say so in the log of each that it may be from."""
        self._noted += 1
        if self._noted > _MAX_NOTED_LINES:
            return
        _log.info("%s wrote to %s outside of any execution: %s", self.name, stream, line)
        if self._noted == _MAX_NOTED_LINES:
            _log.warning("%s: cut here, it has written %d such lines", self.name, self._noted)
        for run in self.runs.values():
            if not run.linked:
                run.linked = True
                where = f"the server's log has them under {self.name!r}"
                run.output.line("log", f"lines were written that may be of several executions; {where}", level="info")

    def _note_splitter(self, stream: Stream) -> LineSplitter:
        return LineSplitter(lambda line: self._note(stream, line))

    def _pipe(self, stream: Stream) -> MarkedBytes:
        return MarkedBytes(
            self._token, emit=lambda text, run: self._take_written(stream, text, run), on_mark=self._take_mark
        )

    def _take_written(self, stream: Stream, text: str, number: int | None) -> None:
        """Output of C code and children: that of the run whose mark follows it, or of the only run; else nobody's."""
        run = None if number is None else self.runs.get(number)
        if run is None and len(self.runs) == 1:
            run = next(iter(self.runs.values()))
        if run is not None:
            run.take_written(stream, text)
        else:
            self._unattributed[stream].feed(text)

    def _take_mark(self, number: int) -> None:
        if (run := self.runs.get(number)) is not None:
            run.take_mark()

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        """Asyncio: output on descriptor 1 or 2 of the process."""
        self._pipes[fd].feed(cast("bytes", data))

    # -- its end ---------------------------------------------------------------------------------------------------------

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Asyncio: nobody holds the other end of this pipe any longer."""
        if fd in _STREAMS:
            self._pipes[fd].finish()
            self._lose(_STREAMS[fd])

    def socket_lost(self) -> None:
        """The worker closed its end, or has died."""
        self._lose("socket")
        if self._exit_code is None and not self.retiring:
            # Without the socket it is of no use; when it is dying already, its own exit code is on the way.
            asyncio.get_running_loop().call_later(_LAST_OUTPUT_SECONDS, self._kill_mute)

    def _kill_mute(self) -> None:
        if self._exit_code is None:
            self._complaint = "closed its socket"
            self.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio: the process runs; the first call of all, so that a process which ends at once is known too."""
        self._process = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._process.get_pid()

    def process_exited(self) -> None:
        """Asyncio: the process itself has ended. What it started may still run and hold the pipes."""
        assert self._process is not None
        self._exit_code = self._process.get_returncode()
        self._signal(signal.SIGKILL)
        if self._warden is not None:
            self._warden.forget(self.pid)
        if self._open:
            asyncio.get_running_loop().call_later(_LAST_OUTPUT_SECONDS, self._bury)
        else:
            self._bury()

    def _lose(self, channel: str) -> None:
        self._open.discard(channel)
        if not self._open and self._exit_code is not None:
            self._bury()

    def _bury(self) -> None:
        """Everything it said has been read: settle what it leaves behind."""
        if self.ended.is_set():
            return
        self.ended.set()
        if self._socket is not None:
            self._socket.close()
        assert self._process is not None
        self._process.close()
        had_neighbours = len(self.runs) > 1 and self._killed_for is None
        for run in tuple(self.runs.values()):
            for_a_neighbour = self._killed_for is not None and self._killed_for is not run
            run.lose(WorkerLost(self._how(), for_a_neighbour=for_a_neighbour, had_neighbours=had_neighbours))
        self.runs.clear()
        if not self._ready.done():
            self._ready.set_exception(WorkerLost(self._how()))
        self.on_change()

    def _how(self) -> str:
        if self._complaint is not None:
            return self._complaint
        return describe_exit(self._exit_code or 0)


class _SocketProtocol(asyncio.Protocol):
    """Passes on what happens on the private socket."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker

    def data_received(self, data: bytes) -> None:
        self._worker.socket_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._worker.socket_lost()


_MEMBERS: Mapping[str, type | tuple[type, ...]] = {
    "success": bool,
    "reason": str,
    "error_message": (str, type(None)),
    "result": object,
    "result_summary": (str, type(None)),
    "permanent": bool,
    "retry_after_seconds": (float, int, type(None)),
    "error_kinds": list,
    "stopped": bool,
    "marked": bool,
    "left_children": bool,
    "spoilt": bool,
}


def _checked(frame: Frame) -> Frame:
    """The verdict, if it is one: a function that found the socket may have written it. Raises ValueError, KeyError."""
    Reason(frame["reason"])
    for name, kinds in _MEMBERS.items():
        if not isinstance(frame[name], kinds):
            raise ValueError("not a verdict")
    for kind in frame["error_kinds"]:
        if not isinstance(kind, str):
            raise ValueError("not a verdict")
    return frame


def _dump(frame: Frame) -> bytes:
    try:
        return orjson.dumps(frame)
    except TypeError:  # integers beyond 64 bits, nesting beyond its limit
        return json.dumps(frame).encode()
