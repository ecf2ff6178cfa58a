"""Loads plugins one by one over pluggy, so that a bad one is an error text and never takes another with it."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import traceback
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pluggy

from cronplug.errors import PluginError
from cronplug.registry.installed import GROUP
from cronplug.sdk.functions import Function
from cronplug.sdk.hooks import OBSERVERS, PROJECT, HookSpecs

AnyFunction = Function[..., Any]
_MAX_ERROR_LENGTH = 8_000
_PACKAGE = str(Path(__file__).parents[1]) + "/"
_IMPORTLIB = frozenset({str(importlib.__file__), str(importlib.metadata.__file__)})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """What the entry points of one distribution gave. `error` is a traceback; then nothing of it is registered."""

    functions: Mapping[str, AnyFunction]
    hooks: tuple[str, ...]
    warnings: tuple[str, ...]
    error: str | None = None


class PluginHost:
    """Imports plugins into this process and keeps their hook implementations.

    Lives in workers and in the manifest's subprocess; in the core for trusted distributions only.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(HookSpecs)

    def load(self, distribution: str, entry_points: Iterable[EntryPoint]) -> LoadedPlugin:
        """Import the entry points of a distribution. Never raises for what the plugin does, `sys.exit` included."""
        functions: dict[str, AnyFunction] = {}
        warnings: list[str] = []
        hooks: list[str] = []
        keys: list[str] = []
        try:
            for point in entry_points:
                keys.append(f"{distribution}:{point.name}")
                target = _load_target(point)
                self._register(keys[-1], target, warnings, hooks)
                for function in [*_collect(target), *self._made_at_run_time(target)]:
                    _add(functions, function, warnings)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - round a plugin's import: its record tells the error
            for key in filter(self._manager.has_plugin, keys):
                self._manager.unregister(name=key)
            return LoadedPlugin(functions={}, hooks=(), warnings=tuple(warnings), error=_explain(error))
        return LoadedPlugin(functions=functions, hooks=tuple(dict.fromkeys(hooks)), warnings=tuple(warnings))

    def load_function(self, name: str, *, distribution: str, entry_point: str, value: str) -> AnyFunction:
        """Import one entry point and give the function `name` of it; raises PluginError with what went wrong."""
        key = f"{distribution}:{entry_point}"
        if self._manager.has_plugin(key):
            self._manager.unregister(name=key)
        loaded = self.load(distribution, [EntryPoint(entry_point, value, GROUP)])
        if loaded.error is not None:
            raise PluginError(f"The plugin {distribution} cannot be imported.\n{loaded.error}")
        if name not in loaded.functions:
            raise PluginError(f"The plugin {distribution} has no function {name} any more.")
        return loaded.functions[name]

    def observers(self, hook: str) -> list[tuple[str, Any, tuple[str, ...]]]:
        """The implementations of an observing hook, in order of loading: (plugin key, callable, argument names)."""
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return [(impl.plugin_name, impl.function, tuple(impl.argnames)) for impl in implementations]

    def _register(self, key: str, target: object, warnings: list[str], hooks: list[str]) -> None:
        """Register the hook implementations of `target`, if it can have any; adds to `warnings` and `hooks`."""
        if isinstance(target, Function | list | tuple | set | frozenset) or self._manager.is_registered(target):
            return
        self._manager.register(target, name=key)
        for caller in self._manager.get_hookcallers(target) or ():
            if caller.name in OBSERVERS:
                hooks.append(caller.name)
            elif not caller.has_spec():
                warnings.append(f"The hook {caller.name} is unknown to this version of cronplug and is not called.")

    def _made_at_run_time(self, target: object) -> list[object]:
        """What the plugin's own `scheduler_functions` gives."""
        made: list[object] = []
        for implementation in self._manager.hook.scheduler_functions.get_hookimpls():
            if implementation.plugin is target:
                given: Any = implementation.function()
                made += list(given or ())
        return made


def _load_target(point: EntryPoint) -> object:
    target = point.load()
    return target() if inspect.isclass(target) else target


def _collect(target: object) -> list[object]:
    """The functions an entry point names: itself, its items, or the `@function` objects among its attributes."""
    if isinstance(target, Function):
        return [target]
    if isinstance(target, types.ModuleType):
        return [value for value in vars(target).values() if isinstance(value, Function)]
    if isinstance(target, Iterable):
        return list(target)
    attributes = (getattr(target, name, None) for name in dir(target) if not name.startswith("__"))
    return [value for value in attributes if isinstance(value, Function)]


def _add(functions: dict[str, AnyFunction], function: object, warnings: list[str]) -> None:
    if not isinstance(function, Function):
        warnings.append(f"{type(function).__name__} is not a function made with @function and is left out.")
        return
    known = functions.setdefault(function.name, function)
    if known is not function:
        warnings.append(f"The function {function.name} is defined twice in this plugin; the first one counts.")


def _explain(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"SystemExit: the plugin called sys.exit({error.code!r}) while it was imported"
    trace = error.__traceback__
    while trace is not None and _leads_to_plugin(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace, limit=-20))
    return text[-_MAX_ERROR_LENGTH:].rstrip()


def _leads_to_plugin(file: str) -> bool:
    """Whether a frame of that file says only how the plugin came to be imported."""
    return file.startswith((_PACKAGE, "<frozen importlib")) or file in _IMPORTLIB
