"""The page of the first-party functions names them all, and its examples fit them."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from cronplug.sdk import Function

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
FOLDERS = [folder for folder in sorted((ROOT / "plugins").iterdir()) if folder.name != "example" and folder.is_dir()]


def functions_of(folder: Path) -> dict[str, Function[..., Any]]:
    """What the plugin in this folder registers, by name."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    modules = [import_module(name) for name in project["entry-points"]["scheduler.tasks"].values()]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Function)]
    return {function.name: function for function in found}


FUNCTIONS = {name: function for folder in FOLDERS for name, function in functions_of(folder).items()}


def examples() -> list[dict[str, Any]]:
    """The tasks in the JSON blocks of the page and of the plugins' READMEs."""
    pages = [PAGE, *((folder / "README.md").read_text(encoding="utf-8") for folder in FOLDERS)]
    blocks = [block for page in pages for block in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    return [json.loads(block) for block in blocks]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_function_is_documented_on_the_page_and_in_its_readme(folder: Path) -> None:
    functions = functions_of(folder)

    assert functions
    for page in (PAGE, (folder / "README.md").read_text(encoding="utf-8")):
        for name in functions:
            assert re.search(rf"^\| `{re.escape(name)}` \|", page, re.MULTILINE), name


@pytest.mark.parametrize("task", examples(), ids=lambda task: task["name"])
def test_every_example_fits_its_function(task: dict[str, Any]) -> None:
    model = FUNCTIONS[task["functionName"]].payload

    assert model is not None
    model.model_validate(task["functionPayload"])


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_every_field_of_a_payload_is_described(function: Function[..., Any]) -> None:
    schema = function.payload_schema()
    models = [schema, *schema.get("$defs", {}).values()]

    undescribed = [
        name for model in models for name, field in model.get("properties", {}).items() if "description" not in field
    ]
    assert undescribed == []
    assert function.description
