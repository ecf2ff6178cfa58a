"""Fixtures of the command-line tests: commands run in this process, against a real server in another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cronplug.cli import main
from tests.acceptance.server import TOKEN, Server
from tests.acceptance.strangers import install
from tests.store.conftest import empty_url as empty_url


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder, without any setting of this machine."""
    for name in os.environ:
        if name.startswith("SCHEDULER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SCHEDULER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> Ran:
        capfd.readouterr()
        code = main(arguments)
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_command


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good and a broken plugin, for PYTHONPATH."""
    made = tmp_path_factory.mktemp("site")
    install(made)
    return made


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[Server]:
    """One running server for all command-line tests."""
    made = Server(tmp_path_factory.mktemp("cli") / "data", PYTHONPATH=str(site))
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def remote(run: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command whose environment names the server and its token."""
    monkeypatch.setenv("SCHEDULER_BASE_URL", server.url)
    monkeypatch.setenv("SCHEDULER_ADMIN_TOKEN", TOKEN)
    return run
