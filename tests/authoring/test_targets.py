"""Which plugin is meant by a word on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cronplug.authoring.targets import find_target
from cronplug.errors import PluginError

POINTS = '[project.entry-points."scheduler.tasks"]\nacme = "acme"\n'


def project(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_installed_distribution_is_found_by_any_spelling_of_its_name() -> None:
    target = find_target("Cronplug_Example")

    assert target.plugin.name == "cronplug-example"
    assert [point.value for point in target.plugin.entry_points] == ["cronplug_example"]
    assert target.paths == ()


@pytest.mark.parametrize(
    ("tool", "below"),
    [
        ("", ["src", "."]),
        ('[tool.hatch.build.targets.wheel]\npackages = ["lib/acme"]\n', ["lib", "src", "."]),
        ('[tool.setuptools.packages.find]\nwhere = ["lib"]\n', ["lib", "src", "."]),
        ('[tool.setuptools.package-dir]\n"" = "lib"\n', ["lib", "src", "."]),
    ],
)
def test_a_folder_says_where_its_code_is(tmp_path: Path, tool: str, below: list[str]) -> None:
    for folder in ("lib", "src"):
        (tmp_path / folder).mkdir()

    target = find_target(str(project(tmp_path, f'[project]\nname = "acme"\ndynamic = ["version"]\n{POINTS}{tool}')))

    assert (target.plugin.name, target.plugin.version) == ("acme", "")
    assert [str(path.relative_to(tmp_path)) for path in target.paths] == below


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "has no pyproject.toml"),
        ("[project", "cannot be read"),
        (POINTS, "has no name"),
        ('[project]\nname = "acme"\n', "names no functions"),
        ('[project]\nname = "acme"\n[project.entry-points."scheduler.tasks"]\nacme = 1\n', "names no functions"),
    ],
)
def test_a_folder_that_is_no_plugin_is_told(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        project(tmp_path, text)

    with pytest.raises(PluginError, match=message):
        find_target(str(tmp_path))


@pytest.mark.parametrize("text", ["nobody-has-this", "pytest", "/no/such/folder", ""])
def test_what_is_neither_is_told(text: str) -> None:
    with pytest.raises(PluginError, match="neither a folder nor an installed plugin"):
        find_target(text)
