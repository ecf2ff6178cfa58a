"""Makes plugins to be checked: a folder with a pyproject.toml and one module, not installed."""

from __future__ import annotations

import textwrap
from pathlib import Path

from cronplug.authoring.conformance import Wanted, check_plugin
from cronplug.authoring.verdicts import Finding, Report


def make_plugin(folder: Path, source: str, *, name: str = "acme-checked") -> Path:
    module = name.replace("-", "_")
    (folder / "src").mkdir(parents=True)
    (folder / "src" / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "0.3"\n[project.entry-points."scheduler.tasks"]\nacme = "{module}"\n',
        encoding="utf-8",
    )
    return folder


def check(folder: Path, **wanted: object) -> Report:
    return check_plugin(str(folder), Wanted(**wanted))  # type: ignore[arg-type]


def found(report: Report, check: str, function: str | None = None) -> Finding:
    """The one finding of that check."""
    [finding] = [f for f in report.findings if (f.check, f.function) == (check, function)]
    return finding
