"""What is judged without running anything."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import EntryPoint
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from cronplug import function
from cronplug.authoring.described import judge_function, judge_import, walk_fields
from cronplug.authoring.examples import make_example
from cronplug.authoring.probe import Probe
from cronplug.authoring.targets import Target
from cronplug.authoring.verdicts import Finding
from cronplug.registry.installed import InstalledPlugin


class Kind(StrEnum):
    """A choice that says what it is."""

    PLAIN = "plain"
    RICH = "rich"


class Layout(BaseModel):
    title: str = Field("Sales", description="Headline")
    width: int = 80


class Tree(BaseModel):
    """Holds trees."""

    children: list[Tree] = Field(default_factory=list, description="Below it")
    parent: Tree | None = Field(None, description="Above it")


class Report(BaseModel):
    region: str = Field(description="Where", examples=["north"])
    kind: Kind
    layout: Layout = Field(default_factory=Layout, description="How it looks")
    other: Layout | None = None
    tree: Tree | None = None


class Nested(BaseModel):
    inner: Report


SCHEMA = Report.model_json_schema()


def test_every_field_is_found_with_whether_it_is_described() -> None:
    fields = dict(walk_fields(SCHEMA, SCHEMA))

    assert fields["region"]
    assert fields["kind"]  # by the docstring of its class
    assert (fields["layout.title"], fields["layout.width"]) == (True, False)
    assert (fields["other"], fields["other.width"]) == (False, False)
    assert "tree.parent" in fields


@pytest.mark.parametrize(
    ("model", "payload", "missing"),
    [
        (Layout, {"title": "Sales", "width": 80}, ()),
        (Report, {"region": "north", "kind": "plain", "layout": {"title": "Sales", "width": 80}}, ()),
        (Nested, {"inner": {"region": "north", "kind": "plain"}}, ()),
        (Tree, {"parent": None}, ()),
    ],
)
def test_an_example_comes_from_defaults_examples_and_choices(
    model: type[BaseModel], payload: dict[str, Any], missing: tuple[str, ...]
) -> None:
    example = make_example(model.model_json_schema())

    assert example.missing == missing
    made = model.model_validate(example.payload).model_dump(mode="json", exclude_defaults=True)
    assert made == model.model_validate(payload).model_dump(mode="json", exclude_defaults=True)


def test_what_no_example_can_be_made_of_is_named() -> None:
    class Wanting(BaseModel):
        days: int
        layout: Layout
        inner: Report | None = None

        class Deep(BaseModel):
            name: str

        deep: Deep

    assert make_example(Wanting.model_json_schema()).missing == ("days", "deep.name")


def test_an_example_of_the_whole_payload_counts() -> None:
    schema = {"properties": {"a": {"type": "string"}}, "required": ["a"], "examples": [{"a": "b"}]}

    assert make_example(schema).payload == {"a": "b"}


@function("acme.described")
async def described(region: Annotated[str, Field(description="Where")] = "north") -> None:
    """Says what it does."""


@function("acme.bare")
async def bare(region: str) -> None: ...


@function("acme.anything")
async def anything(payload: dict[str, Any]) -> None:
    """Takes anything."""


@function("acme.wrong-default")
async def wrong_default(days: Annotated[int, Field(ge=1, description="How many")] = 0) -> None:
    """Has a default that its own rule refuses."""


def judged(made: Any) -> dict[str, Finding]:
    schema = made.payload_schema()
    example = make_example(schema)
    line = {"name": made.name, "payload_schema": schema, "description": made.description}
    told = {"payload": example.payload, "missing": list(example.missing), "error": None}
    return {finding.check: finding for finding in judge_function(line, told)}


@pytest.mark.parametrize(
    ("made", "docstring", "schema", "example"),
    [
        (described, "pass", "pass", "pass"),
        (bare, "warn", "warn", "warn"),
        (anything, "pass", "warn", "pass"),
        (wrong_default, "pass", "pass", "fail"),
    ],
)
def test_a_function_is_judged(made: Any, docstring: str, schema: str, example: str) -> None:
    findings = judged(made)

    assert [findings[check].verdict for check in ("docstring", "schema", "example")] == [docstring, schema, example]


def test_the_fields_at_fault_are_named() -> None:
    assert "region" in judged(bare)["schema"].message
    assert "region" in judged(bare)["example"].message
    assert "days: Must be at least 1" in judged(wrong_default)["example"].message


TOLD = {
    "error": None,
    "import_seconds": 0.1,
    "import_cpu_seconds": 0.1,
    "threads": [],
    "left_children": False,
    "warnings": [],
    "functions": [{"name": "acme.greet"}],
    "hooks": [],
}


def imported(name: str = "acme", output: str = "", **told: Any) -> dict[str, Finding]:
    plugin = InstalledPlugin(name=name, version="1", entry_points=(EntryPoint("a", "a", "scheduler.tasks"),))
    probe = Probe(told={**TOLD, **told}, failure=None, output=output)
    return {finding.check: finding for finding in judge_import(Target(plugin=plugin), probe)}


@pytest.mark.parametrize(
    ("told", "check", "verdict"),
    [
        ({}, "import time", "pass"),
        ({"import_seconds": 1.5}, "import time", "warn"),
        ({"import_seconds": 11.0}, "import time", "fail"),
        ({}, "import output", "pass"),
        ({"output": "hello\n"}, "import output", "fail"),
        ({}, "import leftovers", "pass"),
        ({"threads": ["poller"]}, "import leftovers", "fail"),
        ({"left_children": True}, "import leftovers", "fail"),
        ({}, "names", "pass"),
        ({"functions": []}, "names", "fail"),
        ({"functions": [], "hooks": ["scheduler_startup"]}, "names", "pass"),
        ({"name": "bad name"}, "names", "fail"),
        ({"functions": [{"name": "shell.run"}]}, "names", "warn"),
        ({"functions": [{"name": "shell.run"}], "name": "cronplug-shell"}, "names", "pass"),
        ({"warnings": ["The hook scheduler_later is unknown to this version"]}, "plugin", "warn"),
        ({"warnings": ["The function acme.greet is defined twice in this plugin"]}, "plugin", "fail"),
        ({"error": "Traceback\nImportError: no"}, "import", "fail"),
    ],
)
def test_an_import_is_judged(told: dict[str, Any], check: str, verdict: str) -> None:
    assert imported(**told)[check].verdict == verdict
