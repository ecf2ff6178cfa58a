"""`python -m cronplug.worker --manifest [SKIP ...]` or `python -m cronplug.worker SOCKET PARENT`."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Become what the arguments say; does not return."""
    if arguments[:1] == ["--manifest"]:
        from cronplug.worker.listing import list_plugins

        list_plugins(skip=frozenset(arguments[1:]))
    else:
        from cronplug.worker.process import serve

        serve(descriptor=int(arguments[0]), parent=int(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
