"""The process of one cell: trains or takes up what was trained, plays the held-out episodes, writes one JSON file.

``python -m leaderboard.process`` reads one line of JSON from standard input, which its parent then keeps open: when it
closes, the parent is gone and this process ends too, so that no orphan trains beside its successor. Lines of progress
go to standard output behind ``MARK``.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from leaderboard.cells import Cell
from leaderboard.store import write_json
from leaderboard.tasks import WEB
from remalis_envs.errors import RemalisError

MARK = "\x1eprogress "
TRAINING = "training.json"
"""In a training's folder, written when its final policy is there."""
POLICY = Path("policy") / "default_policy"
_OBJECT_STORE_BYTES = 200_000_000
CURVE_POINTS = 300


def main(source: TextIO = sys.stdin) -> int:
    """Run the cell that ``source`` describes."""
    job = json.loads(source.readline())
    threading.Thread(target=_end_with_parent, args=(source,), daemon=True).start()
    import torch

    torch.set_num_threads(1)
    cell, folder, begun = Cell.from_dict(job["cell"]), Path(job["folder"]), time.monotonic()
    try:
        result = _learned(cell, folder) if cell.learned else _controller(cell)
    except RemalisError as error:
        result = {"status": "failed", "reason": str(error)}
    result["took_s"] = round(time.monotonic() - begun, 1)
    write_json(Path(job["result"]), result)
    return 0


def tell(**figures: Any) -> None:
    """One line of progress to the parent."""
    print(MARK + json.dumps(figures), flush=True)


def _end_with_parent(source: TextIO) -> None:
    source.read()
    os._exit(1)


def _controller(cell: Cell) -> dict[str, Any]:
    from remalis_agents.evaluation import EpisodeResult, evaluate

    begun, played = time.monotonic(), []

    def told(result: EpisodeResult) -> None:
        played.append(result)
        tell(doing="playing", share=len(played) / len(cell.seeds))

    actor, make = _unlearned(cell)
    results = evaluate(actor, partial(make, **cell.env_config, split="test"), cell.seeds, progress=told)
    broken = next((result for result in results if result.error), None)
    if broken is not None:
        raise RemalisError(f"The episode of seed {broken.seed} broke off: {broken.error}")
    return {
        "status": "done",
        "own_program": bool(actor.own_program),
        "episodes": [{"seed": r.seed, "mean_return": r.mean_return, **r.metrics} for r in results],
        "evaluation_s": round(time.monotonic() - begun, 1),
    }


def _unlearned(cell: Cell) -> tuple[Any, Any]:
    """Who plays without being trained, and what makes its environment."""
    import remalis_envs
    from remalis_agents.players import make_player

    return make_player(cell.method, cell.env), remalis_envs.web_v0 if cell.env == WEB else remalis_envs.traffic_v0


def _learned(cell: Cell, folder: Path) -> dict[str, Any]:
    if not (folder / TRAINING).exists():
        _train(cell, folder)
    from remalis_agents.evaluate import evaluate

    tell(doing="playing", share=0.0)
    begun = time.monotonic()
    found = evaluate(
        folder / POLICY,
        env=cell.env,
        env_config=cell.env_config,
        episodes=len(cell.seeds),
        first_seed=cell.seeds[0],
        on_episode=lambda number, figures: tell(doing="playing", share=(number + 1) / len(cell.seeds)),
    )
    return {
        "status": "done",
        "acting_ms": round(found.acting_ms, 3),
        "episodes": [{"seed": seed, **own} for seed, own in zip(found.seeds, found.episodes, strict=True)],
        "evaluation_s": round(time.monotonic() - begun, 1),
        "training": json.loads((folder / TRAINING).read_text(encoding="utf-8")),
    }


def _train(cell: Cell, folder: Path) -> None:
    """Trains to the budget, from the last checkpoint where a run was begun, and keeps the final policy."""
    import ray

    from remalis_agents.configs.loader import parse_experiment
    from remalis_agents.evaluate import find_checkpoint
    from remalis_agents.rllib.quiet import hush_ray
    from remalis_agents.runs import EXPERIMENT_FILE, VERSIONS_FILE
    from remalis_agents.train import train

    tell(doing="starting", share=0.0)
    hush_ray()
    experiment = parse_experiment({"cell": cell.experiment})[1]
    name = Path(cell.config).stem
    begun = sorted(folder.glob(f"{name}_*/{EXPERIMENT_FILE}"))
    # A Ray of the cell's own: what happens to its workers happens to no other cell.
    ray.init(
        address="local",
        num_cpus=max(int(cell.cpus + 0.999), 1),
        object_store_memory=_OBJECT_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
    )
    try:
        run = train(
            name,
            experiment,
            storage=folder,
            resume=begun[-1].parent if begun else False,
            callbacks=[_callback(cell.budget or 1)],
        ).finished()
    finally:
        ray.shutdown()
    target = folder / POLICY
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(find_checkpoint(run.run_dir), target)
    steps = int(run.metrics.get("env_runners", {}).get("num_env_steps_sampled_lifetime", 0))
    seconds = float(run.metrics.get("time_total_s", 0.0))
    write_json(
        folder / TRAINING,
        {
            "run": run.run_dir.name,
            "env_steps": steps,
            "wall_s": round(seconds, 1),
            "env_steps_per_s": round(steps / seconds, 1) if seconds else None,
            "resumed": len(begun) > 0,
            "curve": learning_curve(run.run_dir),
            "versions": json.loads((run.run_dir / VERSIONS_FILE).read_text(encoding="utf-8")),
        },
    )


def _callback(budget: int) -> Any:
    from ray.tune import Callback

    from remalis_agents.progress import env_steps, headline

    class Telling(Callback):  # type: ignore[misc]
        """Sends each training result to the parent."""

        def on_trial_result(
            self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
        ) -> None:
            tell(doing="training", share=min(env_steps(result) / budget, 1.0), figure=headline(result))

        def get_state(self) -> None:
            return None

    return Telling()


_STEPS = "env_runners/num_env_steps_sampled_lifetime"
_RETURN = "env_runners/episode_return_mean"
_METRICS = "env_runners/metrics/"
_BELIEFS = "learners/default_policy/belief_accuracy"


def learning_curve(run_dir: Path) -> list[dict[str, float]]:
    """Figures of the training episodes against team steps, from Ray's ``progress.csv`` of every part of a run.

    A part that was resumed begins at a checkpoint; what the part before did after that checkpoint is left out.
    """
    points: list[dict[str, float]] = []
    for file in sorted(run_dir.glob("trial_*/progress.csv")):
        with file.open(encoding="utf-8", newline="") as rows:
            part = [point for row in csv.DictReader(rows) if (point := _point(row))]
        if part:
            points = [point for point in points if point["env_steps"] < part[0]["env_steps"]] + part
    stride = -(-len(points) // CURVE_POINTS)
    return points[::-1][:: max(stride, 1)][::-1]


def _point(row: dict[str, str]) -> dict[str, float] | None:
    if not row.get(_STEPS):
        return None
    point = {"env_steps": float(row[_STEPS]), "time_s": round(float(row.get("time_total_s") or "nan"), 2)}
    if row.get(_RETURN):
        point["team_return"] = float(row[_RETURN])
    for name in ("mean_delay_s", "right_share", "success"):
        if row.get(_METRICS + name):
            point[name] = round(float(row[_METRICS + name]), 4)
    if row.get(_BELIEFS):
        point["belief_accuracy"] = round(float(row[_BELIEFS]), 4)
    return point


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not through the interpreter's end: libraries that leave threads behind have kept processes there for minutes.
    os._exit(code)
