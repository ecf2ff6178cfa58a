"""`cronplug plugin new`: what it writes works as it is, and nothing is ever overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from cronplug.authoring.scaffold import LICENSES, write_plugin
from cronplug.errors import PluginError
from tests.authoring.making import check


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plugin("acme-reports", parent=tmp_path_factory.mktemp("plugins"), author="Ada").folder


def test_its_tests_pass(made: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=made,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "6 passed" in run.stdout, run.stdout + run.stderr


def test_it_keeps_the_contract(made: Path) -> None:
    report = check(made, every=True)

    assert [f for f in report.findings if f.verdict == "fail"] == []
    assert [f for f in report.findings if f.verdict == "warn" and f.check != "import time"] == []
    assert {f.function for f in report.findings if f.check == "run"} == {
        "acme-reports.digest",
        "acme-reports.count-words",
    }


def test_it_can_be_published(made: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=made,
        capture_output=True,
        check=True,
    )

    [wheel] = tmp_path.glob("acme_reports-0.1.0-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        info = "acme_reports-0.1.0.dist-info"
        assert {"acme_reports/__init__.py", "acme_reports/py.typed", f"{info}/licenses/LICENSE"} <= names
        points = archive.read(f"{info}/entry_points.txt").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    assert points == "[scheduler.tasks]\nacme_reports = acme_reports\n"
    assert "Requires-Dist: cronplug<2,>=1" in metadata
    assert "License-Expression: MIT" in metadata


@pytest.mark.parametrize("license_name", LICENSES)
def test_every_license_is_written(tmp_path: Path, license_name: str) -> None:
    made = write_plugin("acme-reports", parent=tmp_path, license_name=license_name, author='Ada\n"the first"\\')

    project = tomllib.loads((made.folder / "pyproject.toml").read_text())["project"]
    text = (made.folder / "LICENSE").read_text()
    assert "Ada 'the first'/" in text
    assert project["authors"] == [{"name": "Ada 'the first'/"}]
    assert project.get("license") == (None if license_name == "none" else license_name)
    assert ("Private :: Do Not Upload" in project.get("classifiers", ())) == (license_name == "none")
    assert [file for file in made.files if "LICENSE" in file] == ["LICENSE"]


def test_all_its_files_are_told(tmp_path: Path) -> None:
    made = write_plugin("acme", parent=tmp_path / "new" / "place")

    there = sorted(str(file.relative_to(made.folder)) for file in made.folder.rglob("*") if file.is_file())
    assert there == list(made.files)
    assert ".gitignore" in made.files
    assert "$" not in "".join((made.folder / file).read_text() for file in made.files)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Acme",
        "acme_reports",
        "1acme",
        "acme--x",
        "-acme",
        "acme.reports",
        "../acme",
        "a" * 61,
        "json",
        "class",
        "tests",
        "pydantic",
        "cronplug",
        "cronplug-http",
    ],
)
def test_a_name_that_will_not_do_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PluginError, match="name"):
        write_plugin(name, parent=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "notes").write_text("mine")

    with pytest.raises(PluginError, match="exists already"):
        write_plugin("acme", parent=tmp_path)

    assert [file.name for file in (tmp_path / "acme").iterdir()] == ["notes"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()

    assert write_plugin("acme", parent=tmp_path).folder == tmp_path / "acme"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PluginError, match="cannot be written"):
        write_plugin("acme", parent=tmp_path / "file")
