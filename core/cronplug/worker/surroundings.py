"""What a plain function may change of the process that it shares with the next one: put back, or told, at its end."""

from __future__ import annotations

import locale
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HANDLED = (signal.SIGTERM, signal.SIGURG, signal.SIGALRM, signal.SIGCHLD)
_UNKNOWN = -1
"""In place of process ids where the system does not tell them; for `waitpid` it is any child."""
_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Left:
    """What stays of a function although it has ended. `spoils` says why no other function should come into the worker."""

    processes: bool = False
    spoils: str | None = None


_NOTHING = Left()
Handlers = tuple[Any, ...]


def signal_handlers() -> Handlers:
    """Those that a worker and its functions use, for `Surroundings`."""
    return tuple(map(signal.getsignal, _HANDLED))


class Surroundings:
    """The state of the process before a plain function runs: taken just before the call, put back just after it.

    The environment, working directory, umask, locale and root logger are as before then, signal handlers those that
    the worker began with, and no timer runs. Both together take some 15 us when nothing was changed.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._environ = _environ().copy()
        self._folder = _folder()
        self._umask = _umask()
        self._locale = locale.setlocale(locale.LC_ALL)
        root = logging.getLogger()
        self._handling = root.handlers[:]
        self._level = root.level
        self._disabled = root.manager.disable
        self._threads = threading.enumerate()
        self._children = _children()

    def put_back(self) -> Left:
        """Make it all as it was. Daemon threads may go on: they are made for the life of the process."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        if signal_handlers() != self._handlers:
            for number, handler in zip(_HANDLED, self._handlers, strict=True):
                signal.signal(number, handler)
        if _environ() != self._environ:
            self._put_environ_back()
        if _umask() != self._umask:
            os.umask(self._umask)
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        self._put_logging_back()
        spoils = self._put_folder_back() or self._new_threads()
        processes = self._has_new_children()
        return Left(processes, spoils) if processes or spoils else _NOTHING

    def _put_environ_back(self) -> None:
        for name in _environ().keys() - self._environ.keys():
            del os.environb[name]
        for name, value in self._environ.items():
            if os.environb.get(name) != value:
                os.environb[name] = value

    def _put_logging_back(self) -> None:
        root = logging.getLogger()
        if root.handlers != self._handling:
            root.handlers[:] = self._handling
        if root.level != self._level:
            root.setLevel(self._level)
        if root.manager.disable != self._disabled:
            logging.disable(self._disabled)

    def _put_folder_back(self) -> str | None:
        if self._folder is None or _folder() == self._folder:
            return None
        try:
            os.chdir(self._folder)
        except OSError as error:
            return f"the function left the working directory, which cannot be gone back to ({error.strerror})"
        return None

    def _new_threads(self) -> str | None:
        threads = threading.enumerate()
        if threads == self._threads:
            return None
        names = [thread.name for thread in threads if thread not in self._threads and not thread.daemon]
        if not names:
            return None
        shown = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
        return f"the function left threads running ({shown}); they end with its worker, which is replaced"

    def _has_new_children(self) -> bool:
        """Whether it left processes that are alive; those that have ended are forgotten on the way."""
        children = _children()
        if children == self._children:
            return False
        alive = False
        for pid in children - self._children - {_tracker()}:
            try:
                alive = os.waitpid(pid, os.WNOHANG) == (0, 0) or alive
            except ChildProcessError:
                pass  # it was waited for meanwhile
        return alive


def _environ() -> dict[bytes, bytes]:
    """The dict within `os.environ`: to compare that itself takes ten times as long."""
    data: dict[bytes, bytes] = vars(os.environ)["_data"]
    return data


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _children() -> frozenset[int]:
    """The processes that this one started, alive or not waited for; on Linux orphans of those too."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return frozenset()
    found: list[int] = []
    for file in Path("/proc/self/task").glob("*/children"):
        try:
            found += map(int, file.read_bytes().split())
        except OSError:
            continue  # the thread has just ended
    return frozenset(found or [_UNKNOWN])


def _tracker() -> int | None:
    """The process that `multiprocessing` keeps for itself to clean up after this one; no function's doing."""
    module: Any = sys.modules.get("multiprocessing.resource_tracker")
    return getattr(getattr(module, "_resource_tracker", None), "_pid", None)
