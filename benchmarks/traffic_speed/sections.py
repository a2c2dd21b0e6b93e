"""The sections of the benchmark: what is measured, how often, and against which target."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from .contenders import MENDED
from .course import Course
from .maps import load_map
from .process import Cell
from .ratios import rates, ratio, same_simulation, spread
from .runner import Progress, interleave, take_turns

Section = dict[str, Any]
_LIBSUMO = {"LIBSUMO_AS_TRACI": "1"}
_NO_INFO = {"add_system_info": False, "add_per_agent_info": False}
_LIKE_SUMO_RL = {"observation": "sumo_rl", "reward": "sumo_rl/diff-waiting-time"}


@dataclass(frozen=True)
class Plan:
    """Lengths of a full or a quick run."""

    quick: bool

    def pick(self, full: Any, quick: Any) -> Any:
        """The value for this run."""
        return quick if self.quick else full


def figure(
    what: str, value: dict[str, Any], target: float | None = None, sense: str = ">=", unit: str = "x"
) -> Section:
    """A number of the result with its target; ``met`` is judged on the median."""
    met = None if target is None else (value["median"] >= target if sense == ">=" else value["median"] <= target)
    return {"what": what, "unit": unit, **value, "target": target, "sense": sense, "met": met}


# -- beside others ------------------------------------------------------------------------------------------------
_TARGETS = {"grid4x4": 2.1, "grid8x8": 2.3, "irregular174": 10.0}
_ROUNDS = {"grid4x4": 12, "grid8x8": 4, "irregular174": 3}
_DECISIONS = {"grid4x4": (60, 200), "grid8x8": (120,), "irregular174": (100,)}
# A turn takes 30 to 300 ms, and holds whole periods of the policy, which switches at every fourth decision.
_TURN = {"grid4x4": 20, "grid8x8": 4, "irregular174": 4}
_SOCKETS_TURN = 4


def contenders(map_name: str, course: Course) -> dict[str, Cell]:
    """Who runs on a map, but for sumo-rl on sockets."""
    base = {"map": vars(load_map(map_name)), "course": course.as_dict()}
    cells = {
        "ours": Cell("ours", base),
        "bare libsumo": Cell("bare", base),
        "sumo-rl parallel": Cell("sumo_rl", {**base, "options": {"form": "parallel"}}, _LIBSUMO),
    }
    if map_name == "grid4x4":
        cells |= {
            "ours, sumo-rl's numbers": Cell("ours", {**base, "options": _LIKE_SUMO_RL}),
            "sumo-rl class": Cell("sumo_rl", {**base, "options": {"form": "class"}}, _LIBSUMO),
            "sumo-rl class, no info": Cell("sumo_rl", {**base, "options": {"form": "class", **_NO_INFO}}, _LIBSUMO),
        }
    return cells


def beside_others(map_name: str, plan: Plan, progress: Progress) -> Section:
    """Sections 1 and 2: ours, bare libsumo and sumo-rl on the same map, demand, seed and policy."""
    laps = plan.pick(_DECISIONS[map_name], (20,))
    course = Course(warm_up=plan.pick(20, 4), laps=laps, turn=plan.pick(_TURN[map_name], 8))
    results = take_turns(contenders(map_name, course), plan.pick(_ROUNDS[map_name], 1), progress)
    shared = same_simulation([one for runs in results.values() for one in runs])
    ours, agents = results["ours"], results["ours"][0]["agents"]
    figures = [
        figure(f"bare libsumo, {agents} signals", ratio(ours, results["bare libsumo"]), 0.80),
        figure(
            f"sumo-rl parallel, libsumo, {agents} signals", ratio(ours, results["sumo-rl parallel"]), _TARGETS[map_name]
        ),
    ]
    if map_name == "grid4x4":
        for label, target in (("sumo-rl class", 1.4), ("sumo-rl class, no info", None)):
            figures.append(figure(f"{label}, libsumo, {agents} signals", ratio(ours, results[label]), target))
        alike = ratio(results["ours, sumo-rl's numbers"], results["sumo-rl parallel"])
        figures.append(figure(f"the same, ours with sumo-rl's observation and reward, {agents} signals", alike))
        figures.append(_sockets(laps[0], course, plan, progress, results, agents))
    return {
        "map": map_name,
        "agents": agents,
        "lanes_read": results["bare libsumo"][0]["lanes"],
        "course": course.as_dict(),
        "cars_at_the_end": ours[0]["laps"][-1]["cars"],
        "fingerprint": shared,
        "note": MENDED,
        "env_steps_per_s": {label: rates(runs) for label, runs in results.items()},
        "figures": figures,
        "raw": results,
    }


def _sockets(
    decisions: int, course: Course, plan: Plan, progress: Progress, results: dict[str, list[Section]], agents: int
) -> Section:
    """sumo-rl as it comes: through TraCI's sockets, for the first lap only, in turns with one more of ours."""
    short = Course(course.warm_up, (decisions,), _SOCKETS_TURN, course.seed)
    base = {"map": vars(load_map("grid4x4")), "course": short.as_dict()}
    cells = {
        "ours, short": Cell("ours", base),
        "sumo-rl parallel, sockets": Cell("sumo_rl", {**base, "options": {"form": "parallel"}}),
    }
    found = take_turns(cells, plan.pick(3, 1), progress)
    same_simulation([one for runs in found.values() for one in runs])
    results.update(found)
    value = ratio(found["ours, short"], found["sumo-rl parallel, sockets"], clock="wall_s")
    return figure(f"sumo-rl parallel, sockets (as it comes), {agents} signals", value, 50.0)


# -- our own ------------------------------------------------------------------------------------------------------
def meso(plan: Plan, progress: Progress) -> Section:
    """Section 3: the mesoscopic model against the microscopic one."""
    course = Course(warm_up=plan.pick(100, 10), laps=(plan.pick(150, 20),), turn=10)
    base = {"level": plan.pick("hard", None), "side": 3, "course": course.as_dict()}
    cells = {kind: Cell("fidelity", {**base, "fidelity": kind}) for kind in ("micro", "meso")}
    results = take_turns(cells, plan.pick(4, 1), progress)
    agents = results["micro"][0]["agents"]
    value = ratio(results["meso"], results["micro"])
    return {
        "env_steps_per_s": {label: rates(runs) for label, runs in results.items()},
        "figures": [figure(f"meso over micro, {agents} signals", value, 4.0)],
        "raw": results,
    }


def resets(plan: Plan, progress: Progress) -> Section:
    """Section 4: resets in the process against a bare load of the same files, and from a forked start state."""
    figures, raw = [], {}
    for level in plan.pick(("easy", "medium", "hard", "hell"), ("easy",)):
        repeats = plan.pick(12, 3)
        for backend in ("inline", "worker"):
            label = f"reset {level} {backend}"
            found = interleave(
                {label: Cell("resets", {"level": level, "backend": backend, "repeats": repeats})}, 1, progress
            )
            raw[label] = found[label]
            times = found[label][0]
            if backend == "inline":
                pairs = [a / b for a, b in zip(times["reset_s"], times["bare_load_s"], strict=True)]
                figures.append(figure(f"reset in the process over a bare load, {level}", spread(pairs), 1.3, "<="))
            milliseconds = spread([1e3 * value for value in times["reset_s"]])
            target = 40.0 if backend == "worker" else None
            where = "from the forked start" if backend == "worker" else "in the process"
            figures.append(figure(f"reset {where}, {level}", milliseconds, target, "<=", "ms"))
    return {"figures": figures, "raw": raw}


def workers(plan: Plan, progress: Progress) -> Section:
    """Section 5: several environments at once."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    counts = sorted({k for k in (1, 2, 4, 8, 16, 32, 64) if k <= cores} | {cores})
    name = plan.pick("grid8x8", "grid4x4")
    base = {"map": vars(load_map(name)), "seed": 7, "warm_up": plan.pick(20, 2), "decisions": plan.pick(100, 10)}
    cells = {
        f"{count} {kind}": Cell("workers", {**base, "kind": kind, "count": count})
        for kind in ("threads", "processes")
        for count in plan.pick(counts, counts[:1])
    }
    results = interleave(cells, plan.pick(3, 1), progress)
    figures = []
    for label, runs in results.items():
        count, kind = label.split()
        held = "worker environments, a thread each" if kind == "threads" else "processes, an environment each"
        value = spread([one["steps_per_s"] for one in runs])
        figures.append(figure(f"{count} {held}, {cores} cores", value, unit="env-steps/s"))
    return {"map": name, "figures": figures, "raw": results}
