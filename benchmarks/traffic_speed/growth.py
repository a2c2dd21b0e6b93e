"""How time and memory grow with the map, from 9 to 400 signals; all sizes take turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from .course import Course
from .process import Cell
from .ratios import Result, over_rounds
from .runner import Progress, take_turns
from .sections import Plan, Section, figure

_TURNS = 25
_TURN = {3: 10, 4: 10, 5: 10, 8: 4, 10: 4, 14: 2, 20: 1}
"""Decisions in a turn for each side of the map: 15 to 150 ms, or a small map's turn would only refill the cache."""
_COST: dict[str, Callable[[dict[str, Any]], float]] = {
    "cpu": lambda turn: turn["cpu_s"],
    "physics_cpu": lambda turn: turn["physics_cpu_s"],
    "own_cpu": lambda turn: turn["cpu_s"] - turn["physics_cpu_s"],
}


def growth(plan: Plan, progress: Progress) -> Section:
    """Section 6: time and memory from 9 to 400 signals."""
    cells = {
        f"{side}x{side}": Cell("growth", {"side": side, "course": _course(side, plan).as_dict()})
        for side in plan.pick(tuple(_TURN), (3, 4))
    }
    results = take_turns(cells, plan.pick(3, 1), progress)
    rows = [_row(runs) for runs in results.values()]
    # Small maps pay SUMO's and our fixed cost with few signals, so growth is judged from 25 on.
    small = results["5x5" if "5x5" in results else "3x3"]
    large = list(results.values())[-1]
    sizes = f"{large[0]['agents']} signals over {small[0]['agents']}"
    figures = [
        figure(f"{what} per signal, {sizes}", _grown(small, large, cost), target, "<=")
        for what, cost, target in (
            ("CPU time", "cpu", 1.1),
            ("SUMO's own stepping", "physics_cpu", None),
            ("our share of it", "own_cpu", 1.1),
        )
    ]
    return {"rows": rows, "figures": figures, "remark": _remark(small, large), "raw": results}


def _course(side: int, plan: Plan) -> Course:
    # Until the first cars have crossed the map it is still filling up: the larger the map, the longer.
    turn = plan.pick(_TURN[side], 5)
    return Course(plan.pick(20 + 8 * side, 10), (turn * plan.pick(_TURNS, 2),), turn)


def _us_per_signal(run: Result, cost: str) -> list[float]:
    """Microseconds a decision and signal, turn by turn."""
    return [1e6 * _COST[cost](turn) / turn["decisions"] / run["agents"] for turn in run["turns"]]


def _grown(small: list[Result], large: list[Result], cost: str) -> dict[str, Any]:
    """Ratios of the costs per signal: of turn k to turn k, and of the sums of a round."""
    rounds = [(_us_per_signal(a, cost), _us_per_signal(b, cost)) for a, b in zip(small, large, strict=True)]
    turns = [[after / before for before, after in zip(*one, strict=True)] for one in rounds]
    return over_rounds(turns, [sum(after) / sum(before) for before, after in rounds])


def _typical(runs: list[Result], cost: str) -> float:
    """Microseconds a decision and signal: median over rounds of the mean over turns."""
    return statistics.median(statistics.mean(_us_per_signal(one, cost)) for one in runs)


def _row(runs: list[Result]) -> Section:
    """One point of the curve."""
    signals = runs[0]["agents"]
    return {
        "signals": signals,
        "cars": runs[0]["cars"],
        "cpu_ms_per_step": _typical(runs, "cpu") * signals / 1e3,
        "physics_cpu_ms_per_step": _typical(runs, "physics_cpu") * signals / 1e3,
        "cpu_us_per_signal": _typical(runs, "cpu"),
        "own_cpu_us_per_signal": _typical(runs, "own_cpu"),
        "resident_mb": statistics.median(one["resident_mb"] for one in runs),
        "imported_mb": statistics.median(one["imported_mb"] for one in runs),
    }


def _remark(small: list[Result], large: list[Result]) -> str:
    """Whose the growth is, in a sentence."""
    costs = {name: (_typical(small, name), _typical(large, name)) for name in _COST}
    said = {name: f"from {a:.3g} to {b:.3g} us" for name, (a, b) in costs.items()}
    return (
        f"Between {small[0]['agents']} and {large[0]['agents']} signals, CPU time a decision and signal goes "
        f"{said['cpu']}: SUMO's own stepping {said['physics_cpu']}, our share {said['own_cpu']}."
    )
