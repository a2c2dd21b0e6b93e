"""Do a ReMALIS team's messages matter? ``python benchmarks/messages.py RUN_OR_CHECKPOINT``.

Three findings on held-out episodes, as JSON, as a picture beside it and as a table: how right the agents' beliefs about
each other grew in training; how far a receiver's action distribution moves when what one teammate told it in one step
is replaced; and how the score changes when all messages come from other episodes, or none comes at all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import messages_report as report
import numpy as np
from circumstances import circumstances
from leaderboard.process import learning_curve
from leaderboard.tasks import TASKS
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from remalis_agents.command_line import add_world, at_least, writable
from remalis_agents.evaluate import check_fits, find_checkpoint, load_team
from remalis_agents.evaluation import Interval, interval, without_nan
from remalis_agents.explain.causes import (
    Listened,
    Overwritten,
    commonest_share,
    difference,
    listen,
    overwrite,
    shuffle,
    silence,
)
from remalis_agents.explain.command import world
from remalis_agents.registration import make_team_env
from remalis_agents.team import CONFIG_FILE
from remalis_envs.errors import RemalisError, unknown

RESULTS = Path(__file__).resolve().parent / "results"
FIRST_SEED = 20_000
Figures = list[dict[str, float]]


def main(arguments: list[str] | None = None) -> int:
    """Play, and write what was found; returns the exit code."""
    said = sys.argv[1:] if arguments is None else arguments
    given = _parser().parse_args(said)
    console = Console()
    try:
        about = circumstances("messages.py", said)
        out = writable(str(given.out or RESULTS / f"messages_{given.level or 'team'}.json"))
        found = {"about": about, **study(given, console)}
        out.write_text(json.dumps(without_nan(found), indent=1) + "\n", encoding="utf-8")
    except RemalisError as error:
        print(error, file=sys.stderr)
        return 2
    report.plot(found, out.with_suffix(".png"))
    report.show(found, console)
    print(f"written: {out}, {out.with_suffix('.png')}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("checkpoint", help="a run's folder, a checkpoint, or an exported team")
    add_world(parser)
    add("--episodes", type=at_least(2), default=10, help="held-out episodes (default: 10)")
    add("--moments", type=at_least(1), default=20, help="steps of each at which a message is replaced (default: 20)")
    add("--seed", type=at_least(0), default=FIRST_SEED, help=f"of the first episode (default: {FIRST_SEED})")
    add("--figure", help="the episode's figure that is the score (default: the leaderboard's, else team_return)")
    add(
        "--out",
        type=Path,
        help="JSON file; the picture lies beside it (default: benchmarks/results/messages_LEVEL.json)",
    )
    return parser


def study(given: argparse.Namespace, console: Console) -> dict[str, Any]:
    """All three findings."""
    team = load_team(given.checkpoint)
    name, options = world(team, given)
    try:
        env = make_team_env(name, options)
    except TypeError as error:
        raise RemalisError(f"{name} cannot be made with {options}: {error}") from None
    seeds = list(range(given.seed, given.seed + given.episodes))
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        check_fits(team, env, name)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("as played", total=3 * given.episodes + 1)

            def done(*anything: Any) -> None:
                progress.advance(bar)

            episodes = listen(team, env, seeds, given.moments, given.seed, done)
            figure, higher_is_better = judged(name, given.figure, episodes[0].figures)
            progress.update(bar, description="one message replaced")
            effects = overwrite(team, episodes, given.seed)
            found = {**summary(effects), "moments": [asdict(one) for one in effects]}
            progress.update(bar, description="shuffled", advance=1)
            shuffled = shuffle(team, env, episodes, done)
            progress.update(bar, description="silenced")
            silent = silence(team, env, seeds, done)
    finally:
        env.close()
    as_played = [one.figures for one in episodes]
    return {
        "team": {"checkpoint": str(given.checkpoint), "env": name, "env_config": options, "seeds": seeds},
        "beliefs": beliefs(given.checkpoint, episodes, team.model.spec.subgoals or team.spec.action_count),
        "overwritten": found,
        "score": {
            "figure": figure,
            "higher_is_better": higher_is_better,
            **scores(figure, as_played, {"shuffled": shuffled.figures, "silenced": silent}),
            "shuffled_share": shuffled.share,
        },
    }


def beliefs(checkpoint: str, episodes: Sequence[Listened], subgoals: int) -> dict[str, Any]:
    """Accuracy over training, where a run recorded it, and on the episodes played, beside two levels of chance."""
    run = None if (Path(checkpoint) / CONFIG_FILE).exists() else find_checkpoint(checkpoint).resolve().parents[5]
    curve = [] if run is None else learning_curve(run)
    points = [(one["env_steps"], one["belief_accuracy"]) for one in curve if "belief_accuracy" in one]
    known = [one.figures["belief_accuracy"] for one in episodes if "belief_accuracy" in one.figures]
    return {
        "training": [{"env_steps": steps, "belief_accuracy": share} for steps, share in points],
        "held_out": _plain(interval(known)),
        "chance_uniform": 1.0 / subgoals,
        "chance_commonest": commonest_share(episodes),
    }


def summary(effects: Sequence[Overwritten]) -> dict[str, Any]:
    """What overwriting did on the whole; intervals are over episodes' means.

    Raises:
        RemalisError: no message could be replaced.
    """
    if not effects:
        raise RemalisError("No two agents heard each other in two of the drawn steps: ask for more --moments.")
    seeds = dict.fromkeys(one.seed for one in effects)
    by_seed = [[one for one in effects if one.seed == seed] for seed in seeds]
    return {
        "distance": _plain(interval(float(np.mean([one.distance for one in own])) for own in by_seed)),
        "median_distance": float(np.median([one.distance for one in effects])),
        "changed_share": _plain(interval(float(np.mean([one.changed for one in own])) for own in by_seed)),
        "largest_control": max(one.control for one in effects),
        "largest_beyond_reach": max(one.beyond_distance for one in effects),
        "agents_beyond_reach": sum(one.beyond for one in effects),
    }


def judged(env: str, asked: str | None, known: Mapping[str, float]) -> tuple[str, bool | None]:
    """The figure that is the score, and whether more of it is better, where that is known.

    Args:
        env: the environment's name.
        asked: a figure; None for the leaderboard's, else the return.
        known: an episode's figures.

    Raises:
        UnknownNameError: an episode has no such figure.
    """
    better = {"team_return": True}
    better |= {task.figure: task.higher_is_better for task in TASKS.values() if task.env == env}
    figure = asked or list(better)[-1]
    if figure not in known:
        raise unknown("figure", figure, known)
    return figure, better.get(figure)


def scores(figure: str, as_played: Figures, others: Mapping[str, Figures]) -> dict[str, Any]:
    """The score of each way to play, its mean, and paired differences to the episodes as they are."""
    return {
        "played": {
            way: {**_plain(interval(one[figure] for one in found)), "episodes": found}
            for way, found in {"as played": as_played, **others}.items()
        },
        "differences": {way: _plain(difference(found, as_played, figure)) for way, found in others.items()},
    }


def _plain(found: Interval) -> dict[str, float]:
    return {"mean": found.mean, "low": found.low, "high": found.high, "count": found.count}


if __name__ == "__main__":
    raise SystemExit(main())
