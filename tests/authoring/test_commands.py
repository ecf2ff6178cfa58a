"""The commands `cronplug plugin new` and `cronplug plugin check`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cronplug.cli import main
from tests.authoring.making import make_plugin

QUIET = '''
from typing import Annotated

from pydantic import Field

from cronplug import function


@function("acme.greet")
def greet(name: Annotated[str, Field(description="Whom")]) -> str:
    """Greet."""
    return f"Hello, {name}!"
'''


def test_new_writes_and_says_what_comes_next(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["plugin", "new", "acme-reports", "--dir", str(tmp_path), "--license", "0BSD"])

    out = capfd.readouterr().out
    assert code == 0
    assert (tmp_path / "acme-reports" / "src" / "acme_reports" / "__init__.py").exists()
    assert f"cd {tmp_path / 'acme-reports'}" in out
    assert "cronplug plugin check . --all" in out


def test_new_refuses_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    codes = [main(["plugin", "new", "acme", "--dir", str(tmp_path)]) for _ in range(2)]

    err = capfd.readouterr().err
    assert codes == [0, 1]
    assert (err.count("\n"), "exists already" in err) == (1, True)


def test_the_check_loads_neither_server_nor_store() -> None:
    script = (
        "import sys, cronplug.authoring.conformance, cronplug.testing.worker;"
        "heavy = {'quart', 'sqlalchemy', 'uvicorn', 'cronplug.store'} & set(sys.modules);"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_check_prints_a_table_and_a_verdict(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_plugin(tmp_path / "plugin", QUIET)

    code = main(["plugin", "check", str(folder), "--payload", '{"name": "Ada"}'])

    lines = capfd.readouterr().out.splitlines()
    assert code == 0
    assert lines[0].split() == ["VERDICT", "CHECK", "FUNCTION", "WHAT", "WAS", "FOUND"]
    assert any(line.startswith("pass ") and line.endswith("Hello, Ada!") for line in lines)
    assert lines[-1].startswith("acme-checked 0.3: warn (")


def test_check_prints_json_and_strict_counts_warnings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_plugin(tmp_path / "plugin", QUIET)

    code = main(["plugin", "check", str(folder), "--json", "--strict"])

    told = json.loads(capfd.readouterr().out)
    assert (code, told["verdict"]) == (1, "warn")


def test_check_fails_with_the_reason_below_the_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = make_plugin(tmp_path / "plugin", "def load():\n    raise OSError('no such wind')\n\nload()")

    code = main(["plugin", "check", str(folder)])

    out = capfd.readouterr().out
    assert code == 1
    assert "It cannot be imported: OSError: no such wind" in out
    assert "in load" in out.partition("\nimport:\n")[2]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "nobody-has-this"], 1),
        (["check", "cronplug-example", "--payload", "{"], 2),
        (["check", "cronplug-example", "--payload", "[]"], 2),
        (["check", "cronplug-example", "--all", "--function", "example.greet"], 2),
        (["new", "acme", "--license", "GPL"], 2),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], code: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["plugin", *arguments]) == code
    assert capfd.readouterr().err
