"""docs/plugins.md: its code runs, its tests pass, and it leaves nothing out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cronplug import Context, function
from cronplug.authoring.conformance import Wanted, check_plugin
from cronplug.sdk.hooks import OBSERVERS, HookSpecs
from tests.acceptance.server import Server
from tests.registry.installing import Site

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def in_files() -> tuple[str, str]:
    """The plugin's module and its tests, as the page tells to put them together."""
    tests = [block for block in blocks("python") if "def test_" in block]
    return "\n".join(block for block in blocks("python") if block not in tests), "\n".join(tests)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the tutorial fills."""
    folder = tmp_path_factory.mktemp("tutorial") / "acme-reports"
    module, tests = in_files()
    (folder / "src" / "acme_reports").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "pyproject.toml").write_text(blocks("toml")[0], encoding="utf-8")
    (folder / "src" / "acme_reports" / "__init__.py").write_text(module, encoding="utf-8")
    (folder / "tests" / "test_acme_reports.py").write_text(tests, encoding="utf-8")
    return folder


def test_its_plugin_and_its_tests_work(written: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=written,
        capture_output=True,
        text=True,
        check=False,
    )

    assert f"{PAGE.count('def test_')} passed" in run.stdout, run.stdout + run.stderr


def test_its_plugin_passes_the_check_as_told(written: Path) -> None:
    wanted = Wanted(function="acme.charge", payload={"customer": "ada", "cents": 100})

    report = check_plugin(str(written), wanted)

    assert [f for f in report.findings if f.verdict == "fail"] == []
    assert any(f.function == "acme.charge" and f.check == "run" and f.verdict == "pass" for f in report.findings)


def test_its_task_is_scheduled_and_runs(tmp_path: Path) -> None:
    site = Site(tmp_path / "site")
    site.install(
        "acme-reports",
        in_files()[0],
        entry_points=tomllib.loads(blocks("toml")[0])["project"]["entry-points"]["scheduler.tasks"],
    )
    server = Server(tmp_path / "data", PYTHONPATH=str(site.folder))
    try:
        server.start()

        task = server.create_task(**json.loads(blocks("json")[0]))
        ended = server.until_status(server.trigger(task["id"]), "success", "failed")
    finally:
        server.close()

    assert task["nextRunAt"] is not None
    assert (ended["status"], ended["resultSummary"]) == ("success", "42 rows")


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
