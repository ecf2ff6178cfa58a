"""`cronplug plugins check`: what another version would break, from a wheel, a folder, or what is installed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.server import Server
from tests.acceptance.strangers import SOURCE
from tests.cli.conftest import Run

NEW = SOURCE.replace("le=90", "le=5").replace('"acme.flaky"', '"acme.steady"')


@pytest.fixture
def task(server: Server) -> Iterator[str]:
    made = server.create_task(
        name="Greet them", type="function", functionName="acme.greet", functionPayload={"name": "Ada", "days": 30}
    )
    yield str(made["id"])
    server.client.delete(f"/tasks/{made['id']}")


def make_folder(folder: Path, source: str, *, name: str = "acme-contract") -> Path:
    """What `pip install --target` leaves."""
    info = folder / f"{name.replace('-', '_')}-3.0.dist-info"
    info.mkdir(parents=True)
    (folder / "acme_contract.py").write_text(source, encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scheduler.tasks]\nacme = acme_contract\n", encoding="utf-8")
    return folder


def make_wheel(folder: Path, source: str) -> Path:
    made = make_folder(folder / "unpacked", source)
    wheel = folder / "acme_contract-3.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in made.rglob("*"):
            archive.write(file, file.relative_to(made))
    return wheel


def test_a_wheel_that_breaks_a_task_is_told_of_and_fails(remote: Run, task: str, tmp_path: Path) -> None:
    told = remote("plugins", "check", "acme.contract", "--wheel", str(make_wheel(tmp_path, NEW)))

    assert told.code == 1, told.err
    assert told.out.splitlines()[0] == "acme-contract: 2.5 -> 3.0"
    assert "added functions: acme.steady" in told.out
    assert "removed functions: acme.flaky" in told.out
    assert "changed functions: acme.greet" in told.out
    [row] = [line for line in told.out.splitlines() if line.startswith(task)]
    assert "breaks" in row
    assert "functionPayload.days: Must be at most 5." in row


def test_a_folder_that_breaks_nothing_succeeds(remote: Run, task: str, tmp_path: Path) -> None:
    told = remote("plugins", "check", "--path", str(make_folder(tmp_path / "new", SOURCE)), "--json")

    assert told.code == 0, told.err
    [impact] = json.loads(told.out)
    assert (impact["newVersion"], impact["brokenTasks"], impact["changedFunctions"]) == ("3.0", 0, [])


def test_a_version_that_cannot_be_imported_breaks_every_task(remote: Run, task: str, tmp_path: Path) -> None:
    told = remote("plugins", "check", "--path", str(make_folder(tmp_path / "new", "raise ImportError('torn')")))

    assert told.code == 1
    assert "torn" in told.out
    assert "function missing" in told.out


def test_what_is_installed_now_is_looked_at_without_a_file(remote: Run, task: str) -> None:
    told = remote("plugins", "check", "acme-contract")

    assert told.code == 0, told.err
    assert "acme-contract: 2.5 -> 2.5" in told.out
    assert remote("plugins", "check", "no-such-plugin").code == 1


def test_what_holds_no_such_plugin_is_refused(remote: Run, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "new", SOURCE)
    no_wheel = tmp_path / "x.whl"
    no_wheel.write_text("no wheel")

    for arguments, told in (
        (["other", "--path", str(folder)], "does not hold one plugin other (acme-contract)"),
        (["--wheel", str(no_wheel)], "cannot be unpacked"),
        (["--path", str(tmp_path)], "does not hold one plugin"),
    ):
        ran = remote("plugins", "check", *arguments)
        assert ran.code == 1
        assert told in ran.err
    assert remote("plugins", "check", "--path", str(folder), "--wheel", str(no_wheel)).code == 2
