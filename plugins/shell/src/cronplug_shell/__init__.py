"""Programs of the server's machine as a function.

`shell.run` is a sync function, so it has a worker process to itself. The program it starts stays in that worker's
process group and writes to that worker's own descriptors: its output is live and exactly this execution's, a time limit
reaches it as SIGTERM, and whatever is left of it dies with the group.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cronplug import Context, PermanentError, function

SETTING = "SCHEDULER_SHELL_ALLOW"

KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME")
"""What a program gets of the server's environment; nothing else, so no secret of the server."""

# Loaders and interpreters run code that these name before the program's own, which would get round the list of programs.
_STARTS_CODE = re.compile(
    r"LD_.*|DYLD_.*|GCONV_PATH|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|IFS|PATH"
    r"|PYTHON.*|PERL5?.*|RUBY.*|NODE_.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|GIT_.*|LESSOPEN|PAGER|EDITOR|VISUAL"
)

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
ExitCode = Annotated[int, Field(ge=0, le=255)]


class Command(BaseModel):
    """What to run. There is no shell in between: no quoting, no globbing, no pipes."""

    model_config = ConfigDict(extra="forbid")

    command: list[str] = Field(
        min_length=1,
        max_length=1000,
        description="The program's absolute path, then its arguments, each a text of its own",
        examples=[["/usr/bin/rsync", "-a", "/data/", "backup:/data/"]],
    )
    cwd: str | None = Field(
        None, pattern="^/", max_length=4096, description="Folder to run in; the server's own when there is none"
    )
    env: dict[Name, str] = Field(
        default_factory=dict,
        description="Variables for the program, beside PATH, HOME, the language and the time zone of the server",
    )
    stdin: str | None = Field(None, max_length=1_000_000, description="Text for its standard input; else that is empty")
    successCodes: list[ExitCode] = Field(
        default_factory=lambda: [0], min_length=1, max_length=256, description="Exit codes that mean success"
    )


@function("shell.run", timeout=300, title="Run a program", tags=["shell"])
def run(payload: Command, ctx: Context) -> dict[str, Any]:
    """Run a program with an argument list. Off unless SCHEDULER_SHELL_ALLOW of the server names the program."""
    check_allowed(payload)
    ctx.log.info("%s", shlex.join(payload.command))
    started = time.monotonic()
    with _standard_input(payload.stdin) as stdin:
        code = _wait(_start(payload, stdin))
    seconds = time.monotonic() - started
    message = f"{Path(payload.command[0]).name} {_describe(code)} after {seconds:.1f} s"
    return {
        "success": code in payload.successCodes,
        "message": message,
        "exitCode": code,
        "seconds": round(seconds, 3),
    }


def check_allowed(payload: Command) -> None:
    """Raise PermanentError, which names the setting, unless the server lets this program run like this."""
    program = payload.command[0]
    allowed = [one.strip() for one in os.environ.get(SETTING, "").split(",") if one.strip()]
    if "*" in allowed:
        return
    if not allowed:
        raise PermanentError(
            f"shell.run is off on this server: {SETTING} is empty. Name the programs it may start there"
            f" (such as {SETTING}=/usr/bin/rsync), or * for all."
        )
    if program not in allowed:
        raise PermanentError(f"{program!r} may not be started: {SETTING} names {', '.join(allowed)}.")
    refused = sorted(name for name in payload.env if _STARTS_CODE.fullmatch(name.upper()))
    if refused:
        raise PermanentError(
            f"The variable {refused[0]} can make a program run other code, so it may be set only with {SETTING}=*."
        )


def environment(payload: Command) -> dict[str, str]:
    """The environment of the program."""
    return {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ} | payload.env


@contextmanager
def _standard_input(text: str | None) -> Iterator[int | IO[bytes]]:
    """What the program reads. A file, not a pipe: a program that does not read must not make us wait."""
    if text is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(text.encode(errors="replace"))
        file.seek(0)
        yield file


def _start(payload: Command, stdin: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """The program, started with the worker's own output. Raises PermanentError when it cannot be."""
    try:
        return subprocess.Popen(payload.command, cwd=payload.cwd, env=environment(payload), stdin=stdin)
    except (OSError, ValueError) as error:  # ValueError: a NUL character
        missing = payload.cwd if payload.cwd is not None and not Path(payload.cwd).is_dir() else payload.command[0]
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise PermanentError(f"{missing}: {reason}") from error


def _wait(program: subprocess.Popen[bytes]) -> int:
    """The exit code, negative for a signal. When this call is interrupted, the program has ended before it raises.

    At a time limit or a cancel the whole group has got SIGTERM, the program too, and gets SIGKILL after the grace; here
    is nothing to do but wait for one of them.
    """
    try:
        return program.wait()
    except BaseException:
        program.wait()
        raise


def _describe(code: int) -> str:
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
