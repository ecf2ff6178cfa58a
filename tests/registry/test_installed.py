"""Distributions whose files are hostile or broken: found out, and nothing to the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cronplug.registry import Registry
from cronplug.registry.installed import find_installed
from tests.registry.installing import FIRST_PARTY, Site

GOOD = "from cronplug import function\n@function('good.run')\ndef run() -> None: ...\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A good plugin among bad neighbours."""
    site = Site(tmp_path / "site")
    site.put_on_path(monkeypatch)
    site.install("good", GOOD)
    put(site, "no-text", b"[scheduler.tasks]\nx = \xff\xfe\x00\n")
    put(site, "no-plugin", b"\xff\xfe\x00")
    put(site, "no-value", b"[scheduler.tasks]\njust a line\n")
    put(site, "no-metadata", b"[scheduler.tasks]\nx = y\n", metadata=b"Name: \xff\n")
    put(
        site,
        "no-name",
        b"[scheduler.tasks]\nx = y\n",
        metadata=b"Metadata-Version: 2.1\nName: --manifest x\nVersion: 1\n",
    )
    put(site, "no-version", b"[scheduler.tasks]\nx = no_such_module\n", metadata=b"Name: no-version\n")
    return site


def put(site: Site, name: str, entry_points: bytes, *, metadata: bytes | None = None) -> None:
    info = site.folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(metadata or f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode())
    (info / "entry_points.txt").write_bytes(entry_points)


def test_what_cannot_be_read_is_its_own_fault(site: Site) -> None:
    found = {plugin.name: plugin for plugin in find_installed([str(site.folder)])}

    assert found.keys() == {"good", "no-text", "no-value", "no-version"}
    assert "entry_points.txt cannot be read" in str(found["no-text"].fault)
    assert (found["good"].fault, found["no-version"].fault, found["no-version"].version) == (None, None, "")


async def test_they_are_records_and_the_others_work(site: Site) -> None:
    registry = Registry(blocked=FIRST_PARTY)

    records = {record.name: record for record in await registry.rescan() if record.name not in FIRST_PARTY}

    assert {name: record.status for name, record in records.items()} == {
        "good": "ok", "no-text": "broken", "no-value": "broken", "no-version": "broken",
    }  # fmt: skip
    assert "cannot be read" in str(records["no-text"].error)
    assert [function.name for function in registry.functions()] == ["good.run"]


@pytest.mark.parametrize("command", [["openapi"], ["plugins", "--json"], ["migrate"]], ids=str)
def test_they_stop_no_command(site: Site, command: list[str], tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SCHEDULER_", "PYDANTIC_"))}
    environ |= {"SCHEDULER_PLUGINS_BLOCK": ",".join(sorted(FIRST_PARTY)), "SCHEDULER_DATA_DIR": str(tmp_path)}

    ran = subprocess.run(
        [sys.executable, "-m", "cronplug", *command], env=environ, cwd=tmp_path, capture_output=True, timeout=100
    )

    assert ran.returncode == 0, ran.stderr.decode()
    assert command == ["migrate"] or json.loads(ran.stdout)
