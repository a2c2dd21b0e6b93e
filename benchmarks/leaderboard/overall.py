"""All tasks together: scores beside the reference controller, and who would win against whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from leaderboard.statistics import interquartile_mean, mean, probability_of_improvement, stratified_bootstrap

Scores = dict[str, dict[str, list[float]]]
"""Method -> task -> score of each run."""


def overall(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Scores over all tasks that have a reference, None where no table has one.

    A task with several budgets counts with the largest. Methods that lack a task are named with what they lack, and not
    ranked: a mean over fewer tasks would be no comparison.
    """
    chosen = {table["task"]: table for table in sorted(tables, key=lambda table: table["budget"] or 0)}
    chosen = {name: table for name, table in chosen.items() if table["reference"]}
    if not chosen:
        return None
    scores: Scores = {}
    lacking: dict[str, list[str]] = {}
    learned: dict[str, bool] = {}
    for name, table in chosen.items():
        for row in table["rows"]:
            learned[row["method"]] = row["learned"]
            own = [score for score in row.get("scores", []) if score is not None]
            if own:
                scores.setdefault(row["method"], {})[name] = own
            else:
                lacking.setdefault(row["method"], []).append(name)
    for method, done in scores.items():
        lacking.setdefault(method, []).extend(name for name in chosen if name not in done)
    whole = {method: done for method, done in scores.items() if not set(chosen) - set(done)}
    rows: list[dict[str, Any]] = [
        {
            "method": method,
            "learned": learned[method],
            "runs": sum(len(own) for own in tasks.values()),
            "iqm": asdict(stratified_bootstrap([tasks[name] for name in chosen], interquartile_mean)),
            "mean": asdict(stratified_bootstrap([tasks[name] for name in chosen], mean)),
        }
        for method, tasks in whole.items()
    ]
    rows.sort(key=lambda row: -row["iqm"]["value"])
    ranked = [row["method"] for row in rows if row["learned"]]
    return {
        "tasks": list(chosen),
        "rows": rows,
        "lacking": {method: names for method, names in lacking.items() if names and method not in whole},
        "improvement": {
            a: {b: asdict(probability_of_improvement(_of(whole[a], chosen), _of(whole[b], chosen))) for b in ranked}
            for a in ranked
        },
    }


def _of(tasks: Mapping[str, list[float]], names: Mapping[str, Any]) -> list[list[float]]:
    return [tasks[name] for name in names]
