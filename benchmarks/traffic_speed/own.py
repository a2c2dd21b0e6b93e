"""Measurements of our environment alone: meso against micro, resets, several workers, growth with the map."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from remalis_envs import traffic_v0
from remalis_envs.traffic.demand import DemandProfile
from remalis_envs.traffic.network import grid
from remalis_envs.traffic.observations import LAYOUT, PHASE_FEATURES

from .contenders import Result
from .course import Course, Gate
from .maps import HORIZON_S, Map
from .tape import actions_of, phase_plan

_PRESSURE = PHASE_FEATURES.index("pressure")
RATE_PER_SIDE_VEH_S = 0.5 / 3
"""A map of n x n signals has n times the borders and trips n times as long: this keeps the cars per signal."""


def pressure_actions(observations: dict[str, dict[str, np.ndarray]]) -> dict[str, int]:
    """Max pressure: traffic that stays alive on every map, which a blind cycle of many phases is not."""
    rows = np.stack([one["observation"] for one in observations.values()])
    masks = np.stack([one["action_mask"] for one in observations.values()])
    pressure = np.where(masks > 0, LAYOUT.phase_features(rows)[:, :, _PRESSURE], -np.inf)
    return dict(zip(observations, pressure.argmax(axis=1).tolist(), strict=True))


def drive(env: Any, course: Course, gate: Gate) -> Result:
    """Run ``course`` under max pressure; ``step`` alone is timed, without the policy."""
    seen, _ = env.reset(seed=course.seed)

    def step(actions: dict[str, int]) -> None:
        nonlocal seen
        seen = env.step(actions)[0]

    found = course.run(step, dict, gate, decide=lambda _: pressure_actions(seen))
    figures = env.metrics()
    return {
        **found,
        "agents": len(env.possible_agents),
        "cars": figures["running_veh"],
        "arrived": figures["arrived_veh"],
        "mean_delay_s": figures["mean_delay_s"],
    }


def fidelity(gate: Gate, course: Course, level: str | None, side: int, fidelity: str) -> Result:
    """Max pressure on a level, or where ``level`` is None on a grid of ``side``."""
    if level is not None:
        env = traffic_v0(level=level, fidelity=fidelity, backend="inline")
    else:
        env = traffic_v0(scenario=grid(side, side), demand=_demand(side), fidelity=fidelity, backend="inline")
    result = drive(env, course, gate)
    env.close()
    return result


def _demand(side: int) -> DemandProfile:
    return DemandProfile("steady", RATE_PER_SIDE_VEH_S * side, RATE_PER_SIDE_VEH_S * side)


class _Physics:
    """A gate that also tells, turn by turn, what SUMO's own steps took, as ``physics_cpu_s``."""

    def __init__(self, gate: Gate, simulation: Any) -> None:
        self._gate, self._spent_s = gate, 0.0
        self._step_to = simulation.step_to
        simulation.step_to = self._timed

    def _timed(self, until_s: float) -> Any:
        begun = time.process_time()
        arrived = self._step_to(until_s)
        self._spent_s += time.process_time() - begun
        return arrived

    def ready(self) -> None:
        self._gate.ready()

    def wait(self) -> None:
        self._gate.wait()
        self._spent_s = 0.0

    def done(self, turn: dict[str, Any]) -> None:
        turn["physics_cpu_s"] = self._spent_s
        self._gate.done(turn)


def growth(gate: Gate, course: Course, side: int) -> Result:
    """Time and memory on a grid of ``side`` x ``side`` signals; ``physics_cpu_s`` is what SUMO's own steps took."""
    before = _resident_mb()
    env: Any = traffic_v0(scenario=grid(side, side), demand=_demand(side), backend="inline")
    env.reset(seed=course.seed)
    result = drive(env, course, _Physics(gate, env._backend.simulation))
    result |= {"imported_mb": before, "resident_mb": _resident_mb()}
    env.close()
    return result


def _resident_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux: the peak instead, in KiB or on macOS in bytes
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    return pages * resource.getpagesize() / 2**20


def resets(level: str, backend: str, repeats: int) -> Result:
    """Seconds of ``reset``; inline, each is followed by a bare ``libsumo.load`` of the same files in turn."""
    env = traffic_v0(level=level, backend=backend)
    for seed in (0, 1):  # the first starts SUMO; in a worker the second is the first from the forked start state
        env.reset(seed=seed)
    ours: list[float] = []
    bare: list[float] = []
    for k in range(repeats):
        with _timed(ours):
            env.reset(seed=2 + k)
        if backend == "inline":
            import libsumo

            with _timed(bare):
                libsumo.load(env.config.scenario.files.command(42))
    agents = len(env.possible_agents)
    env.close()
    return {"agents": agents, "reset_s": ours, "bare_load_s": bare}


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    into.append(time.perf_counter() - begun)


def workers(map: dict[str, str], kind: str, count: int, seed: int, warm_up: int, decisions: int) -> Result:
    """``count`` environments at once, the same work each: ``threads`` that step one worker each, or ``processes``."""
    if kind == "threads":
        barrier: Any = threading.Barrier(count)
        spans: Any = [None] * count
        crew: list[Any] = [
            threading.Thread(target=_work, args=(map, "worker", barrier, spans, k, seed, warm_up, decisions))
            for k in range(count)
        ]
    else:
        context = multiprocessing.get_context("spawn")
        manager = context.Manager()
        barrier, spans = manager.Barrier(count), manager.list([None] * count)
        crew = [
            context.Process(target=_work, args=(map, "inline", barrier, spans, k, seed, warm_up, decisions))
            for k in range(count)
        ]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    times = [span for span in spans if span is not None]
    if len(times) < count:
        raise RuntimeError(f"{count - len(times)} of {count} environments failed")
    span_s = max(end for _, end in times) - min(begin for begin, _ in times)
    return {"count": count, "kind": kind, "steps_per_s": count * decisions / span_s,
            "median_span_s": statistics.median(end - begin for begin, end in times)}  # fmt: skip


def _work(
    map: dict[str, str], backend: str, barrier: Any, spans: Any, k: int, seed: int, warm_up: int, decisions: int
) -> None:
    world = Map(**map)
    env = traffic_v0(scenario=world.net_file, routes=world.route_file, protocol="sumo_rl", horizon_s=HORIZON_S,
                     backend=backend)  # fmt: skip
    sizes = np.array([len(env.phases(a)) for a in env.possible_agents])
    actions = actions_of(env.possible_agents, phase_plan(sizes, warm_up + decisions))
    env.reset(seed=seed + k)
    for t in range(warm_up):
        env.step(actions[t])
    barrier.wait()
    begun = time.monotonic()
    for t in range(warm_up, warm_up + decisions):
        env.step(actions[t])
    spans[k] = (begun, time.monotonic())
    env.close()


MEASUREMENTS: dict[str, Callable[..., Result]] = {
    "fidelity": fidelity,
    "growth": growth,
    "resets": resets,
    "workers": workers,
}
