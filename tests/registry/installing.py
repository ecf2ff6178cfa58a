"""Really installs plugins, into a throw-away folder that child processes find through PYTHONPATH."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

FIRST_PARTY = frozenset({"cronplug-example", "cronplug-http", "cronplug-maintenance", "cronplug-shell", "cronplug-sql"})
"""Installed in the environment of the tests; blocked where they would only cost import time."""


class Site:
    """A folder of installed distributions. `packages` is what it holds now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put_on_path(self, monkeypatch: pytest.MonkeyPatch, *, in_process: bool = False) -> None:
        """Let processes started from now on import from here; with `in_process` this one too."""
        monkeypatch.setenv("PYTHONPATH", str(self.folder))
        if in_process:
            monkeypatch.syspath_prepend(str(self.folder))

    def install(
        self, name: str, source: str | Path, *, version: str = "1.0", entry_points: dict[str, str] | None = None
    ) -> None:
        """Install a distribution with one module, named like it with underscores. Installing again upgrades."""
        module = name.replace("-", "_").lower()
        text = source.read_text() if isinstance(source, Path) else textwrap.dedent(source)
        self.uninstall(name, keep_module=True)
        (self.folder / f"{module}.py").write_text(text)
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [f"{key} = {value}" for key, value in (entry_points or {module: module}).items()]
        (info / "entry_points.txt").write_text("\n".join(["[scheduler.tasks]", *lines, ""]))

    def uninstall(self, name: str, *, keep_module: bool = False) -> None:
        """Remove a distribution."""
        module = name.replace("-", "_").lower()
        for info in self.folder.glob(f"{module}-*.dist-info"):
            for file in info.iterdir():
                file.unlink()
            info.rmdir()
        # As pip does. Python tells a stale one by the source's size and whole second, and tests are quicker than that.
        for compiled in self.folder.glob(f"__pycache__/{module}.*.pyc"):
            compiled.unlink()
        if not keep_module:
            (self.folder / f"{module}.py").unlink()
