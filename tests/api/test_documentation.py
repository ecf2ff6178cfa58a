"""docs/api.md tells every route and every code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cronplug.api import openapi_document
from cronplug.api.problems import CODES

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_route_is_in_the_table() -> None:
    documented = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", PAGE))
    existing = {
        f"{method.upper()} {path.removeprefix('/api/scheduler')}"
        for path, methods in openapi_document()["paths"].items()
        for method in methods
    }
    assert existing <= documented
    assert documented <= existing


@pytest.mark.parametrize("code", sorted({*CODES.values(), "internal"}))
def test_every_code_is_in_the_table(code: str) -> None:
    assert re.search(rf"^\| `{code}` \| \d\d\d \| .*\w.*\|$", PAGE, re.MULTILINE)
