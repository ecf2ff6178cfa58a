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
    if given := os.environ.get("CRONPLUG_TEST_CHROMIUM"):
        if not os.access(given, os.X_OK):
            raise ChromiumMissing(f"CRONPLUG_TEST_CHROMIUM names {given}, which is not a program")
        return Path(given)
    for name in SYSTEM_PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    if os.access(UNPACKED, os.X_OK):
        return UNPACKED
    raise ChromiumMissing(
        "no Chromium: `./dev test` brings one on Linux x86-64; elsewhere install Chromium or Chrome, "
        "or name one in CRONPLUG_TEST_CHROMIUM"
    )
