"""What the first trained teams reach: ``python benchmarks/traffic_learning.py easy|cologne8|meso``.

``easy`` and ``cologne8`` train a shipped config once for each training seed and play the final policy on unseen
episodes, beside every controller. ``meso`` asks whether pre-training in SUMO's mesoscopic model spares microscopic
steps. Results go to ``benchmarks/results/learning_<name>.json``, with all that is needed to make them again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from circumstances import circumstances
from rich.console import Console

from remalis_agents.configs.loader import load_experiment
from remalis_agents.controllers import CONTROLLERS, make_controller
from remalis_agents.evaluation import EpisodeResult, evaluate, interval, summary, table

RESULTS = Path(__file__).resolve().parent / "results"
LEARNED = "learned, seed "
Job = tuple[str, str | None, dict[str, Any], list[int]]

STUDIES: dict[str, dict[str, Any]] = {
    "easy": {"config": "traffic_easy_ippo", "env": {"level": "easy"}, "without": (), "first_seed": 20_000},
    "cologne8": {
        "config": "traffic_cologne8_ippo",
        "env": {"scenario": "resco/cologne8", "protocol": "resco"},
        "without": ("webster",),  # it needs flows, which a route file does not say
        "first_seed": 30_000,
    },
}


def main(arguments: list[str] | None = None) -> int:
    """Run one study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=[*STUDIES, "meso"])
    parser.add_argument("--seeds", type=int, default=3, help="training seeds (default: 3)")
    parser.add_argument("--episodes", type=int, default=10, help="unseen episodes for each policy (default: 10)")
    parser.add_argument("--seconds", type=float, help="training time (default: the config's own)")
    parser.add_argument("--storage", type=Path, help="keep the runs here (default: nowhere)")
    parser.add_argument("--out", type=Path, help="JSON file (default: benchmarks/results/learning_<study>.json)")
    given = parser.parse_args(arguments)
    about = circumstances("traffic_learning.py", sys.argv[1:] if arguments is None else arguments)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="remalis-") as scratch:
        storage = given.storage or Path(scratch)
        if given.study == "meso":
            from traffic_meso import study

            found = study(given.seeds, given.episodes, storage)
        else:
            found = compare(given.study, given.seeds, given.episodes, given.seconds, storage)
    about["took_s"] = round(time.monotonic() - begun)
    out = given.out or RESULTS / f"learning_{given.study}.json"
    out.write_text(json.dumps({"about": about, **found}, indent=1) + "\n", encoding="utf-8")
    print(f"written: {out}")
    return 0


def compare(name: str, seeds: int, episodes: int, seconds: float | None, storage: Path) -> dict[str, Any]:
    """Train, and play beside the controllers on the same unseen episodes."""
    spec = STUDIES[name]
    changes = [f"stop.time_s={seconds}"] if seconds else []
    runs = [train_one(spec["config"], seed, storage, changes) for seed in range(seeds)]
    test = list(range(spec["first_seed"], spec["first_seed"] + episodes))
    jobs: list[Job] = [(f"{LEARNED}{k}", str(run.run_dir), spec["env"], test) for k, run in enumerate(runs)]
    jobs += [(other, None, spec["env"], test) for other in CONTROLLERS if other not in spec["without"]]
    results = play_all(jobs)
    Console(width=130).print(table(results))
    pooled = interval(
        sum(r.metrics["mean_delay_s"] for r in results if r.controller == f"{LEARNED}{k}") / episodes
        for k in range(seeds)
    )
    return {
        "config": spec["config"],
        "training_s": seconds or load_experiment(spec["config"])[1].stop.time_s,
        "test_seeds": test,
        "env_steps": [run.metrics.get("num_env_steps_sampled_lifetime") for run in runs],
        "mean_delay_s": {k: vars(own["mean_delay_s"]) for k, own in summary(results).items()},
        "mean_delay_s_over_training_seeds": vars(pooled),
        "episodes": [{"controller": r.controller, "seed": r.seed, **_finite(r.metrics)} for r in results],
    }


def _finite(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: round(value, 4) if value == value else None for name, value in metrics.items()}


def train_one(config: str, seed: int, storage: Path, changes: Sequence[str]) -> Any:
    """One training run; Ray ends with it, so that its processes do not share the cores with what follows."""
    import ray

    from remalis_agents.train import train

    name, experiment = load_experiment(config, [f"debugging.seed={seed}", *changes])
    try:
        return train(name, experiment, storage=storage).finished()
    finally:
        ray.shutdown()


def play_all(jobs: list[Job]) -> list[EpisodeResult]:
    """Every job in a process of its own, as many at once as there are cores; in the order of the jobs."""
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        return [result for own in pool.map(play, jobs) for result in own]


def play(job: Job) -> list[EpisodeResult]:
    """Unseen episodes with a controller, or with the final policy of a run."""
    name, run_dir, options, seeds = job
    from remalis_envs import traffic_v0

    factory = partial(traffic_v0, **options, split="test")
    if run_dir is None:
        return evaluate(make_controller(name), factory, seeds)
    from remalis_agents.evaluate import load_team

    return evaluate(load_team(run_dir), factory, seeds, name=name)


if __name__ == "__main__":
    raise SystemExit(main())
