"""The warden: ends what functions started when their worker has ended, and all of it when the core is gone.

Run by path, standard library only. Standard input says `+PGID MARK` for a new worker and `-PGID` for one that has
ended, a line each; its end means that the core has died, even by `kill -9`, or closed, and whatever is still named then
is killed. A worker's parent-death signal cannot do this: it does not reach the processes that functions started.

A process that has left its worker's group (`setsid`, a daemon) is known by MARK, `NAME=value` in the environment that it
inherited, where there is a /proc to read that from. One that leaves the group and clears its environment too is lost sight of.
"""

import os
import runpy
import signal
from collections.abc import Callable, Collection

_READ_BYTES = 65536
_PROCESSES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "sdk", "processes.py")

kill_marked: Callable[[Collection[bytes]], None] = runpy.run_path(_PROCESSES)["kill_marked"]
"""By path: an import would need the packages that cronplug itself does."""


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
        kill_marked(ended - {b""})
    for worker in watched:
        try:
            os.killpg(worker, signal.SIGKILL)
        except ProcessLookupError:
            pass
    kill_marked(set(watched.values()))


if __name__ == "__main__":
    main()
