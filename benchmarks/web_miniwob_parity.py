"""The same actions here and in BrowserGym on MiniWoB++: ``python benchmarks/web_miniwob_parity.py``.

300 episodes of the tasks within reach that BrowserGym does not flag nondeterministic are played here by a seeded mix of
the overlap rule and random actions, and their actions are played again in BrowserGym's own tasks of the same seeds, in
a virtual environment that the benchmark makes, with the same Chromium on the same pages. Compared are the pages' raw
rewards. A run that was cut off goes on where it stopped. Writes JSON, and prints what disagrees.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from circumstances import circumstances
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from web_miniwob import REPEATS, protocol_seeds
from web_parity.episodes import EXPLORES, TRIES, record
from web_parity.peer import OPTIONS, PACKAGE, Replay
from web_parity.report import NOTE, Episode, agrees, compare, summary, table
from web_speed.peer import UnavailableError

import remalis_envs
from remalis_agents.command_line import at_least
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.web.others.miniwob import PREFIX, miniwob_tasks
from remalis_envs.web.others.wheel import SHA256

RESULTS = Path(__file__).resolve().parent / "results"
EPISODES = 300
KEPT_EVERY = 10
AGAIN = 3
"""How often BrowserGym plays an episode again in which the sides do not agree."""


def main(arguments: list[str] | None = None) -> int:
    """Play on both sides, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=at_least(1), default=EPISODES, help=f"in all (default: {EPISODES})")
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="such as click-test (default: all that qualify)")
    parser.add_argument("--out", type=Path, default=RESULTS / "web_miniwob_parity.json", help="JSON file")
    said = sys.argv[1:] if arguments is None else arguments
    given = parser.parse_args(said)
    console, about = Console(), circumstances("web_miniwob_parity.py", said)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # as an error is: with all its processes
    try:
        reach = miniwob_tasks()
        console.print(f"{PACKAGE} is made ready in a virtual environment of its own.")
        with Replay() as peer:
            flagged = peer.tasks()
            names = qualifying(reach, flagged, given.tasks)
            protocol = {
                "tasks": len(names),
                "flagged_nondeterministic": sorted(name for name, flag in flagged.items() if flag),
                "out_of_reach": sorted(name.removeprefix(PREFIX) for name, why in reach.items() if why),
                "explores": EXPLORES,
                "tries": TRIES,
                "peer": PACKAGE,
                "peer_versions": peer.versions(),
                "peer_options": OPTIONS,
                "pages_sha256": SHA256,
            }
            jobs = drawn(names, list(reach), given.episodes)
            found = _run(peer, jobs, given.out, {"circumstances": about, "note": NOTE, "protocol": protocol}, console)
    except (UnavailableError, RemalisError) as error:
        console.print(f"The two sides could not be compared: {error}")
        return 1
    console.print(table(found))
    return 0


def qualifying(reach: dict[str, str], flagged: dict[str, bool], wanted: list[str] | None = None) -> list[str]:
    """The tasks that are compared: within reach here, known to BrowserGym and not flagged nondeterministic there.

    Raises:
        UnknownNameError: one that was asked for is none of them.
    """
    names = [name for name, why in reach.items() if not why and not flagged.get(name.removeprefix(PREFIX), True)]
    asked = [PREFIX + name.removeprefix(PREFIX) for name in wanted or names]
    for name in asked:
        if name not in names:
            raise unknown("task", name, names)
    return asked


def drawn(names: list[str], known: list[str], episodes: int) -> list[tuple[str, int]]:
    """Pairs of task and seed, all different, the first seed of every task first; the seeds are the protocol's."""
    each = -(-episodes // len(names))
    seeds = {name: list(dict.fromkeys(own)) for name, own in protocol_seeds(known, REPEATS + each).items()}
    return [(name, seeds[name][k]) for k in range(each) for name in names][:episodes]


def _run(
    peer: Replay, jobs: list[tuple[str, int]], out: Path, about: dict[str, Any], console: Console
) -> dict[str, Any]:
    """Plays what has not been played yet; one side is an episode ahead of the other."""
    earlier, runs = _resumed(out)
    kept = {(one["task"], one["seed"]): one for one in earlier}
    about = about | {"earlier_circumstances": runs}
    missing = [job for job in jobs if job not in kept]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    env = remalis_envs.web_v0(tasks="miniwob")
    try:
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("episodes", total=len(jobs), completed=len(jobs) - len(missing))
            before: tuple[str, int, dict[str, Any]] | None = None
            for task, seed in [*missing, ("", 0)]:
                ours = record(env, task, seed) if task else {}
                if before is not None:
                    kept[before[:2]] = compare(*before, peer.played())
                    progress.advance(bar)
                    if len(kept) % KEPT_EVERY == 0:
                        _write(out, about, [kept[job] for job in jobs if job in kept])
                before = (task, seed, ours)
                if task:
                    progress.update(bar, description=f"{task.removeprefix(PREFIX)}, seed {seed}")
                    peer.play(task.removeprefix(PREFIX), seed, ours["actions"])
    finally:
        env.close()
    for one in [kept[job] for job in jobs]:
        if not agrees(one) and "browsergym_again" not in one:
            one["browsergym_again"] = _again(peer, one)
    return _write(out, about, [kept[job] for job in jobs])


def _again(peer: Replay, one: Episode) -> list[dict[str, Any]]:
    """How BrowserGym ends when it plays the same actions more often: does it agree with itself?"""
    ends = []
    for _ in range(AGAIN):
        peer.play(one["task"].removeprefix(PREFIX), one["seed"], one["actions"])
        theirs = peer.played()
        ends.append({key: theirs[key] for key in ("raw", "done")})
    return ends


def _resumed(out: Path) -> tuple[list[Episode], list[dict[str, Any]]]:
    """What earlier runs into the same file played, of the same pages with the same peer, and their circumstances."""
    if not out.is_file():
        return [], []
    found = json.loads(out.read_text(encoding="utf-8"))
    if (found["protocol"]["pages_sha256"], found["protocol"]["peer"]) != (SHA256, PACKAGE):
        return [], []
    return found["played"], [*found.get("earlier_circumstances", []), found["circumstances"]]


def _write(out: Path, about: dict[str, Any], played: list[Episode]) -> dict[str, Any]:
    found = summary(played)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".part")
    content = json.dumps(about | {"found": found, "played": played}, indent=1, allow_nan=False)
    partial.write_text(content + "\n", encoding="utf-8")
    os.replace(partial, out)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
