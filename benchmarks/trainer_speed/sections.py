"""What is measured of the trainer."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from traffic_speed.runner import Progress
from traffic_speed.sections import Plan, figure

Section = dict[str, Any]


def _figure(what: str, values: list[float], target: float | None, sense: str = ">=", unit: str = "x") -> Section:
    spread = {"median": statistics.median(values), "low": min(values), "high": max(values)}
    return figure(what, spread, target, sense, unit)


EPOCHS = (1, 6)
"""How often a batch is learnt from: once, where sampling weighs most, and as often as our configs do."""


def beside_rllib(plan: Plan, progress: Progress) -> Section:
    """Samples and learns, turn by turn, with RLlib's own multi-agent path."""
    from trainer_speed.paths import rllib_multi_agent, team
    from trainer_speed.still import AGENTS

    rounds = plan.pick(8, 1)
    ways = {"team": team(), "rllib_multi_agent": rllib_multi_agent()}
    progress.expect((rounds + 1) * len(ways) * len(EPOCHS))
    figures, all_seconds = [], {}
    for epochs in EPOCHS:
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for turn in range(rounds + 1):
            for name, way in ways.items():
                progress.begin(f"{name}, {epochs} epochs, round {turn}")
                found = way.iteration(epochs)
                if turn:  # the first warms up
                    seconds[name].append(found)
                progress.end()
        pairs = list(zip(seconds["rllib_multi_agent"], seconds["team"], strict=True))
        what = f"{AGENTS} agents, same MLP, {epochs} epoch{'s' if epochs > 1 else ''}: "
        figures += [
            _figure(what + "sampling and learning", [sum(a) / sum(b) for a, b in pairs], 4.0),
            _figure(what + "sampling alone", [a[0] / b[0] for a, b in pairs], None),
            _figure(what + "learning alone", [a[1] / b[1] for a, b in pairs], None),
        ]
        all_seconds[f"{epochs} epochs"] = seconds
    return {"figures": figures, "seconds_of_200_steps": all_seconds}


def overhead(plan: Plan, progress: Progress) -> Section:
    """What a team step costs outside environment and network."""
    from trainer_speed.paths import STEPS, team
    from trainer_speed.still import AGENTS, StillTeam
    from trainer_speed.stopwatch import Stopwatch

    rounds = plan.pick(12, 1)
    figures = []
    progress.expect(2 * (rounds + 1))
    for environments, target in ((1, 0.6), (4, 0.2)):
        watch, way = Stopwatch(), team(environments)
        # As the runner steps them: the environments' own work is left out, gathering what they show is not.
        plain = StillTeam.step, StillTeam.reset
        StillTeam.step = watch.timed(StillTeam.step, "environment")  # type: ignore[method-assign]
        StillTeam.reset = watch.timed(StillTeam.reset, "environment")  # type: ignore[method-assign]
        watch.watch(way.runner.module.model, "act", "network")
        milliseconds = []
        for turn in range(rounds + 1):
            progress.begin(f"{environments} environments, round {turn}")
            watch.clear()
            begun = time.perf_counter()
            way.sample()
            whole = time.perf_counter() - begun
            if turn:
                milliseconds.append(1e3 * (whole - sum(watch.seconds.values())) / STEPS)
            progress.end()
        StillTeam.step, StillTeam.reset = plain  # type: ignore[method-assign]
        what = f"{AGENTS} agents, {environments} environment{'s' if environments > 1 else ''} a runner: overhead a step"
        figures.append(_figure(what, milliseconds, target, "<=", "ms"))
    return {"figures": figures}


def shares(plan: Plan, progress: Progress) -> Section:
    """Where the wall time of a training on `easy` goes: one process, everything in turn."""
    from trainer_speed.traffic import measure

    progress.expect(1)
    progress.begin("training on easy")
    found = measure(plan.pick(6, 1))
    progress.end()
    total = sum(found.values())
    figures = [
        _figure(f"easy: share of wall time, {part}", [100 * seconds / total], limit, "<=", "%")
        for part, limit in (("SUMO", None), ("network", None), ("RLlib", None), ("our own code", 10.0))
        for seconds in [found[part]]
    ]
    return {"figures": figures, "seconds": found}


def runners(plan: Plan, progress: Progress) -> Section:
    """Training on `easy` with one env runner and with two."""
    from remalis_agents.configs.loader import load_experiment
    from remalis_agents.train import train

    rounds, steps = plan.pick(3, 1), plan.pick(3600, 360)
    rates: dict[int, list[float]] = {1: [], 2: []}
    progress.expect(2 * rounds)
    with tempfile.TemporaryDirectory(prefix="remalis-") as scratch:
        for turn in range(rounds):
            for count, found in rates.items():
                progress.begin(f"{count} env runners, round {turn + 1}")
                changes = [f"env_runners.num_env_runners={count}", f"stop.env_steps={steps}", "stop.time_s=null"]
                name, experiment = load_experiment("traffic_easy_ippo", [*changes, "checkpoint.at_end=false"])
                result = train(name, experiment, storage=Path(scratch), callbacks=[]).finished()
                played = result.metrics["env_runners"]["num_env_steps_sampled_lifetime"]
                found.append(played / result.metrics["time_total_s"])
                progress.end()
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    return {
        "figures": [_figure("easy: env-steps/s, two env runners over one", ratios, None)],
        "env_steps_per_s": {
            f"{count} env runners": {"median": statistics.median(found)} for count, found in rates.items()
        },
    }
