"""A Chromium for the tests: the one named by CRONPLUG_TEST_CHROMIUM, the system's, or the one `./dev test` unpacked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SYSTEM_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chromium-headless-shell",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
UNPACKED = Path(__file__).resolve().parents[2] / ".cache" / "chromium" / "chromium"


class ChromiumMissing(Exception):
    """There is no browser to test with; the text says what to install."""


def find_chromium() -> Path:
    """The program to start. Raises ChromiumMissing."""
    found = find_system_chromium() or (UNPACKED if os.access(UNPACKED, os.X_OK) else None)
    if found is None:
        raise ChromiumMissing(
            "no Chromium: `./dev test` brings one on Linux x86-64; elsewhere install Chromium or Chrome, "
            "or name one in CRONPLUG_TEST_CHROMIUM"
        )
    return found


def find_system_chromium() -> Path | None:
    """The one that the user names or the system has. Raises ChromiumMissing when the one named is not there."""
    if given := os.environ.get("CRONPLUG_TEST_CHROMIUM"):
        if not os.access(given, os.X_OK):
            raise ChromiumMissing(f"CRONPLUG_TEST_CHROMIUM names {given}, which is not a program")
        return Path(given)
    found = (shutil.which(name) for name in SYSTEM_PROGRAMS)
    return next((Path(path) for path in found if path), None)
