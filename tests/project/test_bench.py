"""The benchmark: what it counts as a ratio, what becomes of its results, and that a measurement cannot fail in silence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench import runs
from bench.figures import GaveUp, lateness_of, quantile
from bench.results import Row, judged, table, with_section
from bench.runs import Bench, MeasurementFailed, Side, Taken


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """One whose measurements are modules in a folder of the test's own."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "__init__.py").touch()
    monkeypatch.setattr(runs, "ROOT", tmp_path)
    monkeypatch.setattr(runs, "PEERS_PYTHON", Path(sys.executable))
    return Bench(tmp_path / "root", rounds=2, quick=False)


def measurement(bench: Bench, source: str) -> Side:
    bench.root.mkdir()
    (bench.root.parent / "bench" / "made.py").write_text(source)
    return Side("made", "what", 7, seconds=20)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    ours, theirs = (
        Taken([{"per_second": value} for value in values]) for values in ((100.0, 10.0, 90.0), (10.0, 1.0, 30.0))
    )
    assert ours["per_second"] == 90.0
    assert ours.over(theirs, "per_second") == 10.0


def test_sides_take_turns(bench: Bench) -> None:
    side = measurement(bench, "import sys\nprint('{\"count\": ' + sys.argv[3] + '}')")
    first, second = bench.alternate(side, side)
    assert [taken["count"] for taken in first.rounds + second.rounds] == [7] * 4


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise SystemExit('3 of 7 have succeeded')", "exit status 1: 3 of 7 have succeeded"),
        ("print('well')", "no figures: well"),
        ("import time\ntime.sleep(60)", "not done within 0.5 s"),
    ],
)
def test_a_measurement_that_does_not_come_to_its_end_says_so(bench: Bench, source: str, told: str) -> None:
    side = measurement(bench, source)
    with pytest.raises(MeasurementFailed, match=told):
        bench.measure(Side(side.module, side.what, side.count, seconds=0.5 if "sleep" in source else 20))


def test_starts_that_are_missing_are_no_lateness() -> None:
    with pytest.raises(GaveUp, match="1 starts of 2"):
        lateness_of([1.0], [1.0, 2.0])
    assert lateness_of([2.5, 1.5], [1.0, 2.0]) == {"p50_ms": 500.0, "p99_ms": 500.0, "ran": 2}
    assert quantile(range(100), 0.99) == 99


def test_a_missed_goal_stands_out() -> None:
    text = table([Row("runs", "10 / s", "1 / s", *judged(10.0, at_least=20))], ("cronplug", "peer"))
    assert "| runs | 10 / s | 1 / s | 10.0x | >= 20x | **missed** |" in text


def test_a_section_is_replaced_and_the_others_stay() -> None:
    text = with_section(with_section("# Results\n", "One", "old"), "Two", "kept")
    assert with_section(text, "One", "new") == "# Results\n\n## One\n\nnew\n\n## Two\n\nkept\n"
