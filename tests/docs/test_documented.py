"""The docs name everything that has a stable name, and what they show works."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cronplug import errors
from cronplug.cli import cli
from cronplug.metrics import Metrics
from cronplug.model import CatchUp, Delivery, Overlap, Reason, Status, Trigger
from cronplug.sdk import Function
from cronplug.sdk.hooks import HookSpecs
from cronplug.settings import SECRETS, SETTING_NAMES, load_settings, settings_in_force

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OPERATING = (DOCS / "operating.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def has_row(page: str, name: str) -> bool:
    """Whether a table of `page` has a row that begins with `name` as code, and says something about it."""
    return re.search(rf"^\| `{re.escape(name)}` \|.*\w.*\|$", page, re.MULTILINE) is not None


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(group: click.Group = cli, prefix: str = "cronplug") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
            if not command.invoke_without_command:
                continue
        yield f"{prefix} {name}"


@pytest.mark.parametrize("name", sorted(SETTING_NAMES))
def test_every_setting_is_documented(name: str) -> None:
    assert has_row(OPERATING, name)


def test_settings_are_documented_in_the_words_and_with_the_defaults_that_the_api_tells() -> None:
    told = settings_in_force(load_settings({}))
    rows = re.findall(r"^\| `(SCHEDULER_[A-Z_]+)` \| (.*?) ?\| (.*) \|$", OPERATING, re.MULTILINE)

    assert [(name, meaning) for name, _, meaning in rows] == [(setting.name, setting.meaning) for setting in told]
    for (name, default, _), setting in zip(rows, told, strict=True):
        if default.startswith("`") and default.endswith("`"):
            assert default == f"`{setting.default}`", name
        if not default:
            assert setting.default == "", name


@pytest.mark.parametrize("name", [f"{secret}_FILE" for secret in SECRETS])
def test_every_secret_file_is_documented(name: str) -> None:
    assert f"`{name}`" in OPERATING


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = SETTING_NAMES | {f"{secret}_FILE" for secret in SECRETS}

    for page in PAGES:
        named = set(re.findall(r"\bSCHEDULER_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))
        assert named <= known, page


@pytest.mark.parametrize("name", sorted(SETTING_NAMES))
def test_every_setting_is_in_the_example_file(name: str) -> None:
    assert re.search(rf"^#?{name}=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("word", [*Status, *Reason])
def test_every_status_and_reason_is_documented(word: str) -> None:
    assert has_row(OPERATING, word)


@pytest.mark.parametrize("word", [*Trigger, *CatchUp, *Overlap, *Delivery])
def test_the_glossary_has_every_choice_of_a_policy(word: str) -> None:
    assert f"`{word}`" in GLOSSARY


@pytest.mark.parametrize("command", sorted(commands()))
def test_every_command_is_documented(command: str) -> None:
    assert has_row(OPERATING, command)


def error_codes() -> set[str]:
    """The codes that a REST caller can see."""
    kinds = [errors.CronplugError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    at_start = {errors.SettingsError, errors.PluginError, errors.StoreLocked, errors.SchemaAhead}
    return {kind.code for kind in kinds if kind.__module__ == errors.__name__ and kind not in at_start}


@pytest.mark.parametrize("code", sorted(error_codes()))
def test_every_error_code_is_documented(code: str) -> None:
    assert f"`{code}`" in (DOCS / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("hook", [name for name in vars(HookSpecs) if name.startswith("scheduler_")])
def test_every_hook_is_documented(hook: str) -> None:
    assert f"`{hook}" in (DOCS / "plugins.md").read_text(encoding="utf-8")


def test_the_figures_that_operators_are_told_to_watch_exist() -> None:
    exported = Metrics().render().decode()

    for name in re.findall(r"`(cronplug_\w+)", OPERATING):
        assert f"# TYPE {name}" in exported, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_shell_blocks_are_valid_and_name_commands_that_exist(page: Path) -> None:
    known = {*commands(), "cronplug"}
    for block in blocks(page.read_text(encoding="utf-8"), "sh"):
        subprocess.run(["sh", "-n"], input=block, text=True, check=True)
        for line in block.splitlines():
            words = line.split()
            if words[:1] == ["cronplug"]:
                assert " ".join(words[:2]) in known or " ".join(words[:3]) in known, line


def test_the_plugin_of_the_readme_works() -> None:
    [project] = [tomllib.loads(block) for block in blocks(README, "toml")]
    [source] = blocks(README, "python")
    namespace: dict[str, object] = {}

    exec(compile(source, "README.md", "exec", dont_inherit=True), namespace)

    found = [value for value in namespace.values() if isinstance(value, Function)]
    assert [function.name for function in found] == ["acme.nightly-report"]
    schema = found[0].payload_schema()
    assert set(schema["properties"]) == {"region", "days"}
    assert schema["required"] == ["region"]
    assert project["project"]["entry-points"]["scheduler.tasks"] == {"acme": "acme_reports"}
    assert len(source.strip().splitlines()) <= 10


def test_the_first_screen_of_the_readme_has_the_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:15])

    assert "./dev run" in first_screen
    assert "./dev test" in first_screen


def test_every_decision_is_listed() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")

    for page in (DOCS / "decisions").glob("0*.md"):
        assert f"({page.name})" in index
