"""One process per SQLite file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cronplug.errors import StoreError, StoreLocked
from cronplug.store import database_lock

HOLD = (
    "import sys; from cronplug.store import database_lock\n"
    "with database_lock(sys.argv[1]):\n    print('held', flush=True); sys.stdin.read()"
)


@contextmanager
def other_process(url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_a_second_process_is_refused_in_one_line_that_names_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with other_process(url) as process:
        with pytest.raises(StoreLocked) as caught, database_lock(url):
            pass
        assert f"(process {process.pid})" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert "SCHEDULER_DATA_DIR" in str(caught.value)

    with database_lock(url):  # a process that was killed holds nothing
        pass


def test_the_lock_ends_with_its_block_and_is_not_shared_within_a_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with database_lock(url), pytest.raises(StoreLocked, match=f"process {os.getpid()}"), database_lock(url):
        pass
    with database_lock(url):
        pass


def test_programs_started_meanwhile_do_not_inherit_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    code = "import sys; print('up', flush=True); sys.stdin.read()"
    with database_lock(url):
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
    try:
        with database_lock(url):
            pass
    finally:
        child.communicate()


def test_other_files_have_other_locks(tmp_path: Path) -> None:
    with database_lock(f"sqlite:///{tmp_path / 'x.db'}"), database_lock(f"sqlite:///{tmp_path / 'y.db'}"):
        pass


def test_postgresql_needs_none(tmp_path: Path) -> None:
    with database_lock("postgresql://x/y"), database_lock("postgresql://x/y"):
        pass


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db.lock").mkdir()

    with pytest.raises(StoreError, match="cannot be opened"), database_lock(f"sqlite:///{tmp_path / 'x.db'}"):
        pass
