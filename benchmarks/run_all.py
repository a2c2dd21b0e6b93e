"""The leaderboard: ``python benchmarks/run_all.py``.

Every cell (method, task, training seed) is a Ray task: trained from its configuration for a number of team steps, then
its final policy plays held-out episodes, the same for everybody. Results are stored under the hash of all that decides
them, so a call that was stopped goes on where it was when it is given again, and nothing is computed twice. A folder is
for one call at a time; ``--report-only`` may be given beside it. A cell that takes longer than ``--cell-timeout`` is
ended and has failed. Writes ``leaderboard.html``, ``leaderboard.md``, ``leaderboard.json`` and ``marl_eval.json``.
Without arguments it runs the suite ``quick``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from circumstances import circumstances
from leaderboard.cells import Cell
from leaderboard.cluster import RayGoneError
from leaderboard.limits import seconds
from leaderboard.report import write_report
from leaderboard.store import PLAN, Store
from leaderboard.suites import SUITES, TRANSFER_FROM, TRANSFER_TO, TRANSFERRED, Plan, plan, with_reference
from leaderboard.tasks import LEARNED, TASKS, UNLEARNED, MissingConfigError, Task, experiment_of

from remalis_agents.command_line import terminated_as_interrupted
from remalis_envs.errors import RemalisError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 1 where a cell failed, 130 where it was stopped."""
    given = _parser().parse_args(arguments)
    if given.list:
        return _list()
    try:
        return _run(given, sys.argv[1:] if arguments is None else list(arguments))
    except RemalisError as error:
        print(f"run_all: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--suite", choices=SUITES, default="quick", help="defaults of all that follows (default: quick)")
    add("--methods", nargs="+", metavar="NAME", help="learned methods and controllers (max_pressure always plays)")
    add("--envs", nargs="+", metavar="TASK", help="such as traffic/easy, or an experiment file for all methods")
    add("--seeds", type=_whole(1), metavar="N", help="training seeds 0 to N-1")
    add("--budget", type=_whole(1), metavar="STEPS", help="team steps of each training")
    add("--episodes", type=_whole(1), metavar="N", help="held-out episodes of each policy")
    add("--transfer", action="store_true", help="also play policies of traffic/easy on other maps, unchanged")
    add("--runners", type=_whole(0), default=0, metavar="N", help="env runners of each training (default: 0)")
    add("--ray-address", metavar="ADDRESS", help="a Ray cluster to run on, such as auto or 10.0.0.1:6379")
    add("--cell-timeout", type=seconds, default="6h", metavar="TIME", help="end a cell after so long (default: 6h)")
    add("--out", type=Path, default=Path("runs/leaderboard"), help="folder (default: runs/leaderboard)")
    add("--report-only", action="store_true", help="write the files again from what is stored, and run nothing")
    add("--list", action="store_true", help="show suites, tasks and methods")
    return parser


def _whole(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return parse


def _run(given: argparse.Namespace, arguments: list[str]) -> int:
    about = circumstances("run_all.py", arguments)
    if given.report_only:
        if not (given.out / PLAN).exists():
            raise RemalisError(f"There is nothing stored at {str(given.out)!r}: run without --report-only first.")
        return _told(write_report(Store(given.out), about), 0)
    wanted = _plan(given)
    store = Store(given.out)
    with store.only_one():
        store.ask_for(wanted.cells, wanted.without)
        todo = [cell for cell in wanted.cells if not store.done(cell)]
        print(f"{len(wanted.cells)} cells, {len(wanted.cells) - len(todo)} of them stored in {given.out}", flush=True)
        status = 0
        try:
            status = _cells(todo, len(wanted.cells) - len(todo), store, about, given) if todo else 0
        except KeyboardInterrupt:
            print("Stopped. The same command goes on from here.", file=sys.stderr)
            status = 130
        except RayGoneError as error:
            print(f"run_all: {error}", file=sys.stderr)
            status = 1
        return _told(write_report(store, about), status)


def _plan(given: argparse.Namespace) -> Plan:
    suite = SUITES[given.suite]
    methods, controllers = with_reference(given.methods) if given.methods else (suite.methods, UNLEARNED)
    return plan(
        given.envs or suite.tasks,
        methods,
        given.seeds or suite.seeds,
        given.budget or suite.budget,
        given.episodes or suite.episodes,
        transfer=given.transfer or (suite.transfer and not given.envs),
        controllers=controllers,
        runners=given.runners,
    )


def _cells(todo: list[Cell], kept: int, store: Store, about: dict[str, Any], given: argparse.Namespace) -> int:
    """Runs what is to run; 1 where a cell failed."""
    import ray
    from leaderboard.cluster import Running, connect, run_all
    from leaderboard.progress import CellsProgress

    connect(given.ray_address)
    progress = CellsProgress(todo, kept)
    failed: list[Cell] = []

    def told(running: Sequence[Running], ended: Cell | None) -> None:
        if ended is not None:
            reason = (store.load(ended) or {}).get("reason")
            failed.extend([ended] if reason else [])
            progress.ended(ended, reason)
        progress.show(running)

    try:
        # Not Ray's way, which exits: where the signal comes within a call of Ray, the exit is lost.
        with terminated_as_interrupted():
            run_all(todo, store, told, about, given.cell_timeout)
    finally:
        progress.close()
        ray.shutdown()
    return 1 if failed else 0


def _told(files: list[Path], status: int) -> int:
    for file in files:
        print(f"written: {file}")
    return status


def _list() -> int:
    for name, suite in SUITES.items():
        print(f"suite {name}: {suite.title}")
        print(f"  {', '.join(suite.tasks)}; {suite.seeds} seeds, {suite.budget} team steps, {suite.episodes} episodes")
    print()
    for task in TASKS.values():
        print("\n  ".join([f"{task.name}: {task.title}", *_who_plays(task)]))
    return 0


def _who_plays(task: Task) -> list[str]:
    """Who can be asked for on a task: learned methods that an experiment is shipped for, and controllers."""
    learned = []
    for method in LEARNED:
        try:
            experiment_of(task, method)
        except MissingConfigError:
            continue
        learned.append(method)
    controllers = ", ".join(task.controllers)
    if learned:
        said = [f"learned: {', '.join(learned)}"] + ([f"controllers: {controllers}"] if controllers else [])
    else:
        said = [f"controllers only, as no experiment is shipped that trains here: {controllers}"]
    if task.name in TRANSFER_TO:
        said.append(f"with --transfer also {' and '.join(TRANSFERRED)}, trained on {TRANSFER_FROM}")
    return said


if __name__ == "__main__":
    raise SystemExit(main())
