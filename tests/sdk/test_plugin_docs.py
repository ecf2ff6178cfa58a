"""docs/plugins.md: its code runs, its tests pass, and it leaves nothing out."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cronplug import Context, function
from cronplug.sdk.hooks import OBSERVERS, HookSpecs

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_plugin_and_its_tests_work(tmp_path: Path) -> None:
    (tmp_path / "test_docs.py").write_text("\n".join(blocks("python")))

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "cronplug.testing", "-p", "no:cacheprovider", "test_docs.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_its_entry_point_is_the_one_that_is_looked_for() -> None:
    project = tomllib.loads(blocks("toml")[0])

    assert project["project"]["entry-points"] == {"scheduler.tasks": {"acme": "acme_reports"}}


@pytest.mark.parametrize("hook", ["scheduler_functions", *OBSERVERS])
def test_every_hook_is_documented(hook: str) -> None:
    assert hasattr(HookSpecs, hook)
    assert f"| `{hook}` |" in PAGE


@pytest.mark.parametrize("member", [name for name in vars(Context) if not name.startswith("_")])
def test_every_member_of_the_context_is_documented(member: str) -> None:
    assert f"`ctx.{member}" in PAGE


@pytest.mark.parametrize("option", [name for name in function.__annotations__ if name not in ("name", "return")])
def test_every_option_is_documented(option: str) -> None:
    assert f"| `{option}` |" in PAGE
