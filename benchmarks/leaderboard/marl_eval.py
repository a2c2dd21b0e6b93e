"""The results in the JSON form that marl-eval reads, for people who draw their figures with it.

Gorsane et al., "Towards a Standardised Performance Evaluation Protocol for Cooperative MARL", 2022, arXiv:2209.10485:
``environment -> task -> algorithm -> run -> step_k | absolute_metrics``. It asks for as many runs and steps of every
algorithm, so curves are given at the same steps for all, and a method that lacks a run is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leaderboard.store import Store

STEPS = 10


def marl_eval(content: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """Learned methods of every table that are complete.

    Args:
        content: what :func:`leaderboard.results.leaderboard` made.
        store: where the episodes are.

    Returns:
        ``step_k`` has the mean of the training episodes around a step, ``absolute_metrics`` the figure of every
        held-out episode of the final policy.
    """
    episodes = {cell.key: store.load(cell) for cell in store.planned()}
    found: dict[str, Any] = {}
    for table in content["tables"]:
        name = table["level"] if table["budget"] is None else f"{table['level']}_{table['budget']}"
        for row in table["rows"]:
            if not row["learned"] or row["status"] != "done":
                continue
            own = {
                f"seed_{run['seed']}": _run(episodes[run["key"]], table["figure"], table["budget"])
                for run in row["runs"]
            }
            found.setdefault(table["environment"], {}).setdefault(name, {})[row["method"]] = own
    return found


def _run(result: Any, figure: str, budget: int) -> dict[str, Any]:
    curve = [(p["env_steps"], p[figure]) for p in result["training"]["curve"] if p.get(figure) is not None]
    at = np.linspace(budget / STEPS, budget, STEPS)
    values = np.interp(at, *np.array(curve).T) if curve else np.full(STEPS, np.nan)
    run: dict[str, Any] = {
        f"step_{k}": {"step_count": int(step), figure: [float(value)]}
        for k, (step, value) in enumerate(zip(at, values, strict=True), 1)
    }
    run["absolute_metrics"] = {figure: [one[figure] for one in result["episodes"]]}
    return run
