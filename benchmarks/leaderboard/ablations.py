"""Tables of variants: rows in a fixed order, several figures each, with intervals (tables 2 and 3 of the paper)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from leaderboard.cells import Cell
from leaderboard.statistics import mean, run_bootstrap
from leaderboard.variants import METHOD, TABLES, VARIANTS

FIGURES: dict[str, tuple[str, float]] = {
    "mean_delay_s": ("mean delay, s", 1.0),
    "aligned_share": ("aligned pairs, %", 100.0),
    "dependent_pairs": ("dependent pairs", 1.0),
    "belief_accuracy": ("beliefs that came true, %", 100.0),
    "coordination_time_s": ("coordination time, s", 1.0),
    "received_bytes": ("bytes an agent receives in a step", 1.0),
    "acting_ms": ("computing a team step, ms", 1.0),
}
"""What is shown: title and scale. ``acting_ms`` is of a run, not of an episode, and of the machine that played it."""
WHOLE = "the whole method"


def ablations(pairs: Sequence[tuple[Cell, dict[str, Any] | None]]) -> list[dict[str, Any]]:
    """The tables of which any variant was asked for, a list of rows each.

    Args:
        pairs: cells with their results, None where there is none yet.
    """
    places = dict.fromkeys((c.task, c.budget) for c, _ in pairs if c.method in VARIANTS and not c.transferred)
    found = []
    for (task, budget), (title, methods) in ((place, table) for place in places for table in TABLES.items()):
        here = [(c, r) for c, r in pairs if (c.task, c.budget) == (task, budget) and not c.transferred]
        asked = {cell.method for cell, _ in here}
        if any(method in asked for method in methods if method != METHOD):
            rows = [_row(method, [pair for pair in here if pair[0].method == method]) for method in methods]
            found.append({"title": title, "task": task, "budget": budget, "rows": rows})
    return found


def _row(method: str, pairs: Sequence[tuple[Cell, dict[str, Any] | None]]) -> dict[str, Any]:
    done = [result for _, result in pairs if result and result["status"] == "done"]
    figures = {}
    for name in FIGURES:
        scores = _scores(done, name)
        if scores.size:
            figures[name] = asdict(run_bootstrap(scores, mean))
    return {"method": method, "title": title_of(method), "runs": len(done), "asked": len(pairs), "figures": figures}


def title_of(method: str) -> str:
    """A row's name for people."""
    return WHOLE if method == METHOD else VARIANTS[method].title


def _scores(done: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """``[runs, episodes]`` of one figure; empty where a run does not have it."""
    rows = [[one.get(name, result.get(name)) for one in result["episodes"]] for result in done]
    if not rows or any(value is None or math.isnan(value) for row in rows for value in row):
        return np.empty((0, 0))
    count = min(map(len, rows))
    return np.array([row[:count] for row in rows], dtype=np.float64)
