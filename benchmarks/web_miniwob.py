"""What rules without learning get on MiniWoB++ under the published protocol: ``python benchmarks/web_miniwob.py``.

125 tasks, 5 seeds each as BrowserGym's benchmark draws them, at most 10 actions; a success is a raw reward above
nought, and strictly one of at least 1. The actions are this suite's own, from which some tasks are out of reach; they
are played and count as all others do. A run that was cut off goes on where it stopped, unless another commit began it:
then it begins anew. Writes JSON, and prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from circumstances import circumstances
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import remalis_envs
from remalis_agents.command_line import at_least
from remalis_envs.errors import unknown
from remalis_envs.web.env import WebEnv
from remalis_envs.web.others.miniwob import PREFIX, miniwob_tasks
from remalis_envs.web.others.wheel import SHA256
from remalis_envs.web.policies import make_policy

RESULTS = Path(__file__).resolve().parent / "results"
POLICIES = ("random", "overlap")
SEED, HIGHEST, REPEATS = 42, 34, 5
"""Of the published protocol: the generator's seed, what episode seeds lie below (2 ^ 32, which is 34 in Python), and
how many a task has."""
KEPT_EVERY = 20
Played = dict[str, dict[str, list[float]]]
"""Policy -> task -> raw rewards, by the number of the seed."""


def main(arguments: list[str] | None = None) -> int:
    """Play, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="such as click-test (default: all 125)")
    parser.add_argument("--seeds", type=at_least(1), default=REPEATS, help=f"of each task (default: {REPEATS})")
    parser.add_argument("--out", type=Path, default=RESULTS / "web_miniwob.json", help="JSON file")
    said = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(said)
    reach = miniwob_tasks()
    names = [PREFIX + name.removeprefix(PREFIX) for name in given.tasks or reach]
    for name in names:
        if name not in reach:
            raise unknown("task", name, reach)
    about, console = circumstances("web_miniwob.py", said), Console()
    played, about = _resumed(given.out, about)
    seeds = protocol_seeds(list(reach), max(given.seeds, REPEATS))
    jobs = [
        (policy, name, k)
        for k in range(given.seeds)  # the first seed of every task first, so that half a run says something
        for name in names
        for policy in POLICIES
        if len(played.setdefault(policy, {}).setdefault(name, [])) <= k
    ]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    env = remalis_envs.web_v0(tasks="miniwob")
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("episodes", total=len(jobs))
            for number, (policy, name, k) in enumerate(jobs):
                played[policy][name].append(play(env, policy, name, seeds[name][k]))
                progress.advance(bar)
                if number % KEPT_EVERY == 0:
                    _write(given.out, report(played, names, given.seeds, reach, about))
    finally:
        env.close()
    found = report(played, names, given.seeds, reach, about)
    _write(given.out, found)
    console.print(table(found))
    return 0


def protocol_seeds(names: list[str], repeats: int) -> dict[str, list[int]]:
    """The seeds of each task; the first five are those of the published protocol, others follow."""
    first, more = np.random.RandomState(SEED), np.random.RandomState(SEED + 1)
    drawn = {name: first.randint(0, HIGHEST, REPEATS).tolist() for name in names}
    return {name: drawn[name] + more.randint(0, 2**31, repeats - REPEATS).tolist() for name in names}


def play(env: WebEnv, policy: str, name: str, seed: int) -> float:
    """The raw reward of one episode; 0 where it did not end in time.

    Raises:
        RuntimeError: the browser failed, which is no result.
    """
    env.choice.domains = (name,)
    observations, _ = env.reset(seed=seed)
    team = make_policy(policy)
    team.reset(env, seed)
    while env.agents:
        observations = env.step(team.act(observations))[0]
    if env.infra_error:
        raise RuntimeError(f"{name}, seed {seed}: {env.infra_error}")
    return env.metrics()["page_reward"]


def report(
    played: Played, names: list[str], seeds: int, reach: dict[str, str], about: dict[str, Any]
) -> dict[str, Any]:
    """Success rates in percent with their standard errors, over all tasks asked for and over those within reach."""
    rates = {}
    for policy, tasks in played.items():
        kept = {name: tasks[name][:seeds] for name in names if tasks.get(name)}
        rates[policy] = {
            "episodes": sum(map(len, kept.values())),
            "success_percent": _rate(kept, 0.0),
            "strict_percent": _rate(kept, 1.0),
            "success_within_reach_percent": _rate({name: got for name, got in kept.items() if not reach[name]}, 0.0),
        }
    return {
        "circumstances": about,
        "protocol": {"tasks": len(names), "seeds": seeds, "actions": 10, "pages_sha256": SHA256},
        "out_of_reach": {name: why for name, why in reach.items() if why},
        "rates": rates,
        "raw_rewards": played,
    }


def _rate(tasks: dict[str, list[float]], least: float) -> dict[str, float] | None:
    won = [float(got >= least if least else got > 0) for rewards in tasks.values() for got in rewards]
    if not won:
        return None
    mean = float(np.mean(won))
    return {"mean": round(100 * mean, 2), "standard_error": round(100 * (mean * (1 - mean) / len(won)) ** 0.5, 2)}


def table(found: dict[str, Any]) -> Table:
    """The rates."""
    made = Table(title="MiniWoB++, percent of episodes")
    for column in ("rule", "episodes", "raw > 0", "raw >= 1", "raw > 0, tasks within reach"):
        made.add_column(column)
    for policy, rates in found["rates"].items():
        cells = [rates[key] for key in ("success_percent", "strict_percent", "success_within_reach_percent")]
        shown = [f"{one['mean']:.1f} ± {one['standard_error']:.1f}" if one else "none" for one in cells]
        made.add_row(policy, str(rates["episodes"]), *shown)
    return made


def _resumed(out: Path, about: dict[str, Any]) -> tuple[Played, dict[str, Any]]:
    """What an earlier run of the same code into the same file played, of the same pages, and its circumstances."""
    if not out.is_file():
        return {}, about
    kept = json.loads(out.read_text(encoding="utf-8"))
    before: dict[str, Any] = kept["circumstances"]
    of_now = kept["protocol"]["pages_sha256"] == SHA256 and before["git_commit"] == about["git_commit"]
    return (kept["raw_rewards"], before) if of_now else ({}, about)


def _write(out: Path, found: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part")
    partial.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(partial, out)


if __name__ == "__main__":
    raise SystemExit(main())
