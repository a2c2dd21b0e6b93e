"""What is measured of the ReMALIS network."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

from traffic_speed.runner import Progress
from traffic_speed.sections import Plan, figure

Section = dict[str, Any]
RATIOS = "times of ours over the other's, round by round; median, lowest and highest; above 1 ours takes longer"
"""How the figures of a result are to be read; part of the result."""
WIDTH = (64, 64)
NETWORKS: dict[str, dict[str, Any]] = {
    "remalis": {"preset": "tiny"},
    "ippo": {"hidden": WIDTH},
    "commnet": {"hidden": WIDTH},
}
"""The network, and two whose bodies are as wide: one silent, one whose agents hear a mean of each other."""
NAMES = {"ippo": "IPPO", "commnet": "CommNet"}
PHASES = 8
SIZES = ((9, PHASES), (64, PHASES), (174, PHASES), (400, PHASES), (64, 20), (174, 30))
"""Agents and the phases that each has: the same for all, to see what size costs; and as many as on hard and on hell."""
TARGETS_MS = {(9, PHASES): 4.0, (64, PHASES): 12.0}


def spread(values: list[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


class Disturbance:
    """How busy the machine was meanwhile."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, Any]:
        """Share of the wall time in which this process had a core, and the load now."""
        wall, own = time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]
        load = os.getloadavg() if hasattr(os, "getloadavg") else None
        return {"cpu_share_of_wall_time": own / wall, "load_average_at_the_end": load}


def acting(plan: Plan, progress: Progress) -> Section:
    """A joint acting step on one core, beside the others, turn by turn."""
    from remalis_agents.synthetic import Walk, one_core

    rounds = plan.pick(15, 2)
    models = _models()
    walks = {(n, k): {name: Walk(model, n, k) for name, model in models.items()} for n, k in SIZES}
    progress.expect((rounds + 1) * len(SIZES))
    ms: dict[tuple[int, int], dict[str, list[float]]] = {size: {name: [] for name in models} for size in SIZES}
    disturbance = Disturbance()
    with one_core():
        for turn in range(rounds + 1):
            for (n, phases), contenders in walks.items():
                progress.begin(f"{n} agents, {phases} phases, round {turn}")
                for name in list(models)[:: -1 if turn % 2 else 1]:
                    found = statistics.median(
                        contenders[name].step() for _ in range(plan.pick(max(1200 // (n + 21), 5), 3))
                    )
                    if turn:  # the first warms up
                        ms[n, phases][name].append(found)
                progress.end()
    edges = {n: walks[n, k]["remalis"].edges for n, k in SIZES}
    return {
        "what": "milliseconds of CPU time of one joint step on one core; ratios are of the same round",
        "parameters": {name: sum(p.numel() for p in model.parameters()) for name, model in models.items()},
        "figures": [one for size in SIZES for one in _beside(size, ms[size])] + _growth(ms, edges),
        "edges": edges,
        "ms": [{"agents": n, "phases": k, **ms[n, k]} for n, k in SIZES],
        **disturbance.read(),
    }


def _models() -> dict[str, Any]:
    import torch

    from remalis_agents.networks.model import TeamModel
    from remalis_agents.synthetic import traffic_spec

    torch.manual_seed(0)
    return {name: TeamModel(traffic_spec(name, options)).eval() for name, options in NETWORKS.items()}


def _beside(size: tuple[int, int], ms: dict[str, list[float]]) -> list[Section]:
    """A size's time, and how many times longer than the others' it is."""
    what = f"{size[0]} agents" + (f" of {size[1]} phases" if size[1] != PHASES else "")
    figures = [figure(f"{what}: a joint step of ReMALIS tiny", spread(ms["remalis"]), TARGETS_MS.get(size), "<=", "ms")]
    for other, name in NAMES.items():
        ratios = [ours / theirs for ours, theirs in zip(ms["remalis"], ms[other], strict=True)]
        figures.append(figure(f"{what}: ReMALIS tiny over {name}", spread(ratios)))
    return figures


def _growth(ms: dict[tuple[int, int], dict[str, list[float]]], edges: dict[int, int]) -> list[Section]:
    """How many times longer a step takes with 400 agents, and how much of the growth of edges that is."""
    many, found = 400, []
    for few in (9, 64):
        more = edges[many] / edges[few]
        for name in NETWORKS:
            grown = [b / a for a, b in zip(ms[few, PHASES][name], ms[many, PHASES][name], strict=True)]
            label = NAMES.get(name, "ReMALIS tiny")
            found.append(figure(f"{label}: time of {many} agents over {few}", spread(grown)))
            if name == "remalis":
                shares = spread([one / more for one in grown])
                found.append(
                    figure(f"the same, over the growth of edges from {few} agents ({more:.1f}x)", shares, 1.0, "<=")
                )
    return found


def training(plan: Plan, progress: Progress) -> Section:
    """Forward and backward of a batch of sequences on one core, beside IPPO's of the same steps."""
    from remalis_agents.synthetic import one_core
    from remalis_speed.learning import Batch

    rounds, sizes = plan.pick(9, 1), ((9, 10, 20), (64, 2, 20))
    models = {name: model.train() for name, model in _models().items() if name != "commnet"}
    progress.expect((rounds + 1) * len(sizes))
    figures, all_ms, disturbance = [], [], Disturbance()
    with one_core():
        for n, sequences, steps in sizes:
            batches = {name: Batch(model, n, sequences, steps) for name, model in models.items()}
            ms: dict[str, list[float]] = {name: [] for name in models}
            for turn in range(rounds + 1):
                progress.begin(f"{n} agents, round {turn}")
                for name, batch in batches.items():
                    begun = time.thread_time()
                    batch.learn()
                    if turn:
                        ms[name].append(1e3 * (time.thread_time() - begun))
                progress.end()
            what = f"{n} agents, {sequences} sequences of {steps} steps: forward and backward"
            figures.append(figure(f"{what} of ReMALIS tiny", spread(ms["remalis"]), unit="ms"))
            ratios = [ours / theirs for ours, theirs in zip(ms["remalis"], ms["ippo"], strict=True)]
            figures.append(figure(f"{what}, over IPPO", spread(ratios)))
            all_ms.append({"agents": n, "sequences": sequences, "steps": steps, **ms})
    return {"what": "milliseconds of CPU time on one core", "figures": figures, "ms": all_ms, **disturbance.read()}


def paper(plan: Plan, progress: Progress) -> Section:
    """The `paper` preset on a GPU, where there is one."""
    import torch

    from remalis_speed.paper import AGENTS, measure

    progress.expect(1)
    progress.begin("paper on a GPU")
    if not torch.cuda.is_available():
        progress.end()
        return {"figures": [], "skipped": "The preset `paper` was not timed: PyTorch finds no CUDA GPU here."}
    found = measure("cuda", plan.pick("paper", "tiny"), plan.pick(20, 2), compiled=plan.pick(True, False))
    progress.end()
    figures = []
    way = f"{found['preset']}, {AGENTS} agents, bfloat16" + (", compiled" if found["compiled"] else "")
    for label in ("one team", *(key for key in found if key.endswith(" teams")), "training"):
        of = found[label]
        what = f"{way}, {label}"
        figures.append(figure(what, of["ms"], unit="ms"))
        for key, unit in (("agent_steps_per_s", "agent-steps/s"), ("peak_mb", "MB")):
            figures.append(figure(what, spread([of[key]]), unit=unit))
    return {"figures": figures, **found}
