"""Does pre-training in the mesoscopic model spare microscopic steps? The study behind ``traffic_learning.py meso``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from remalis_agents.evaluation import interval, table

LEVEL = "hard"
MICRO_STEPS = 10_800
"""Team steps of the microscopic-only run: fifteen hours of traffic."""
MESO_STEPS = 21_600
FIRST_SEED = 40_000


def study(seeds: int, episodes: int, storage: Path) -> dict[str, Any]:
    """Train each way for every seed, and play the final policies on the same unseen episodes.

    ``micro``: microscopic from the start. ``meso only``: mesoscopic, never finished. ``meso, then micro``: the same
    weights, finished in half of the first one's microscopic steps. ``micro, half the steps``: the control.
    """
    from traffic_learning import Job, play_all

    test = list(range(FIRST_SEED, FIRST_SEED + episodes))
    jobs: list[Job] = []
    for seed in range(seeds):
        runs = _train_all(seed, storage)
        jobs += [(f"{name}, seed {seed}", str(run), {"level": LEVEL}, test) for name, run in runs.items()]
    jobs += [(name, None, {"level": LEVEL}, test) for name in ("greedy", "max_pressure")]
    results = play_all(jobs)
    Console(width=130).print(table(results))
    delay: dict[str, list[float]] = {}
    for name, *_ in jobs:
        own = [result.metrics["mean_delay_s"] for result in results if result.controller == name]
        delay.setdefault(name.split(", seed")[0], []).append(sum(own) / len(own))
    return {
        "level": LEVEL,
        "micro_steps": {
            "micro": MICRO_STEPS,
            "micro, half the steps": MICRO_STEPS // 2,
            "meso only": 0,
            "meso, then micro": MICRO_STEPS // 2,
        },
        "meso_steps": MESO_STEPS,
        "test_seeds": test,
        "mean_delay_s_by_training_seed": delay,
        "mean_delay_s": {name: vars(interval(values)) for name, values in delay.items() if len(values) > 1},
    }


def _train_all(seed: int, storage: Path) -> dict[str, Path]:
    from traffic_learning import train_one

    def run(steps: int, *more: str, rate: float = 0.002) -> Path:
        changes = [
            "stop.time_s=null",
            f"stop.env_steps={steps}",
            f"training.lr=[[0, {rate}], [{steps}, 0.0002]]",
            f"training.entropy_coeff=[[0, 0.01], [{steps}, 0.0005]]",
            f"environment.env_config.level={LEVEL}",
            *more,
        ]
        folder: Path = train_one("traffic_easy_ippo", seed, storage, changes).run_dir
        return folder

    meso = run(MESO_STEPS, "environment.env_config.fidelity=meso")
    return {
        "micro": run(MICRO_STEPS),
        "micro, half the steps": run(MICRO_STEPS // 2),
        "meso only": meso,
        "meso, then micro": run(MICRO_STEPS // 2, f"rl_module.start_from={meso}", rate=0.001),
    }
