"""The hooks a plugin may implement, all optional, marked with `@hookimpl`.

Observers (`scheduler_startup` and below) get plain dictionaries, may be async, have a time limit, run one after the
other in a process of their own and cannot change what they observe; one that raises harms nobody else.
An implementation may take fewer arguments than listed here. New arguments may be added at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from cronplug.sdk.functions import Function

PROJECT = "cronplug"
hookimpl = pluggy.HookimplMarker(PROJECT)
hookspec = pluggy.HookspecMarker(PROJECT)


class HookSpecs:
    """The specifications themselves."""

    @hookspec
    def scheduler_functions(self) -> Iterable[Function[..., Any]]:  # type: ignore[empty-body]
        """Functions made at run time; module-level `@function` objects are found without it."""

    @hookspec
    def scheduler_startup(self, node: Mapping[str, Any]) -> None:
        """A node is up, before its first claim. `node`: id, version."""

    @hookspec
    def scheduler_shutdown(self, node: Mapping[str, Any]) -> None:
        """A node stops; its running work has ended or was handed back. `node` as in `scheduler_startup`."""

    @hookspec
    def scheduler_before_execution(self, execution: Mapping[str, Any]) -> None:
        """An attempt is about to start. `execution`: facts under the names of the REST API, such as id."""

    @hookspec
    def scheduler_after_execution(self, execution: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """An attempt ended. `outcome`: verdict, reason, message, summary."""


OBSERVERS = ("scheduler_startup", "scheduler_shutdown", "scheduler_before_execution", "scheduler_after_execution")
