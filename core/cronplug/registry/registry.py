"""The functions and plugins as of the last look, as plain data."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cronplug.errors import FieldError
from cronplug.model import FunctionInfo, HookFault, Json, PluginRecord, RetryBackoff
from cronplug.registry.discovery import FoundPlugin, discover
from cronplug.registry.host import AnyFunction, PluginHost
from cronplug.registry.installed import canonical, find_installed, is_name
from cronplug.registry.payloads import check_payload, make_validator, masked_fault
from cronplug.registry.secrets import fill_secrets, has_secrets, mask_secrets, without_secret_defaults
from cronplug.registry.upgrades import NewVersion

_log = logging.getLogger(__name__)

EntryPointName = tuple[str, str, str]
"""(distribution, entry point name, value)."""

_SCHEMAS_KEPT = 5
"""For each function: the newest ones that had secrets. A secret stays one when a later version forgets its field."""


_ALL_SECRET: Mapping[str, Json] = {"additionalProperties": {"writeOnly": True}}


@dataclass(slots=True)
class _View:
    """One consistent look at what is installed; replaced as a whole."""

    functions: dict[str, FunctionInfo] = field(default_factory=dict)
    entry_points: dict[str, EntryPointName] = field(default_factory=dict)
    validators: dict[str, Any] = field(default_factory=dict)
    plugins: list[PluginRecord] = field(default_factory=list)
    observers: dict[str, list[EntryPointName]] = field(default_factory=dict)
    code: dict[str, Any] = field(default_factory=dict)

    def describes_the_same(self, other: _View) -> bool:
        """Whether workers may go on with the code they have."""
        mine = [(p.name, p.version, p.status, p.functions, p.hooks, p.entry_points) for p in self.plugins]
        theirs = [(p.name, p.version, p.status, p.functions, p.hooks, p.entry_points) for p in other.plugins]
        return mine == theirs and self.functions == other.functions and self.code == other.code


class Registry:
    """What is installed and what it offers. Empty until the first `rescan`.

    `blocked` plugins are listed but never imported; functions of `trusted` distributions may run inline. Both hold
    canonical distribution names. Reading never waits and never runs plugin code.
    """

    def __init__(
        self,
        *,
        blocked: Collection[str] = frozenset(),
        trusted: Collection[str] = frozenset(),
        python: str = sys.executable,
        import_deadline_seconds: float = 20.0,
    ) -> None:
        self._blocked = frozenset(canonical(name) for name in blocked)
        self._trusted = frozenset(canonical(name) for name in trusted)
        self._python = python
        self._import_deadline_seconds = import_deadline_seconds
        self._view = _View()
        self._generation = 0
        self._inline = _InlineFunctions()
        self._looking = asyncio.Lock()
        self._looks_begun = 0
        self._last_look = 0
        self._hook_faults: dict[str, dict[str, HookFault]] = {}
        self._secret_schemas: dict[str, list[Mapping[str, Json]]] = {}
        self.around_change: Callable[[int], AbstractAsyncContextManager[object]] = nullcontext
        """Entered with the coming generation before it becomes the present one, and left afterwards."""

    @property
    def generation(self) -> int:
        """Rises when a rescan finds something changed; workers of an older generation are replaced."""
        return self._generation

    async def rescan(self) -> list[PluginRecord]:
        """Look again at what is installed. Never fails for what a plugin does.

        Any number may be called side by side: they look one after the other, and share a look that began after all of
        them were called. Raises PluginsUnreadable, and keeps the last view, when the environment's Python cannot list plugins
        at all.
        """
        wanted = self._looks_begun + 1
        async with self._looking:
            if self._last_look < wanted:
                self._looks_begun += 1
                look = self._looks_begun
                found = await discover(
                    python=self._python, skip=self._blocked, deadline_seconds=self._import_deadline_seconds
                )
                await self._take(found)
                self._last_look = look
        return self.plugins()

    async def _take(self, found: list[FoundPlugin]) -> None:
        """Make what was found the present view."""
        view = _View()
        for plugin in found:
            self._admit(plugin, view)
        if view.describes_the_same(self._view):
            self._install(view)
        else:
            async with self.around_change(self._generation + 1):
                self._generation += 1
                self._install(view)

    def _install(self, view: _View) -> None:
        old, self._view = self._view, view
        unchanged = {(p.name, p.version) for p in old.plugins if old.code.get(p.name) == view.code.get(p.name)}
        self._hook_faults = {
            record.name: self._hook_faults.get(record.name, {})
            for record in view.plugins
            if (record.name, record.version) in unchanged
        }
        for function in view.functions.values():
            self._learn_secrets(function.name, function.payload_schema)
        for record in view.plugins:
            if record.status == "broken":
                cause = (record.error or "").splitlines()[-1:]
                _log.warning(
                    "plugin %s %s is broken: %s (its record has it all: `cronplug plugins`)",
                    *(record.name, record.version, "".join(cause)),
                )

    async def look_at(self, distribution: str) -> NewVersion | None:
        """What the next rescan would find of one plugin; None when it is not installed. Changes nothing.

        Raises PluginsUnreadable as `rescan` does.
        """
        if not is_name(distribution):
            return None
        found = await discover(
            python=self._python,
            skip=self._blocked,
            deadline_seconds=self._import_deadline_seconds,
            only=canonical(distribution),
        )
        for plugin in found:
            others = {name: f for name, f in self._view.functions.items() if f.plugin != plugin.name}
            view = _View(functions=others)
            self._admit(plugin, view, imports=False)
            [record] = view.plugins
            return NewVersion(
                name=plugin.name,
                version=plugin.version,
                error="It is blocked by SCHEDULER_PLUGINS_BLOCK." if record.status == "disabled" else record.error,
                schemas={name: view.functions[name].payload_schema for name in record.functions},
                warnings=record.warnings,
            )
        return None

    def functions(self) -> list[FunctionInfo]:
        """Every function that can be called, sorted by name."""
        return list(self._view.functions.values())

    def function(self, name: str) -> FunctionInfo | None:
        """The function called `name`, None when no working plugin has it."""
        return self._view.functions.get(name)

    def plugins(self) -> list[PluginRecord]:
        """One record for each installed plugin, sorted by name, broken and blocked ones too."""
        return [
            replace(record, hook_faults=tuple(faults.values()))
            if (faults := self._hook_faults.get(record.name))
            else record
            for record in self._view.plugins
        ]

    def note_hook_fault(self, distribution: str, hook: str, message: str, *, at: datetime) -> None:
        """Keep what an observing hook did wrong beside its plugin, until its code changes."""
        faults = self._hook_faults.setdefault(distribution, {})
        count = faults[hook].count + 1 if hook in faults else 1
        faults[hook] = HookFault(hook=hook, at=at, message=message, count=count)

    def entry_point_of(self, name: str) -> EntryPointName:
        """Where a worker finds the function; raises KeyError for an unknown one."""
        return self._view.entry_points[name]

    def observers(self) -> dict[str, list[EntryPointName]]:
        """For each observing hook that has any: the entry points of the plugins that implement it, sorted by plugin."""
        return self._view.observers

    def inline(self, name: str) -> AnyFunction:
        """The trusted inline function called `name`, imported into this process; raises KeyError for any other."""
        if self._view.functions[name].isolation != "inline":
            raise KeyError(name)
        return self._inline.functions[name]

    def validate_payload(self, name: str, payload: Mapping[str, Json]) -> list[FieldError]:
        """The faults of a payload, [] when it fits; raises KeyError for an unknown function."""
        validator = self._view.validators.get(name)
        if validator is None:
            validator = self._view.validators[name] = make_validator(self._view.functions[name].payload_schema)
        return check_payload(validator, payload)

    def has_secrets(self, name: str) -> bool:
        """Whether payloads of a function have, or had, secret parts; perhaps, of one that nobody here knows."""
        return bool(self._secret_schemas_of(name))

    def mask_payload(self, name: str, payload: Mapping[str, Json]) -> dict[str, Json]:
        """The payload of a function, missing ones too, as it may be shown: a mask for each secret."""
        return mask_secrets(payload, self._secret_schemas_of(name))

    def fill_payload(
        self, name: str, payload: Mapping[str, Json], stored: Mapping[str, Json] | None
    ) -> tuple[dict[str, Json], list[FieldError]]:
        """The payload with the stored secrets in the place of masks, and a fault for each mask of nothing stored."""
        filled, unknown = fill_secrets(payload, stored, self._secret_schemas_of(name))
        return filled, [masked_fault(path) for path in unknown]

    def secret_schemas(self) -> dict[str, list[Mapping[str, Json]]]:
        """The schemas, oldest first, by which payloads have, or had, secrets, for every function that was ever known.

        To be kept over restarts, and shared with other nodes.
        """
        return {name: list(schemas) for name, schemas in self._secret_schemas.items()}

    def remember_secrets(self, schemas: Mapping[str, Sequence[Mapping[str, Json]]]) -> None:
        """Learn which parts of payloads were secret before this process began, also of functions that are gone."""
        for name, older in schemas.items():
            newer = self._secret_schemas.get(name, [])
            kept = [*(schema for schema in older if has_secrets(schema) and schema not in newer), *newer]
            self._secret_schemas[name] = kept[-_SCHEMAS_KEPT:]

    def _secret_schemas_of(self, name: str) -> Sequence[Mapping[str, Json]]:
        """All of a payload may be secret when neither this node nor what it was told has ever known the function."""
        if name in self._secret_schemas or self.function(name) is not None:
            return self._secret_schemas.get(name, ())
        return (_ALL_SECRET,)

    def _learn_secrets(self, name: str, schema: Mapping[str, Json]) -> None:
        kept = self._secret_schemas.setdefault(name, [])
        if has_secrets(schema):
            self._secret_schemas[name] = [*(other for other in kept if other != schema), schema][-_SCHEMAS_KEPT:]

    def _admit(self, plugin: FoundPlugin, view: _View, *, imports: bool = True) -> None:
        """Add one plugin's functions and record to the view; `imports`: load what runs inline into this process."""
        told = plugin.description
        if told is None or told["error"]:
            blocked = canonical(plugin.name) in self._blocked
            error = None if blocked else plugin.failure or (told["error"] if told else "It was not imported.")
            view.plugins.append(_record(plugin, status="disabled" if blocked else "broken", error=error))
            return
        warnings: list[str] = list(told["warnings"])
        functions = self._admit_functions(plugin, told, view, warnings, imports=imports)
        refused = told["functions"] and not functions and not told["hooks"]
        view.code[plugin.name] = told["code"]
        for hook in told["hooks"]:
            points = [(plugin.name, *_split(point)) for point in plugin.entry_points]
            view.observers.setdefault(hook, []).extend(points)
        view.plugins.append(
            _record(
                plugin,
                status="broken" if refused else "ok",
                error="None of its functions can be used: " + " ".join(warnings) if refused else None,
                functions=tuple(sorted(functions)),
                warnings=tuple(warnings),
            )
        )

    def _admit_functions(
        self, plugin: FoundPlugin, told: Mapping[str, Any], view: _View, warnings: list[str], *, imports: bool
    ) -> list[str]:
        inline = self._load_inline(plugin, told, warnings) if imports else set()
        admitted = []
        for line in sorted(told["functions"], key=lambda line: str(line["name"])):
            name = line["name"]
            if (taken := view.functions.get(name)) is not None:
                warnings.append(f"The function {name} is refused: {taken.plugin} already provides that name.")
                continue
            if line["isolation"] == "inline" and canonical(plugin.name) not in self._trusted:
                warnings.append(
                    f"The function {name} asks for isolation='inline' and runs in a worker:"
                    f" {plugin.name} is not in SCHEDULER_PLUGINS_TRUSTED."
                )
            view.functions[name] = _function_info(plugin, line, inline=name in inline)
            view.entry_points[name] = (line["entry_point"][0], line["entry_point"][1], line["entry_point"][2])
            admitted.append(name)
        view.functions = dict(sorted(view.functions.items()))
        return admitted

    def _load_inline(self, plugin: FoundPlugin, told: Mapping[str, Any], warnings: list[str]) -> set[str]:
        """Import a trusted plugin here when it has functions that ask for it; returns those that run inline."""
        asking = {line["name"] for line in told["functions"] if line["isolation"] == "inline"}
        if not asking or canonical(plugin.name) not in self._trusted:
            return set()
        warnings += self._inline.load(plugin.name, told["code"])
        return asking & self._inline.functions.keys()


class _InlineFunctions:
    """The trusted plugins imported into the core. Their code stays as it was first imported, until a restart."""

    def __init__(self) -> None:
        self.functions: dict[str, AnyFunction] = {}
        self._host = PluginHost()
        self._loaded: dict[str, tuple[Any, list[str]]] = {}

    def load(self, distribution: str, code: Any) -> list[str]:
        """Import once; returns warnings. Where to import from is looked up here, not taken from the manifest."""
        if distribution in self._loaded:
            loaded_code, warnings = self._loaded[distribution]
            if loaded_code == code:
                return warnings
            return [*warnings, "Its code has changed; inline functions keep the old code until cronplug restarts."]
        installed = next((plugin for plugin in find_installed() if plugin.name == distribution), None)
        if installed is None:
            return ["Its inline functions run in workers: the server's own environment does not have it."]
        loaded = self._host.load(distribution, installed.entry_points)
        if loaded.error is not None:
            _log.error("trusted plugin %s cannot be imported inline: %s", distribution, loaded.error)
            return ["Its inline functions run in workers: it cannot be imported into the server."]
        self.functions.update(
            {name: function for name, function in loaded.functions.items() if function.isolation == "inline"}
        )
        self._loaded[distribution] = (code, [])
        return []


def _function_info(plugin: FoundPlugin, line: Mapping[str, Any], *, inline: bool) -> FunctionInfo:
    return FunctionInfo(
        name=line["name"],
        plugin=plugin.name,
        version=plugin.version,
        title=line["title"],
        description=line["description"],
        payload_schema=without_secret_defaults(line["payload_schema"]),
        is_async=line["is_async"],
        isolation="inline" if inline else "worker",
        timeout_seconds=line["timeout_seconds"],
        max_retries=line["max_retries"],
        memory_mb=line["memory_mb"],
        idempotent=line["idempotent"],
        tags=tuple(line["tags"]),
        retry_delay_seconds=line["retry_delay_seconds"],
        retry_backoff=RetryBackoff(line["retry_backoff"]) if line["retry_backoff"] else None,
        retry_max_delay_seconds=line["retry_max_delay_seconds"],
        retry_jitter_percent=line["retry_jitter_percent"],
        retry_on=tuple(line["retry_on"]),
        no_retry_on=tuple(line["no_retry_on"]),
    )


def _record(
    plugin: FoundPlugin,
    *,
    status: Any,
    error: str | None,
    functions: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> PluginRecord:
    told = plugin.description or {}
    return PluginRecord(
        name=plugin.name,
        version=plugin.version,
        status=status,
        error=error,
        functions=functions,
        warnings=warnings,
        hooks=tuple(told.get("hooks", ())),
        entry_points=plugin.entry_points,
        import_seconds=float(told.get("import_seconds", 0.0)),
    )


def _split(entry_point: str) -> tuple[str, str]:
    name, _, value = entry_point.partition(" = ")
    return name, value
