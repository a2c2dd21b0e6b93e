"""What the web's first learned teams reach: ``python benchmarks/web_learning.py``.

For each training seed a team imitates the oracle (``web_easy_ippo_imitate``) and goes on by reward
(``web_easy_ippo_finetune``); its policy plays unseen tasks of domains that it was never trained on, on the model engine
and in Chromium, beside teams that learn nothing. Results go to ``benchmarks/results/learning_web_easy.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from circumstances import circumstances
from rich.console import Console
from rich.table import Table
from traffic_learning import train_one

from remalis_agents.evaluate import load_team
from remalis_agents.evaluation import EpisodeResult, Interval, evaluate, interval
from remalis_agents.players import WEB, make_player
from remalis_envs import web_v0

OUT = Path(__file__).resolve().parent / "results" / "learning_web_easy.json"
IMITATED, REWARDED = "web_easy_ippo_imitate", "web_easy_ippo_finetune"
TEAMS = ("random", "overlap", "oracle")
FIRST_SEED = 20_000
FIGURES = ("success", "steps", "unsafe_actions")


def main(arguments: list[str] | None = None) -> int:
    """Train, play, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=3, help="training seeds (default: 3)")
    add("--env-steps", type=int, default=8_000, help="team steps by reward, after imitation (default: 8000)")
    add("--episodes", type=int, default=200, help="unseen tasks on the model engine (default: 200)")
    add("--in-chromium", type=int, default=30, help="as many of them in the browser (default: 30)")
    add("--storage", type=Path, help="keep the runs here (default: nowhere)")
    add("--out", type=Path, default=OUT, help="JSON file (default: benchmarks/results/learning_web_easy.json)")
    given = parser.parse_args(arguments)
    about = circumstances("web_learning.py", sys.argv[1:] if arguments is None else arguments)
    begun = time.monotonic()
    engines = {"model": given.episodes, "chromium": given.in_chromium}
    results: dict[str, dict[str, list[EpisodeResult]]] = {engine: {} for engine in engines}
    steps: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="remalis-") as scratch:
        storage = given.storage or Path(scratch)
        players = {name: make_player(name, WEB) for name in TEAMS}
        for seed in range(given.seeds):
            imitated = train_one(IMITATED, seed, storage, [])
            changes = [f"rl_module.start_from={imitated.run_dir}", f"stop.env_steps={given.env_steps}"]
            rewarded = train_one(REWARDED, seed, storage, changes)
            steps[f"seed {seed}"] = int(rewarded.metrics["num_env_steps_sampled_lifetime"])
            players[f"imitated, seed {seed}"] = load_team(imitated.run_dir)
            players[f"imitated, then PPO, seed {seed}"] = load_team(rewarded.run_dir)
        for engine, count in engines.items():
            if not count:
                continue
            make = partial(web_v0, level="easy", engine=engine, split="test")
            for name, player in players.items():
                seeds = range(FIRST_SEED, FIRST_SEED + count)
                results[engine][name] = evaluate(player, make, seeds, name=name)
                said = _of(results[engine][name], "success")
                print(f"{engine}: {name}: {said} of {count} tasks solved", flush=True)
    about["took_s"] = round(time.monotonic() - begun)
    found = {
        "configs": [IMITATED, REWARDED],
        "env_steps": steps,
        "first_seed": FIRST_SEED,
        "episodes": engines,
        "figures": {
            engine: {name: {figure: vars(_of(own, figure)) for figure in FIGURES} for name, own in by_name.items()}
            for engine, by_name in results.items()
        },
    }
    given.out.write_text(json.dumps({"about": about, **found}, indent=1) + "\n", encoding="utf-8")
    _show(results)
    print(f"written: {given.out}")
    return 0


def _of(results: list[EpisodeResult], figure: str) -> Interval:
    wrong = [result for result in results if result.error]
    if wrong:
        raise RuntimeError(f"{wrong[0].controller}: the episode of seed {wrong[0].seed} broke off: {wrong[0].error}")
    return interval(result.metrics[figure] for result in results)


def _show(results: dict[str, dict[str, list[EpisodeResult]]]) -> None:
    table = Table("team", *(f"{figure}, {engine}" for engine in results for figure in FIGURES))
    for name in results["model"]:
        row: list[Any] = [
            str(_of(own[name], figure)) if name in own else "" for own in results.values() for figure in FIGURES
        ]
        table.add_row(name, *row)
    Console(width=150).print(table)


if __name__ == "__main__":
    raise SystemExit(main())
