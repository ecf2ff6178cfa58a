"""`python -m cronplug.worker --manifest PARENT [--only=NAME] [SKIP ...]` or `python -m cronplug.worker SOCKET PARENT`."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Become what the arguments say; does not return."""
    if arguments[:1] == ["--manifest"]:
        from cronplug.worker.listing import list_plugins

        parent, *arguments = arguments[1:]
        only = [argument.removeprefix("--only=") for argument in arguments if argument.startswith("--only=")]
        list_plugins(parent=int(parent), skip=frozenset(arguments), only=only[0] if only else None)
    else:
        from cronplug.worker.process import serve

        serve(descriptor=int(arguments[0]), parent=int(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
