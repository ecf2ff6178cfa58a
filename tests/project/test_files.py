"""Files beside the code that must agree with it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from cronplug.settings import SECRETS, SETTING_NAMES

ROOT = Path(__file__).resolve().parents[2]
PYTHON_LOCKS = sorted(ROOT.glob("requirements/*.txt"))
NPM_LOCKS = [ROOT / "webui" / "package-lock.json", ROOT / "tests" / "services" / "browser" / "package-lock.json"]


@pytest.mark.parametrize("lock", PYTHON_LOCKS, ids=lambda lock: lock.stem)
def test_python_locks_name_no_registry_and_hash_every_package(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^--", text, re.MULTILINE)
    packages = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert packages
    assert [package.split("=")[0] for package in packages if "--hash=sha256:" not in package] == []


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda lock: lock.parent.name)
def test_npm_locks_name_no_registry_and_hash_every_package(lock: Path) -> None:
    packages = {name: package for name, package in json.loads(lock.read_text())["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    unhashed = [name for name, package in packages.items() if "integrity" not in package]
    assert [
        name for name in unhashed if not packages[name].get("inBundle")
    ] == []  # bundled: part of one that is hashed


def test_the_run_lock_has_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["build"]]
    for plugin in ROOT.glob("plugins/*/pyproject.toml"):
        wanted += tomllib.loads(plugin.read_text())["project"].get("dependencies", [])
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in wanted} - {"cronplug"}
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / "run.txt").read_text(), re.MULTILINE))
    assert names - locked == set()


def test_the_example_env_file_names_every_setting() -> None:
    named = set(re.findall(r"^#(SCHEDULER_[A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert named == SETTING_NAMES | {f"{secret}_FILE" for secret in SECRETS}
