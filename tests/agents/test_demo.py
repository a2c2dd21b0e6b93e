"""The demo: trains, compares, films and writes a page that says what the figures say."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import pytest

from remalis_agents.cli import remalis_main
from remalis_agents.demo.charts import bar_chart, line_chart, ticks
from remalis_agents.demo.command import COMPARED, LEARNED, learning_curve
from remalis_agents.demo.report import write_report
from remalis_agents.evaluation import EpisodeResult, Interval

pytestmark = pytest.mark.ray


def _results(delays: dict[str, tuple[float, ...]]) -> list[EpisodeResult]:
    return [
        EpisodeResult(name, name == "actuated", seed, {"mean_delay_s": delay, "mean_queue_veh": 1.0}, -delay)
        for name, values in delays.items()
        for seed, delay in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "headline"),
    [
        ((17.0, 17.2), (20.0, 20.2), "The learned team beats every other: 17.1 s of delay, max pressure 20.1 s"),
        ((25.0, 25.2), (20.0, 20.2), "Max pressure is ahead: 20.1 s of delay, the learned team 25.1 s"),
        ((19.0, 21.0), (20.0, 20.2), "The learned team and max pressure are level"),
    ],
)
def test_the_headline_says_what_the_figures_say(
    tmp_path: Path, ours: tuple[float, ...], theirs: tuple[float, ...], headline: str
) -> None:
    results = _results({"max_pressure": theirs, "actuated": (30.0, 31.0), LEARNED: ours})
    page = write_report(
        tmp_path / "report.html", results, [(1.0, 50.0)], {"webster": 31.0}, None, LEARNED, 60.0
    ).read_text()
    assert headline in page
    assert "<video" not in page


def test_bars_are_as_long_as_their_delays_and_sorted() -> None:
    delays = {"a": Interval(10.0, 1.0, 3), "b": Interval(40.0, 2.0, 3), "c": Interval(20.0, math.nan, 1)}
    widths = [
        float(w)
        for w in re.findall(r'height="22" rx="3"|width="([\d.]+)" height="22"', bar_chart(delays, "a", ["b"]))
        if w
    ]
    assert [round(w / widths[0], 2) for w in widths] == [1.0, 2.0, 4.0]
    assert "nan" not in bar_chart(delays, "a", [])


def test_a_curve_without_points_is_a_sentence() -> None:
    assert "No episode ended" in line_chart([], {"max_pressure": 20.0})


@pytest.mark.parametrize(("low", "high"), [(0.0, 97.0), (18.0, 21.0), (0.0, 0.3), (3.0, 3.0)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    assert len(found) <= 7


def test_the_learning_curve_leaves_out_what_is_not_known(tmp_path: Path) -> None:
    with open(tmp_path / "progress.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time_total_s", "env_runners/metrics/mean_delay_s"])
        writer.writerows([["1.0", ""], ["2.0", "nan"], ["3.0", "42.5"]])
    assert learning_curve(tmp_path) == [(3.0, 42.5)]


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--seconds", "0"], "--seconds"), (["--episodes", "1"], "2 episodes")]
)
def test_impossible_numbers_are_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert remalis_main(["demo", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_short_demo_writes_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert remalis_main(["demo", "--seconds", "4", "--episodes", "2", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert set(results["summary"]) == {*COMPARED, LEARNED}
    assert all(figures["collisions"]["mean"] == 0.0 for figures in results["summary"].values())
    for name in (*COMPARED, LEARNED):
        assert name.replace("_", " ") in page
        assert f"{results['summary'][name]['mean_delay_s']['mean']:.1f}" in page
    assert 'src="data:video/mp4;base64,' in page
    assert len(page) < 2_500_000
    assert not re.findall(r'(?:src|href)="(?!data:)', page), "the page needs nothing but itself"
    said = capsys.readouterr().out
    assert re.search(r"The learned team (beats|loses to|is level with) max pressure", said)
