"""`./dev`: what it decides. That it sets up a fresh machine is tried on one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dev() -> ModuleType:
    loader = SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_a_step_is_done_once_for_the_same_inputs(dev: ModuleType, tmp_path: Path) -> None:
    source, done = tmp_path / "lock", list[str]()
    source.write_text("a==1")

    for _ in range(2):
        dev.step("a step", stamp=tmp_path / "stamp", inputs=[source], action=lambda: done.append("once"))
    assert done == ["once"]

    source.write_text("a==2")
    dev.step("a step", stamp=tmp_path / "stamp", inputs=[source], action=lambda: done.append("again"))
    assert done == ["once", "again"]


def test_a_step_is_done_again_when_its_output_is_gone(dev: ModuleType, tmp_path: Path) -> None:
    output = tmp_path / "index.html"
    for _ in range(2):
        dev.step("a step", stamp=tmp_path / "stamp", inputs=["x"], action=lambda: output.write_text("x"), output=output)
        output.unlink()


def test_a_failed_step_is_tried_again(dev: ModuleType, tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "print('no such package'); raise SystemExit(1)"]
    for _ in range(2):
        with pytest.raises(dev.Problem, match="no such package"):
            dev.step("a step", stamp=tmp_path / "stamp", inputs=["x"], action=lambda: dev.quiet(failing))


def test_a_fingerprint_sees_every_file_of_a_folder(dev: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "src"
    (folder / "pages").mkdir(parents=True)
    before = dev.fingerprint([folder])
    (folder / "pages" / "tasks.vue").write_text("<template />")
    assert dev.fingerprint([folder]) != before


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v18.20.4", False),
        ("v20.18.0", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("", False),
    ],
)
def test_only_a_node_that_vite_supports_is_used(dev: ModuleType, version: str, enough: bool) -> None:
    assert dev.is_new_enough_node(version) is enough


@pytest.mark.parametrize(
    "printed",
    [
        "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
        "npm error code EAI_AGAIN",
    ],
)
def test_being_offline_is_said_in_one_line(dev: ModuleType, printed: str) -> None:
    said = dev.explain(["pip", "install"], f"Traceback\n{printed}\n")
    assert "are you offline?" in said
    assert "\n" not in said


def test_the_data_of_a_clone_lies_in_the_clone(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.delenv("SCHEDULER_DATA_DIR", raising=False)
    assert dev.server_environment()["SCHEDULER_DATA_DIR"] == str(tmp_path / ".data")


def test_the_user_may_keep_the_data_elsewhere(dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setenv("SCHEDULER_DATA_DIR", "/srv/cronplug")
    assert dev.server_environment()["SCHEDULER_DATA_DIR"] == "/srv/cronplug"

    monkeypatch.delenv("SCHEDULER_DATA_DIR")
    (tmp_path / ".env").write_text("SCHEDULER_DATA_DIR=/srv/other\n")
    assert "SCHEDULER_DATA_DIR" not in dev.server_environment()


def test_tests_keep_what_python_compiles(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found(dev.Node):  # type: ignore[misc, name-defined]  # a module that is loaded by its path
        def environment(self) -> dict[str, str]:
            return {"PATH": "/usr/bin", "PYTHONDONTWRITEBYTECODE": "1"}

    assert dev.testing_environment(Found()) == {"PATH": "/usr/bin"}


def test_the_first_problem_ends_the_other_lanes(dev: ModuleType) -> None:
    endless = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]

    def fail() -> None:
        while not dev.running:
            pass
        raise dev.Problem("no venv")

    with pytest.raises(dev.Problem, match="no venv"):
        dev.side_by_side([lambda: dev.quiet(endless), fail])


def test_the_closing_line_of_a_suite_is_kept(dev: ModuleType, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    suite = [sys.executable, "-c", "print('x ' * 9); print('=== \\x1b[32m7 passed\\x1b[0m in 1.0s ===')"]
    code, closing = dev.run_shown(suite, cwd=ROOT, env={})
    assert (code, closing) == (0, "7 passed in 1.0s")


def test_help_names_every_command(dev: ModuleType) -> None:
    shown = subprocess.run([sys.executable, ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
    for command in (dev.run, dev.test, dev.check, dev.fix, dev.watch, dev.bench, dev.soak, dev.build, dev.lock):
        assert f"\n  {command.__name__} " in shown


def test_an_unknown_command_is_refused_in_one_line() -> None:
    refused = subprocess.run([sys.executable, ROOT / "dev", "serve"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr == "dev: there is no command 'serve'; `./dev help` lists them\n"
