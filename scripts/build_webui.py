"""Hatchling's hook: no wheel or source distribution without the web admin.

The built admin (core/cronplug/static) is git-ignored and part of both. When it is missing, as in a fresh clone, it is built
here; an installation from the source distribution finds it there and needs no Node.js. Editable installations leave it
to `./dev`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebuiHook(BuildHookInterface[BuilderConfig]):
    """Called by Hatchling before it collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the admin unless it is there or this is an editable installation (`version`)."""
        root = Path(self.root)
        if version == "editable" or (root / "core" / "cronplug" / "static" / "index.html").exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(
                "the web admin is not built and npm is not installed: run `./dev build`, which needs neither"
            )
        for command in ([npm, "ci", "--no-audit", "--no-fund"], [npm, "run", "build"]):
            self.app.display_info(f"web admin: {' '.join(command[1:])}")
            subprocess.run(command, cwd=root / "webui", check=True)
