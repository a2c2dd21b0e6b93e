"""The command `remalis demo`: train on ``easy``, compare on held-out demand, film, and write one HTML page."""

from __future__ import annotations

import argparse
import csv
import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from remalis_agents.evaluation import EpisodeResult, evaluate, save, summary, table
from remalis_envs.errors import RemalisError

HELP = "train a team on level easy, compare it with engineers' controllers, and write a report"
EXPERIMENT = "traffic_easy_ippo"
FIRST_SEED = 5000
"""Of the held-out episodes; the test split draws other demand than training from any seed."""
COMPARED = ("random", "fixed_time", "webster", "actuated", "sotl", "greedy", "max_pressure")
RIVALS = ("webster", "actuated", "max_pressure")
"""What engineers use; also drawn beside the learning curve, on the map that is trained on."""
REFERENCE_SEEDS = (1, 2, 3)
Job = tuple[str, str | None, str, list[int]]
"""Controller, run of the learned one, split, seeds."""
LEARNED = "learned team"
PART = 2
"""Episodes that a process plays before it takes up the next ones."""
SAY_S = 5.0
"""Seconds between two lines on how far it is, where nobody sees a bar."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--seconds", type=float, default=120.0, help="training time (default: 120)")
    add("--episodes", type=int, default=10, help="held-out episodes for each controller (default: 10)")
    add("--out", default="runs/demo", metavar="DIR", help="where the report goes (default: runs/demo)")
    add("--seed", type=int, default=0, help="seed of the training (default: 0)")
    add("--no-film", action="store_true", help="leave the film out")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: a number is out of its range, or the folder cannot be written.
    """
    if not 0.0 < args.seconds < math.inf:
        raise RemalisError(f"--seconds must be a positive number, not {args.seconds!r}.")
    if args.episodes < 2:
        raise RemalisError(f"An interval needs at least 2 episodes; --episodes was {args.episodes}.")
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RemalisError(f"The folder {args.out!r} cannot be written: {error.strerror or error}.") from None
    begun = time.monotonic()
    _say(1, f"training nine traffic lights for {args.seconds:.0f} s")
    run = _train(out, args.seconds, args.seed)
    more = f"{len(REFERENCE_SEEDS)} on the training map with each of {len(RIVALS)}, for the learning curve"
    _say(2, f"playing {args.episodes} held-out hours with each of {len(COMPARED) + 1} controllers, and {more}")
    seeds = range(FIRST_SEED, FIRST_SEED + args.episodes)
    results, references = _compare(run.run_dir, seeds)
    _show(results)
    save(results, out / "results.json", level="easy", split="test", seeds=list(seeds), run=str(run.run_dir))
    film = None
    if not args.no_film:
        _say(3, "filming the learned team")
        film = _film(run.run_dir, out / "film.mp4")
    from remalis_agents.demo.report import write_report

    page = write_report(
        out / "report.html", results, learning_curve(run.trial_dir), references, film, LEARNED, args.seconds
    )
    print(f"\nreport  {page}   ({time.monotonic() - begun:.0f} s in all)")
    return 0


def _say(step: int, text: str) -> None:
    print(f"\n[{step}/3] {text}", flush=True)


def _train(out: Path, seconds: float, seed: int) -> Any:
    from remalis_agents.configs.loader import load_experiment
    from remalis_agents.train import train

    name, experiment = load_experiment(EXPERIMENT, [f"stop.time_s={seconds}", f"debugging.seed={seed}"])
    result = train(name, experiment, storage=out).finished()
    import ray

    ray.shutdown()  # its processes would share the cores with the evaluation
    return result


def _compare(run_dir: Path, seeds: Sequence[int]) -> tuple[list[EpisodeResult], dict[str, float]]:
    """All controllers on the same held-out episodes, a process each, as many at once as there are cores.

    Returns:
        The episodes, and the mean delay of the rivals on the training map.
    """
    # A few episodes at a time, so that something moves; the learned team thinks longest, and goes first.
    parts = [list(seeds[k : k + PART]) for k in range(0, len(seeds), PART)]
    jobs: list[Job] = [(LEARNED, str(run_dir), "test", part) for part in parts]
    jobs += [(name, None, "test", part) for name in reversed(COMPARED) for part in parts]
    jobs += [(name, None, "train", list(REFERENCE_SEEDS)) for name in RIVALS]
    results: list[EpisodeResult] = []
    references: dict[str, float] = {}
    context = multiprocessing.get_context("spawn")
    with _Episodes(sum(len(job[3]) for job in jobs)) as shown, ProcessPoolExecutor(os.cpu_count(), context) as pool:
        running = {pool.submit(_play, job): job for job in jobs}
        for done in as_completed(running):
            name, _, split, _ = running[done]
            own = done.result()
            if split == "test":
                results += own
            else:
                references[name] = sum(result.metrics["mean_delay_s"] for result in own) / len(own)
            shown.played(len(own))
    order = {name: k for k, name in enumerate((*COMPARED, LEARNED))}
    return sorted(results, key=lambda result: (order[result.controller], result.seed)), references


class _Episodes:
    """How many episodes were played: a bar in a terminal, now and then a line elsewhere."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("episodes"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, transient=True)
        self._bar = self._progress.add_task("episodes", total=total)
        self._total, self._done = total, 0
        self._begun = self._said = time.monotonic()

    def __enter__(self) -> _Episodes:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def played(self, count: int) -> None:
        """Notes that so many more were."""
        self._done += count
        self._progress.advance(self._bar, count)
        now = time.monotonic()
        if not self._progress.console.is_terminal and (now - self._said > SAY_S or self._done == self._total):
            self._said = now
            left = (now - self._begun) / self._done * (self._total - self._done)
            print(f"  {self._done} of {self._total} episodes, about {left:.0f} s left", flush=True)


def _play(job: Job) -> list[EpisodeResult]:
    name, run_dir, split, seeds = job
    from remalis_envs import traffic_v0

    factory = partial(traffic_v0, level="easy", split=split)
    if run_dir is None:
        from remalis_agents.controllers import make_controller

        return evaluate(make_controller(name), factory, seeds)
    return evaluate(_learned(run_dir), factory, seeds, name=name)


@lru_cache(maxsize=1)
def _learned(run_dir: str | Path) -> Any:
    from remalis_agents.evaluate import load_team

    return load_team(run_dir)


def _show(results: list[EpisodeResult]) -> None:
    from rich.console import Console

    Console().print(table(results))
    delays = {name: figures["mean_delay_s"] for name, figures in summary(results).items()}
    ours = delays[LEARNED]
    for rival in RIVALS:
        apart = not ours.overlaps(delays[rival])
        verdict = "beats" if ours.high < delays[rival].low else "loses to" if apart else "is level with"
        print(f"The learned team {verdict} {rival.replace('_', ' ')}: {ours} s against {delays[rival]} s of delay.")


def _film(run_dir: Path, path: Path) -> Path:
    from rich.progress import Progress

    from remalis_agents.film import film
    from remalis_envs import traffic_v0

    env = traffic_v0(level="easy", split="test")
    try:
        with Progress(transient=True) as progress:
            bar = progress.add_task("film", total=None)

            def shown(done: int, total: int) -> None:
                progress.update(bar, completed=done, total=total)

            film(
                env,
                _learned(run_dir),
                path,
                seed=FIRST_SEED,
                seconds=FILM_S,
                skip_s=600.0,
                fps=10.0,
                speed=8.0,
                label=LEARNED,
                width=FILM_WIDTH_PX,
                on_frame=shown,
            )
    finally:
        env.close()
    return path


FILM_S = 240.0
FILM_WIDTH_PX = 760


def learning_curve(trial_dir: Path) -> list[tuple[float, float]]:
    """(seconds of training, mean delay of the episodes sampled since the last point), from Ray's ``progress.csv``."""
    points = []
    with open(trial_dir / "progress.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            delay = row.get("env_runners/metrics/mean_delay_s") or ""
            if delay and math.isfinite(float(delay)):
                points.append((float(row["time_total_s"]), float(delay)))
    return points
