"""The warden: ends what functions started when their worker has ended, and all of it when the core is gone.

Run by path, standard library only. Standard input says `+PGID MARK` for a new worker and `-PGID` for one that has
ended, a line each; its end means that the core has died, even by `kill -9`, or closed, and whatever is still named then
is killed. A worker's parent-death signal cannot do this: it does not reach the processes that functions started.

A process that has left its worker's group (`setsid`, a daemon) is known by MARK, `NAME=value` in the environment that it
inherited, where there is a /proc to read that from. One that leaves the group and clears its environment too is lost sight of.
"""

import os
import signal
import time

_READ_BYTES = 65536
_ROUNDS = 20
_BETWEEN_ROUNDS_SECONDS = 0.005
_PROC = "/proc"


def main() -> None:
    """Follow standard input to its end, then kill."""
    watched: dict[int, bytes] = {}
    unread = b""
    while data := os.read(0, _READ_BYTES):
        *lines, unread = (unread + data).split(b"\n")
        ended = set()
        for line in lines:
            group, _, mark = line[1:].partition(b" ")
            if line.startswith(b"+"):
                watched[int(group)] = mark
            else:
                ended.add(watched.pop(int(group), b""))
        _kill_marked(ended - {b""})
    for worker in watched:
        try:
            os.killpg(worker, signal.SIGKILL)
        except ProcessLookupError:
            pass
    _kill_marked(set(watched.values()))


def _kill_marked(marks: set[bytes]) -> None:
    """Kill every process with one of the marks, in rounds: one that forks meanwhile has its children in the next."""
    for _ in range(_ROUNDS if marks else 0):
        marked = [pid for pid in _processes() if not marks.isdisjoint(_environ_of(pid))]
        if not marked:
            return
        for pid in marked:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(_BETWEEN_ROUNDS_SECONDS)


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except FileNotFoundError:
        return []


def _environ_of(pid: int) -> list[bytes]:
    """What its environment began with; nothing for one that has ended or is another user's."""
    try:
        with open(f"{_PROC}/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


if __name__ == "__main__":
    main()
