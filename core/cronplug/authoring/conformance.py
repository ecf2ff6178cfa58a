"""Does a plugin keep the contract? One report of everything that can be found out about it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cronplug.authoring.described import judge_function, judge_import, tell_faults
from cronplug.authoring.probe import IMPORT_DEADLINE_SECONDS, Probe, probe_plugin
from cronplug.authoring.targets import Target, find_target
from cronplug.authoring.trials import try_functions
from cronplug.authoring.verdicts import Finding, Report
from cronplug.authoring.workers import GRACE_SECONDS
from cronplug.errors import PluginError
from cronplug.model import Json
from cronplug.registry.payloads import check_payload, make_validator


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which functions are run. None without `function`, `payload` or `every`: running one may do anything.

    `payload` None means the one made from defaults and examples.
    """

    function: str | None = None
    payload: Mapping[str, Json] | None = None
    every: bool = False
    timeout_seconds: float = 30.0
    grace_seconds: float = GRACE_SECONDS
    import_deadline_seconds: float = IMPORT_DEADLINE_SECONDS


def check_plugin(text: str, wanted: Wanted) -> Report:
    """Check the installed distribution, or the folder, that `text` names.

    Raises PluginError when there is no such plugin, or it has not the function that is wanted.
    """
    target = find_target(text)
    probe = probe_plugin(target, deadline_seconds=wanted.import_deadline_seconds)
    findings = list(judge_import(target, probe))
    lines = {line["name"]: line for line in probe.told.get("functions", ())}
    if lines:
        tried = _try(target, {name: lines[name] for name in _choose(lines, wanted)}, probe, wanted)
        for name, line in sorted(lines.items()):
            findings += judge_function(line, probe.told["examples"].get(name))
            findings += tried.get(name) or [_untried(name)]
    return Report(plugin=target.plugin.name, version=target.plugin.version, findings=tuple(findings))


def _choose(lines: Mapping[str, Any], wanted: Wanted) -> list[str]:
    if wanted.function is not None:
        if wanted.function not in lines:
            raise PluginError(f"The plugin has no function {wanted.function!r}; it has {', '.join(sorted(lines))}.")
        return [wanted.function]
    if wanted.payload is not None:
        if len(lines) > 1:
            raise PluginError(f"Say which function the payload is for: --function {' or '.join(sorted(lines))}.")
        return list(lines)
    return sorted(lines) if wanted.every else []


def _untried(name: str) -> Finding:
    message = "Not run. Name it with --function, or run all with --all; give --payload to choose what with."
    return Finding(check="run", verdict="skip", function=name, message=message)


def _try(target: Target, lines: Mapping[str, Any], probe: Probe, wanted: Wanted) -> dict[str, list[Finding]]:
    """Findings by name of function; what cannot be run is told as well."""
    findings: dict[str, list[Finding]] = {}
    chosen: dict[str, tuple[Mapping[str, Any], Mapping[str, Json]]] = {}
    for name, line in lines.items():
        payload = _payload_for(line, probe.told["examples"].get(name), wanted)
        if isinstance(payload, Finding):
            findings[name] = [payload]
        else:
            chosen[name] = (line, payload)
    if chosen:
        trials = try_functions(
            target, chosen, timeout_seconds=wanted.timeout_seconds, grace_seconds=wanted.grace_seconds
        )
        findings.update(asyncio.run(trials))
    return findings


def _payload_for(
    line: Mapping[str, Any], example: Mapping[str, Any] | None, wanted: Wanted
) -> Mapping[str, Json] | Finding:
    """What to run the function with, or why it is not run."""
    name, payload = line["name"], wanted.payload
    if line["isolation"] == "inline":
        message = "Not run: it asks for isolation='inline', which works in a server that trusts it."
        return Finding(check="run", verdict="skip", function=name, message=message)
    if payload is None:
        if example is None or example["missing"] or example["error"]:
            message = "Not run: its defaults and examples make no payload. Give --function and --payload."
            return Finding(check="run", verdict="skip", function=name, message=message)
        made: Mapping[str, Json] = example["payload"]
        return made
    if faults := check_payload(make_validator(line["payload_schema"]), payload):
        message = f"The payload given does not fit: {tell_faults(faults)}"
        return Finding(check="run", verdict="fail", function=name, message=message)
    return payload
