"""The warden: ends the workers' process groups when the core is gone, even by `kill -9`.

Run by path, standard library only. Standard input says `+PGID` and `-PGID`, a line each; its end means that the core
has died or closed, and whatever group is still named then is killed. A worker's parent-death signal cannot do this:
it does not reach the processes that functions started.
"""

import os
import signal
import sys


def main() -> None:
    """Follow standard input to its end, then kill."""
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass


if __name__ == "__main__":
    main()
