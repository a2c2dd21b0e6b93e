"""Does talking pay in the web environment? ``python benchmarks/web_talking.py``.

A scripted crew that hears what the others are on plays the same draws as the same crew silent, before anybody learns.
With ``roles="overlapping"`` two agents can do most things, and the silent ones get in each other's way; with
``roles="exclusive"`` nobody can, and no difference is expected. Writes JSON, and prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from circumstances import circumstances
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from remalis_agents.command_line import at_least
from remalis_agents.evaluation import interval

RESULTS = Path(__file__).resolve().parent / "results"
LEVELS = ("medium", "hard")
ROLES = ("overlapping", "exclusive")
CREWS = ("crew", "silent_crew")
FASTER, OFTENER = 1.3, 0.1
"""Talking pays where a task then takes so much fewer steps, or is solved so much oftener."""
SHARE = 25
"""Draws of a job."""
Job = tuple[str, str, str, range]


def main(arguments: list[str] | None = None) -> int:
    """Play, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=at_least(2), default=1000, help="tasks, half of each level (default: 1000)")
    parser.add_argument(
        "--processes", type=at_least(1), default=os.cpu_count() or 1, help="at once (default: all cores)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "web_talking.json", help="JSON file")
    said = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(said)
    about = circumstances("web_talking.py", said)
    half = given.draws // len(LEVELS)
    jobs: list[Job] = [
        (level, roles, crew, range(first, min(first + SHARE, half)))
        for level in LEVELS for roles in ROLES for crew in CREWS for first in range(0, half, SHARE)
    ]  # fmt: skip
    episodes: dict[tuple[str, str, str], dict[int, dict[str, float]]] = {}
    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProcessPoolExecutor(given.processes, get_context("spawn")) as pool, Progress(*columns) as progress:
        bar = progress.add_task("", total=len(jobs))
        running = {pool.submit(play, job): job for job in jobs}
        for done in as_completed(running):
            level, roles, crew, _ = running[done]
            episodes.setdefault((level, roles, crew), {}).update(done.result())
            progress.advance(bar)
    found = {roles: compare(episodes, roles) for roles in ROLES}
    show(found)
    given.out.write_text(json.dumps({"about": about, **found}, indent=1) + "\n", encoding="utf-8")
    print(f"written: {given.out}")
    return 0


def play(job: Job) -> dict[int, dict[str, float]]:
    """Seed -> figures of its episode; a task that was not solved counts as its whole budget."""
    from remalis_envs import web_v0
    from remalis_envs.web.policies import make_policy

    level, roles, crew, seeds = job
    env, team, found = web_v0(level=level, engine="model", roles=roles), make_policy(crew), {}
    for seed in seeds:
        observations, _ = env.reset(seed=seed)
        team.reset(env, seed)
        while env.agents:
            observations, *_ = env.step(team.act(observations))
        figures = env.metrics()
        steps = figures["steps"] if figures["success"] else float(env.task.budget)
        found[seed] = {"steps": steps, **{name: figures[name] for name in ("success", "unsafe_actions", "busy_share")}}
    env.close()
    return found


def compare(episodes: dict[tuple[str, str, str], dict[int, dict[str, float]]], roles: str) -> dict[str, Any]:
    """What the crews came to, by level and over both."""
    found: dict[str, Any] = {}
    for name, levels in (*((level, (level,)) for level in LEVELS), ("both", LEVELS)):
        own: dict[str, Any] = {}
        for crew in CREWS:
            played = [one for level in levels for _, one in sorted(episodes[level, roles, crew].items())]
            own[crew] = {key: vars(interval([one[key] for one in played])) for key in played[0]}
        own["steps_ratio"] = own["silent_crew"]["steps"]["mean"] / own["crew"]["steps"]["mean"]
        own["success_gain"] = own["crew"]["success"]["mean"] - own["silent_crew"]["success"]["mean"]
        own["pays"] = own["steps_ratio"] >= FASTER or own["success_gain"] >= OFTENER
        found[name] = own
    return found


def show(found: dict[str, Any]) -> None:
    """Prints a table."""
    table = Table(title="told what the others are on, and silent")
    for head in ("roles", "level", "steps, told", "steps, silent", "ratio", "solved, told", "solved, silent", "pays"):
        table.add_column(head)
    for roles, by_level in found.items():
        for level, own in by_level.items():
            told, silent = own["crew"], own["silent_crew"]
            cells = [f"{one['steps']['mean']:.1f} ± {one['steps']['half_width']:.1f}" for one in (told, silent)]
            solved = [f"{one['success']['mean']:.3f}" for one in (told, silent)]
            pays = "yes" if own["pays"] else "no"
            table.add_row(roles, level, *cells, f"{own['steps_ratio']:.2f}", *solved, pays)
    Console(width=110).print(table)


if __name__ == "__main__":
    raise SystemExit(main())
