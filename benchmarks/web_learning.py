"""What the web's learned teams reach: ``python benchmarks/web_learning.py easy`` or ``medium``.

For each training seed a team imitates (``web_<level>_ippo_imitate``) and goes on by reward
(``web_<level>_ippo_finetune``); its policy plays unseen tasks of domains that it was never trained on, on the model
engine and in Chromium, and on ``medium`` unseen tasks of the domains that it knows as well, beside teams that learn
nothing. Results go to ``benchmarks/results/learning_web_<level>.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from circumstances import circumstances
from rich.console import Console
from rich.table import Table
from traffic_learning import train_one

from remalis_agents.evaluate import load_team
from remalis_agents.evaluation import EpisodeResult, Interval, evaluate, interval
from remalis_agents.players import WEB, make_player
from remalis_agents.runs import latest_checkpoint, where_it_stands
from remalis_envs import web_v0

RESULTS = Path(__file__).resolve().parent / "results"
FIRST_SEED = 20_000
"""Of the tasks. Recordings keep away from them: on ``easy`` they begin at 0 and do not come as far, on ``medium`` they
begin far beyond."""
FIGURES = ("success", "steps", "unsafe_actions")


@dataclass(frozen=True)
class Study:
    """Who learns what.

    Attributes:
        imitated: experiment of the supervised stage.
        rewarded: experiment that goes on from there.
        env_steps: for how many team steps.
        options: of the environment that is played.
        teams: that learn nothing.
        known: whether domains are played, too, that were trained on.
    """

    imitated: str
    rewarded: str
    env_steps: int
    options: Mapping[str, Any] = field(default_factory=dict)
    teams: tuple[str, ...] = ("random", "overlap", "oracle")
    known: bool = False


STUDIES = {
    "easy": Study("web_easy_ippo_imitate", "web_easy_ippo_finetune", 8_000),
    "medium": Study(
        "web_medium_ippo_imitate",
        "web_medium_ippo_finetune",
        200_000,
        options={"team": "solo"},
        teams=("random", "overlap", "apprentice", "oracle"),
        known=True,
    ),
}


class Exam(NamedTuple):
    """Tasks that all play: ``count`` of a split, on an engine."""

    engine: str
    split: str
    count: int


def main(arguments: list[str] | None = None) -> int:
    """Train, play, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("level", nargs="?", choices=STUDIES, default="easy", help="of the tasks (default: easy)")
    add("--seeds", type=int, default=3, help="training seeds (default: 3)")
    add("--env-steps", type=int, help="team steps by reward, after imitation (default: 8000; on medium 200000)")
    add("--episodes", type=int, default=200, help="unseen tasks on the model engine (default: 200)")
    add("--in-chromium", type=int, default=30, help="as many of them in the browser (default: 30)")
    add("--storage", type=Path, help="keep the runs here (default: nowhere)")
    add("--run", type=Path, action="append", help="play this run of the supervised stage instead of training one")
    add("--rewarded-run", type=Path, action="append", help="and this one that went on from it, one for each --run")
    add("--out", type=Path, help="JSON file (default: benchmarks/results/learning_web_<level>.json)")
    given = parser.parse_args(arguments)
    if given.rewarded_run and len(given.rewarded_run) != len(given.run or ()):
        parser.error("--rewarded-run goes with --run: name one for each, in the same order.")
    about = circumstances("web_learning.py", sys.argv[1:] if arguments is None else arguments)
    begun, study = time.monotonic(), STUDIES[given.level]
    exams = {"model": Exam("model", "test", given.episodes), "chromium": Exam("chromium", "test", given.in_chromium)}
    if study.known:
        exams["model, known domains"] = Exam("model", "train", given.episodes)
    results: dict[str, dict[str, list[EpisodeResult]]] = {name: {} for name in exams}
    with tempfile.TemporaryDirectory(prefix="remalis-") as scratch:
        players = {name: make_player(name, WEB) for name in study.teams}
        learnt, steps, trainings = _learnt(study, given, given.storage or Path(scratch))
        players |= learnt
        for title, exam in exams.items():
            if not exam.count:
                continue
            make = partial(web_v0, level=given.level, engine=exam.engine, split=exam.split, **study.options)
            for name, player in players.items():
                seeds = range(FIRST_SEED, FIRST_SEED + exam.count)
                results[title][name] = evaluate(player, make, seeds, name=name)
                said = _of(results[title][name], "success")
                print(f"{title}: {name}: {said} of {exam.count} tasks solved", flush=True)
    about["took_s"] = round(time.monotonic() - begun)
    found = {
        "configs": [study.imitated, study.rewarded],
        "trainings": trainings,
        "env_steps": steps,
        "first_seed": FIRST_SEED,
        "episodes": {title: exam.count for title, exam in exams.items()},
        "figures": {
            title: {name: {figure: vars(_of(own, figure)) for figure in FIGURES} for name, own in by_name.items()}
            for title, by_name in results.items()
        },
    }
    out = given.out or RESULTS / f"learning_web_{given.level}.json"
    out.write_text(json.dumps({"about": about, **found}, indent=1) + "\n", encoding="utf-8")
    _show(results)
    print(f"written: {out}")
    return 0


def _learnt(study: Study, given: argparse.Namespace, storage: Path) -> tuple[dict[str, Any], dict[str, int], list[Any]]:
    """Trained teams by name; by seed, their steps by reward; and what each supervised stage came to."""
    players: dict[str, Any] = {}
    steps: dict[str, int] = {}
    trainings = []
    for seed in range(len(given.run) if given.run else given.seeds):
        run_dir = given.run[seed] if given.run else train_one(study.imitated, seed, storage, []).run_dir
        players[f"imitated, seed {seed}"] = load_team(run_dir)
        (came_to,) = Path(run_dir).glob("trial_*/imitation.json")
        trainings.append(json.loads(came_to.read_text(encoding="utf-8")))
        if given.rewarded_run:
            rewarded_dir = given.rewarded_run[seed]
        else:
            changes = [
                f"rl_module.start_from={run_dir}",
                f"stop.env_steps={study.env_steps if given.env_steps is None else given.env_steps}",
            ]
            rewarded_dir = train_one(study.rewarded, seed, storage, changes).run_dir
        steps[f"seed {seed}"] = _env_steps(rewarded_dir)
        players[f"imitated, then PPO, seed {seed}"] = load_team(rewarded_dir)
    return players, steps, trainings


def _env_steps(run_dir: Path) -> int:
    """How far a training by reward came."""
    checkpoint = latest_checkpoint(run_dir)
    if checkpoint is None:
        raise SystemExit(f"{run_dir} has no checkpoint to play.")
    return int(where_it_stands(checkpoint)["env_runners"]["num_env_steps_sampled_lifetime"])


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
