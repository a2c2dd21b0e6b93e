"""Intervals against tables, and evaluation of policies and controllers on the real environment."""

from __future__ import annotations

import io
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import remalis_envs
from remalis_agents.controllers import make_controller
from remalis_agents.evaluation import EpisodeResult, evaluate, interval, load, save, student_t_975, summary, table
from remalis_envs.errors import RemalisError, UnknownNameError

SHORT = partial(remalis_envs.traffic_v0, level="easy", split="test", horizon_s=120.0)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042), (120, 1.980)]
)
def test_student_t(freedom: int, quantile: float) -> None:
    assert student_t_975(freedom) == pytest.approx(quantile, abs=6e-4)


def test_interval() -> None:
    one = interval([1.0, 2.0, 3.0, math.nan])
    assert (one.mean, one.count) == (2.0, 3)
    assert one.half_width == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert math.isnan(interval([5.0]).half_width) and interval([5.0]).mean == 5.0
    assert interval([]).count == 0
    far = interval([9.0, 9.1, 9.2])
    assert not one.overlaps(far) and not far.overlaps(one) and one.overlaps(one)
    assert interval([5.0]).overlaps(far), "one episode proves nothing"


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0).normal(3.0, 2.0, (2000, 5))
    covered = [own.low <= 3.0 <= own.high for own in map(interval, draws)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_policies_and_controllers_alike(tmp_path: Path) -> None:
    seen: list[EpisodeResult] = []
    greedy = make_controller("greedy")
    results = evaluate(greedy, SHORT, [4, 5], progress=seen.append)
    assert seen == results and [result.seed for result in results] == [4, 5]
    as_function = evaluate(greedy.act, SHORT, [4, 5], name="function")
    assert [r.metrics["mean_delay_s"] for r in as_function] == [r.metrics["mean_delay_s"] for r in results]
    assert as_function[0].mean_return == results[0].mean_return < 0
    own = evaluate(make_controller("fixed_time"), SHORT, [4])
    assert own[0].own_program and not results[0].own_program

    everything = [*results, *as_function, *own]
    save(everything, tmp_path / "episodes.json", level="easy")
    again = load(tmp_path / "episodes.json")
    assert str(again) == str(everything)
    assert list(summary(again)) == ["greedy", "function", "fixed_time"]

    console = Console(width=140, record=True, file=io.StringIO())
    console.print(table(everything))
    text = console.export_text()
    assert "fixed_time*" in text and f"{summary(own)['fixed_time']['mean_delay_s'].mean:.2f}" in text
    with pytest.raises(UnknownNameError, match="mean_delay_s"):
        table(everything, ("mean_delay",))


def test_what_cannot_be_evaluated_is_refused() -> None:
    with pytest.raises(RemalisError, match="at least one seed"):
        evaluate(make_controller("greedy"), SHORT, [])
    with pytest.raises(RemalisError, match="factory"):
        evaluate(make_controller("webster"), lambda: SHORT(), [0])
