"""What a check of a plugin found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from cronplug.model import Json

Verdict = Literal["pass", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check of the plugin, or of one of its functions; `message` is a sentence, `details` lines to look at."""

    check: str
    verdict: Verdict
    message: str
    function: str | None = None
    details: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """The finding for programs."""
        return {
            "check": self.check,
            "function": self.function,
            "verdict": self.verdict,
            "message": self.message,
            "details": list(self.details),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything found about one plugin, in the order of looking."""

    plugin: str
    version: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst there is: fail, warn or pass; what was not tried does not count.

        >>> Report(plugin="acme", version="1", findings=()).verdict
        'pass'
        """
        return worst(finding.verdict for finding in self.findings)

    def count(self, verdict: Verdict) -> int:
        """How many findings say so."""
        return sum(finding.verdict == verdict for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "plugin": self.plugin,
            "version": self.version,
            "verdict": self.verdict,
            "checks": [finding.as_json() for finding in self.findings],
        }


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that decides.

    >>> worst(["pass", "skip", "warn"]), worst([])
    ('warn', 'pass')
    """
    found = set(verdicts)
    return "fail" if "fail" in found else "warn" if "warn" in found else "pass"
