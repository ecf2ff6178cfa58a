"""Judges what a plugin says of itself and what its import did; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cronplug.authoring.examples import resolve
from cronplug.authoring.probe import Probe
from cronplug.authoring.targets import Target
from cronplug.authoring.verdicts import Finding, Verdict
from cronplug.errors import FieldError
from cronplug.registry.payloads import ROOT, check_payload, make_validator

SLOW_IMPORT_SECONDS = 1.0
TOO_SLOW_IMPORT_SECONDS = 10.0
"""Half of the 20 s after which the server calls a plugin broken."""
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_FIRST_PARTY = frozenset({"cronplug", "scheduler", "maintenance", "example", "http", "shell", "sql"})
_MAX_DETAILS = 20


def judge_import(target: Target, probe: Probe) -> Iterator[Finding]:
    """Findings about the plugin as a whole."""
    if probe.failure is not None:
        yield Finding(
            check="import",
            verdict="fail",
            message=f"The process that imported it {probe.failure}.",
            details=_last_lines(probe.output),
        )
        return
    told = probe.told
    if told["error"]:
        lines = _last_lines(str(told["error"]))
        yield Finding(check="import", verdict="fail", message=f"It cannot be imported: {lines[-1]}", details=lines[:-1])
        return
    yield _judge_import_time(float(told["import_seconds"]), float(told["import_cpu_seconds"]))
    yield _judge_output(probe.output)
    yield _judge_left_at_import(told)
    yield from _judge_names(target, told)


def _judge_import_time(seconds: float, cpu_seconds: float) -> Finding:
    verdict: Verdict = "pass"
    advice = ""
    if seconds >= SLOW_IMPORT_SECONDS:
        verdict = "fail" if seconds >= TOO_SLOW_IMPORT_SECONDS else "warn"
        advice = " Every new worker pays for it at its first call: import heavy packages inside the functions."
    taken = f"It was imported in {seconds:.2f} s ({cpu_seconds:.2f} s of the processor).{advice}"
    return Finding(check="import time", verdict=verdict, message=taken)


def _judge_output(output: str) -> Finding:
    if output.strip():
        message = "It writes while it is imported; that ends up in the server's log."
        return Finding(check="import output", verdict="fail", message=message, details=_last_lines(output))
    return Finding(check="import output", verdict="pass", message="It writes nothing while it is imported.")


def _judge_left_at_import(told: Mapping[str, Any]) -> Finding:
    if told["left_children"] or told["threads"]:
        left = ["child processes"] * bool(told["left_children"]) + [f"the thread {name}" for name in told["threads"]]
        message = f"Its import leaves running: {', '.join(left)}. Start them in the function, and end them there."
        return Finding(check="import leftovers", verdict="fail", message=message)
    return Finding(check="import leftovers", verdict="pass", message="Its import leaves no thread or process running.")


def _judge_names(target: Target, told: Mapping[str, Any]) -> Iterator[Finding]:
    for warning in told["warnings"]:
        # What the server would write beside the plugin: unknown hooks, names defined twice, payloads without a schema.
        verdict: Verdict = "warn" if "hook" in warning else "fail"
        yield Finding(check="plugin", verdict=verdict, message=warning)
    names = [line["name"] for line in told["functions"]]
    distribution = target.plugin.name
    if not _DISTRIBUTION.fullmatch(distribution):
        yield Finding(check="names", verdict="fail", message=f"{distribution!r} is not a name for a distribution.")
    elif not names and not told["hooks"]:
        yield Finding(check="names", verdict="fail", message="It has neither functions nor hooks.")
    elif taken := sorted({name.partition(".")[0] for name in names} & _FIRST_PARTY - _own(distribution)):
        message = f"{', '.join(taken)} is where cronplug's own functions are; begin the names with your own word."
        yield Finding(check="names", verdict="warn", message=message)
    else:
        yield Finding(check="names", verdict="pass", message=f"Functions: {', '.join(names) or 'none, only hooks'}.")


def _own(distribution: str) -> frozenset[str]:
    """The reserved word that a first-party distribution has by right."""
    return frozenset({distribution.removeprefix("cronplug-")}) if distribution.startswith("cronplug-") else frozenset()


def judge_function(line: Mapping[str, Any], example: Mapping[str, Any] | None) -> Iterator[Finding]:
    """Findings about one function as the manifest describes it, and the payload made from its defaults."""
    name, schema = line["name"], line["payload_schema"]
    if str(line["description"]).strip():
        yield Finding(check="docstring", verdict="pass", function=name, message=_first_line(line["description"]))
    else:
        message = "It has no docstring: the registry has nothing to say about it."
        yield Finding(check="docstring", verdict="warn", function=name, message=message)
    yield _judge_schema(name, schema)
    if example is not None:
        yield _judge_example(name, schema, example)


def _judge_schema(name: str, schema: Mapping[str, Any]) -> Finding:
    if "properties" not in schema and schema.get("additionalProperties") is not False:
        message = "Its payload is any JSON object: no form, no checks. Annotate parameters or use a model."
        return Finding(check="schema", verdict="warn", function=name, message=message)
    fields = list(walk_fields(schema, schema))
    bare = [path for path, described in fields if not described]
    if bare:
        message = f"Fields without a description: {', '.join(bare)}. Use Field(description=...)."
        return Finding(check="schema", verdict="warn", function=name, message=message)
    message = f"{len(fields)} fields, each described." if len(fields) > 1 else "Its payload is described."
    return Finding(check="schema", verdict="pass", function=name, message=message if fields else "It takes no payload.")


def walk_fields(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: str = "", seen: frozenset[int] = frozenset()
) -> Iterator[tuple[str, bool]]:
    """Every field of a payload, nested ones too: its dotted name, and whether it, or what it holds, is described.

    >>> list(walk_fields({"properties": {"days": {"description": "How far back"}, "to": {}}}, {}))
    [('days', True), ('to', False)]
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return
    for name, part in properties.items():
        below = resolve(resolve(part, root), root)
        where = f"{path}.{name}".strip(".")
        yield where, bool(part.get("description") or below.get("description"))
        if id(below) not in seen:
            yield from walk_fields(below, root, where, seen | {id(below)})


def _judge_example(name: str, schema: Mapping[str, Any], example: Mapping[str, Any]) -> Finding:
    if example["missing"]:
        missing = ", ".join(field or "the payload" for field in example["missing"])
        message = f"No example can be made of: {missing}. Give defaults, or Field(examples=[...])."
        return Finding(check="example", verdict="warn", function=name, message=message)
    if example["error"]:
        message = f"The payload of its defaults and examples does not fit it: {example['error']}"
        return Finding(check="example", verdict="fail", function=name, message=message)
    if faults := check_payload(make_validator(schema), example["payload"]):
        message = f"The payload of its defaults and examples does not fit its schema: {tell_faults(faults)}"
        return Finding(check="example", verdict="fail", function=name, message=message)
    return Finding(check="example", verdict="pass", function=name, message="Its defaults and examples make a payload.")


def tell_faults(faults: Iterable[FieldError]) -> str:
    """The faults of a payload on one line, each field named from the payload's point of view."""
    return "; ".join(f"{fault.field.removeprefix(ROOT).strip('.') or 'payload'}: {fault.message}" for fault in faults)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _last_lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().splitlines()[-_MAX_DETAILS:]) or ("It gave no reason.",)
