"""Writes a new plugin: a complete package that can be tested, checked and published as it is."""

from __future__ import annotations

import keyword
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from importlib import resources
from pathlib import Path, PurePosixPath
from string import Template

from cronplug.clock import SystemClock
from cronplug.errors import PluginError

LICENSES = ("MIT", "BSD-3-Clause", "0BSD", "none")
"""SPDX identifiers, and `none` for a package that is not to be published."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_LENGTH = 60
_TAKEN = frozenset({"cronplug", "cronplug-example", "cronplug-maintenance", "cronplug-http", "cronplug-shell"}) | {
    "cronplug-sql"
}
_DEPENDENCIES = frozenset({"tests", "src", "pydantic", "pluggy", "pytest"})
"""Import names that the new package itself needs for something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadePlugin:
    """What was written: the folder, its files (relative, sorted), and what to do next as (command, why)."""

    folder: Path
    files: tuple[str, ...]
    next_steps: tuple[tuple[str, str], ...]


def write_plugin(name: str, *, parent: Path, license_name: str = "MIT", author: str | None = None) -> MadePlugin:
    """Write the plugin `name` into a new folder of that name in `parent`, which is made when it is missing.

    Raises PluginError, before anything is written, for a name that will not do or a folder that is in use.
    """
    _check_name(name)
    folder = parent / name
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PluginError(f"{folder} exists already; nothing was written.")
    values = _values(name, license_name, author or f"The {name} authors")
    texts = dict(_render(values, license_name))
    try:
        _write(folder, texts)
    except OSError as error:
        raise PluginError(f"{folder} cannot be written: {error.strerror or error}") from error
    return MadePlugin(folder=folder, files=tuple(sorted(texts)), next_steps=_next_steps(folder))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MAX_LENGTH:
        raise PluginError(
            f"{name!r} will not do as a name: use lower case letters, digits and single dashes, beginning with a"
            f" letter, at most {_MAX_LENGTH} characters, such as acme-reports."
        )
    module = _module(name)
    if name in _TAKEN:
        raise PluginError(f"{name!r} is a package of cronplug itself; begin the name with your own word.")
    if module in sys.stdlib_module_names or keyword.iskeyword(module) or module in _DEPENDENCIES:
        raise PluginError(f"{name!r} will not do as a name: Python already means something else by {module!r}.")


def _module(name: str) -> str:
    return name.replace("-", "_")


def _values(name: str, license_name: str, author: str) -> dict[str, str]:
    return {
        "name": name,
        "module": _module(name),
        "vendor": name.removeprefix("cronplug-"),
        "author": _one_line(author),
        "year": str(SystemClock().now().astimezone(UTC).year),
        "license_lines": (
            f'license = "{license_name}"\nlicense-files = ["LICENSE"]\n'
            if license_name != "none"
            else 'classifiers = ["Private :: Do Not Upload"]  # the package index refuses it\n'
        ),
        "license_sentence": (
            f"{license_name}, see `LICENSE`." if license_name != "none" else "All rights reserved; not for publication."
        ),
    }


def _one_line(text: str) -> str:
    """`text` as it can stand between the quotes of a TOML file."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable()).replace("\\", "/").replace('"', "'")


def _render(values: dict[str, str], license_name: str) -> Iterator[tuple[str, str]]:
    """The files of the template as (path, text). In a file's name `+` is a slash, `@` the module, `dot-` a dot."""
    for file in (resources.files("cronplug.authoring") / "template").iterdir():
        if not file.name.endswith(".txt"):
            continue
        path = file.name.removesuffix(".txt").replace("+", "/").replace("@", values["module"]).replace("dot-", ".")
        if path.startswith("LICENSE"):
            if path != f"LICENSE.{license_name}":
                continue
            path = "LICENSE"
        yield path, Template(file.read_text(encoding="utf-8")).substitute(values)


def _write(folder: Path, texts: dict[str, str]) -> None:
    """All of it or nothing: what was begun is removed when a file cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for path, text in sorted(texts.items()):
            file = folder / PurePosixPath(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _next_steps(folder: Path) -> tuple[tuple[str, str], ...]:
    return (
        (f"cd {shlex.quote(str(folder))}", "go there"),
        ("pip install -e . pytest", "install it beside cronplug; changes in src/ count at once"),
        ("pytest", "run its tests"),
        ("cronplug plugin check . --all", "check that it keeps the contract"),
        ("cronplug plugins rescan", "have a running server find it (or start one: cronplug serve)"),
        ("python -m build", "make the files to publish (pip install build)"),
    )
