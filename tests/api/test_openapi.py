"""The description: complete, valid, and the committed copy is fresh."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest

from cronplug.api import openapi_document
from cronplug.app import App
from tests.api.conftest import Api

ROOT = Path(__file__).parents[2]


@pytest.mark.asyncio(loop_scope="session")
async def test_it_is_served(api: Api) -> None:
    assert await api.get("/openapi.json") == openapi_document()


@pytest.mark.asyncio(loop_scope="session")
async def test_nothing_waits_while_it_is_made(api: Api, core: App, monkeypatch: pytest.MonkeyPatch) -> None:
    made_in: list[str] = []

    def make() -> dict[str, Any]:
        made_in.append(threading.current_thread().name)
        return openapi_document()

    monkeypatch.setattr(core.api.extensions["QUART_SCHEMA"].openapi_provider, "schema", make)

    await api.get("/openapi.json")

    assert made_in != [threading.current_thread().name]


def test_the_committed_copy_is_fresh() -> None:
    committed = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    assert committed == openapi_document(), "write it again: cronplug openapi > openapi.json"


@pytest.mark.asyncio(loop_scope="session")
async def test_every_route_is_described(core: App) -> None:
    described = {
        (method.upper(), re.sub(r"{[^}]+}", "*", path))
        for path, methods in openapi_document()["paths"].items()
        for method in methods
    }
    routes = {
        (method, re.sub(r"<[^>]+>", "*", rule.rule))
        for rule in core.api.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described == routes


def test_every_operation_is_complete() -> None:
    ids = []
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            ids.append(operation["operationId"])
            assert operation["tags"], path
            assert operation["summary"], path
            assert any(status.startswith("2") for status in operation["responses"]), path
            for status, response in operation["responses"].items():
                if status >= "400" and (path, status) != ("/readyz", "503"):
                    assert list(response["content"]) == ["application/problem+json"], (path, method, status)
            named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert named == set(re.findall(r"{([^}]+)}", path))
    assert len(ids) == len(set(ids))


def test_every_reference_and_schema_is_sound() -> None:
    document = openapi_document()
    schemas = document["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= schemas.keys()
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert not re.search(r'"(ge|le|gt|lt)":', json.dumps(schema)), name
        assert not re.search(r'"[a-z]+_[a-z]+": {', json.dumps(schema).replace('"timed_out": {', "")), name
