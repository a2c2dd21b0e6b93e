"""From stored cells to what the leaderboard says: tables by task and budget, with intervals and verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from leaderboard.ablations import ablations
from leaderboard.cells import Cell
from leaderboard.overall import overall
from leaderboard.statistics import Estimate, curve_band, interquartile_mean, mean, paired_difference, run_bootstrap
from leaderboard.store import Store
from leaderboard.tasks import REFERENCE, TASKS, Task, task

Result = dict[str, Any]
SOLVED, NEAR_CHANCE = 0.95, 0.05


def leaderboard(store: Store, about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the report shows, as JSON has it."""
    results = {cell.place: (cell, store.load(cell)) for cell in store.planned()}
    tables = _tables(list(results.values()), store.plan()["without"])
    return {
        "about": dict(about),
        "commands": list(dict.fromkeys(r["about"]["command"] for _, r in results.values() if r and "about" in r)),
        "counts": _counts(result for _, result in results.values()),
        "tables": tables,
        "overall": overall(tables),
        "ablations": ablations(list(results.values())),
        "transfer": _transfer(list(results.values()), store.plan()["without"]),
        "failures": [
            {"cell": cell.label, "key": cell.key, "reason": result["reason"], "log": result.get("log", [])}
            for cell, result in results.values()
            if result and result["status"] == "failed"
        ],
    }


Pair = tuple[Cell, Result | None]


def _counts(results: Iterable[Result | None]) -> dict[str, int]:
    states = [result["status"] if result else "missing" for result in results]
    return {state: states.count(state) for state in ("done", "failed", "missing")}


def _task(cell: Cell) -> Task:
    """The task, or one like it for an experiment file, which the plan has by its path only."""
    return TASKS.get(cell.task) or task(cell.config)


def _tables(pairs: Sequence[Pair], without: Mapping[str, str]) -> list[dict[str, Any]]:
    own = [pair for pair in pairs if not pair[0].transferred]
    targets = {cell.task for cell, _ in pairs if cell.transferred}
    order = {name: number for number, name in enumerate(TASKS)}
    names = sorted(dict.fromkeys(cell.task for cell, _ in own), key=lambda name: order.get(name, -1))
    tables: list[dict[str, Any]] = []
    for name in names:
        here = [pair for pair in own if pair[0].task == name]
        missing = _without(without, name, name)
        budgets = sorted({cell.budget for cell, _ in here if cell.budget is not None})
        if not budgets and name in targets:
            continue
        for budget in (*budgets,) or (None,):
            tables.append(_table([p for p in here if p[0].budget in (None, budget)], budget, missing))
    return tables


def _without(reasons: Mapping[str, str], played: str, trained_on: str | None) -> dict[str, str]:
    """Method -> why it has no configuration."""
    split = [(key.split("|"), why) for key, why in reasons.items()]
    return {method: why for (task, method, source), why in split if (task, source) == (played, trained_on)}


def _table(pairs: Sequence[Pair], budget: int | None, missing: Mapping[str, str]) -> dict[str, Any]:
    where = _task(pairs[0][0])
    methods = dict.fromkeys(cell.method for cell, _ in pairs)
    reference = _episodes([pair for pair in pairs if pair[0].method == REFERENCE], where.figure)
    rows = [_row(where, [pair for pair in pairs if pair[0].method == method], reference) for method in methods]
    rows += [
        {"method": method, "learned": True, "status": "missing", "reason": why, "runs": []}
        for method, why in missing.items()
    ]
    sign = -1.0 if where.higher_is_better else 1.0
    rows.sort(key=lambda row: sign * row["mean"]["value"] if row.get("mean") else math.inf)
    return {
        "task": where.name,
        "title": where.title,
        "environment": where.environment,
        "level": where.level,
        "figure": where.figure,
        "unit": where.unit,
        "higher_is_better": where.higher_is_better,
        "chance": where.chance,
        "budget": budget,
        "seeds": sorted({seed for cell, _ in pairs for seed in cell.seeds}),
        "reference": REFERENCE if reference else None,
        "rows": rows,
    }


def _episodes(pairs: Sequence[Pair], figure: str) -> dict[int, list[float]]:
    """Training seed (0 for controllers) -> the figure of each held-out episode, by run; only runs that are done."""
    return {
        cell.seed or 0: [math.nan if one[figure] is None else one[figure] for one in result["episodes"]]
        for cell, result in pairs
        if result and result["status"] == "done" and all(figure in one for one in result["episodes"])
    }


def _row(where: Task, pairs: Sequence[Pair], reference: Mapping[int, list[float]]) -> dict[str, Any]:
    first = pairs[0][0]
    row: dict[str, Any] = {
        "method": first.method,
        "learned": first.learned,
        "own_program": any(result and result.get("own_program") for _, result in pairs),
        "runs": [_run(cell, result, where.figure) for cell, result in pairs],
    }
    states = {run["status"] for run in row["runs"]}
    row["status"] = "partial" if "done" in states and len(states) > 1 else next(iter(sorted(states)))
    row["reason"] = next((run["reason"] for run in row["runs"] if run.get("reason")), None)
    scores = _matrix(_episodes(pairs, where.figure))
    if not scores.size:
        return row
    row["over"] = "training seeds" if len(scores) > 1 else "episodes"
    row["mean"], row["iqm"] = asdict(run_bootstrap(scores, mean)), asdict(run_bootstrap(scores, interquartile_mean))
    row["figures"] = _figures([result for _, result in pairs if result and result["status"] == "done"])
    row["verdict"], row["difference"] = _verdict(where, first.method, scores, _matrix(reference))
    means = {run["seed"] or 0: run["value"] for run in row["runs"] if run["status"] == "done"}
    base = float(np.mean(_matrix(reference))) if reference else None
    row["scores"] = [where.score(value, base) for value in means.values()] if first.learned or reference else []
    row["curve"] = _curve(pairs, where.figure) if first.learned else None
    return row


def _matrix(runs: Mapping[int, Sequence[float]]) -> np.ndarray:
    """``[runs, episodes]`` of as many episodes as all have, which are the same ones: seeds count up from one number."""
    if not runs:
        return np.empty((0, 0))
    count = min(len(own) for own in runs.values())
    return np.array([own[:count] for own in runs.values()], dtype=np.float64)


def _run(cell: Cell, result: Result | None, figure: str) -> dict[str, Any]:
    run: dict[str, Any] = {"seed": cell.seed, "key": cell.key, "commands": cell.commands()}
    if result is None:
        return {**run, "status": "missing", "reason": None}
    run |= {"status": result["status"], "reason": result.get("reason"), "took_s": result.get("took_s")}
    if result["status"] == "done":
        values = [one.get(figure) for one in result["episodes"]]
        run["value"] = float(np.mean(values)) if None not in values else None
        run |= (
            {name: result["training"][name] for name in ("env_steps", "wall_s", "env_steps_per_s")}
            if ("training" in result)
            else {}
        )
    return run


def _figures(results: Sequence[Result]) -> dict[str, float]:
    """Mean of every figure of the episodes."""
    names = dict.fromkeys(name for result in results for one in result["episodes"] for name in one if name != "seed")
    found = {}
    for name in names:
        values = [one[name] for result in results for one in result["episodes"] if one.get(name) is not None]
        found[name] = float(np.mean(values)) if values else math.nan
    return found


def _verdict(where: Task, method: str, scores: np.ndarray, reference: np.ndarray) -> tuple[str | None, Any]:
    if where.chance is not None:
        value = float(scores.mean())
        near = abs(value - where.chance) <= NEAR_CHANCE
        return ("solved" if value >= SOLVED else "at chance" if near else "between"), None
    if method == REFERENCE or not reference.size:
        return ("reference" if method == REFERENCE else None), None
    count = min(scores.shape[1], reference.shape[1])
    gap = paired_difference(scores[:, :count], reference[:, :count])
    return _sense(gap, where.higher_is_better), asdict(gap)


def _sense(gap: Estimate, higher_is_better: bool) -> str | None:
    if math.isnan(gap.low):
        return None
    better, worse = (gap.low > 0, gap.high < 0) if higher_is_better else (gap.high < 0, gap.low > 0)
    return "beats" if better else "worse" if worse else "level"


def _curve(pairs: Sequence[Pair], figure: str) -> dict[str, Any]:
    runs = [
        [(point["env_steps"], point[figure]) for point in result["training"]["curve"] if point.get(figure) is not None]
        for _, result in pairs
        if result and result["status"] == "done"
    ]
    band = curve_band(runs) if all(runs) else []
    return {"runs": runs, "band": [[steps, one.value, one.low, one.high] for steps, one in band]}


def _transfer(pairs: Sequence[Pair], without: Mapping[str, str]) -> dict[str, Any] | None:
    """What policies reach on maps that they were not trained on, beside the controllers there."""
    moved = [pair for pair in pairs if pair[0].transferred]
    if not moved:
        return None
    names = [name for name in TASKS if name in {cell.task for cell, _ in moved}]
    rows: dict[tuple[str, Any], dict[str, Any]] = {}
    for name in names:
        where = TASKS[name]
        here = [p for p in pairs if p[0].task == name and not p[0].learned]
        reference = _episodes([p for p in here if p[0].method == REFERENCE], where.figure)
        here += [p for p in moved if p[0].task == name]
        for key in dict.fromkeys((cell.method, cell.budget) for cell, _ in here):
            found = _row(where, [p for p in here if (p[0].method, p[0].budget) == key], reference)
            found.pop("curve", None)
            rows.setdefault(key, {"method": key[0], "budget": key[1], "cells": {}})["cells"][name] = found
        for method, why in _without(without, name, moved[0][0].trained_on).items():
            lacking = {"method": method, "learned": True, "status": "missing", "reason": why, "runs": []}
            rows.setdefault((method, None), {"method": method, "budget": None, "cells": {}})["cells"][name] = lacking
    order = sorted(rows.values(), key=lambda row: _first_mean(row, names))
    return {"trained_on": moved[0][0].trained_on, "tasks": names, "unit": TASKS[names[0]].unit, "rows": order}


def _first_mean(row: Mapping[str, Any], names: Sequence[str]) -> float:
    means = [row["cells"].get(name, {}).get("mean") for name in names]
    return next((one["value"] for one in means if one), math.inf)
