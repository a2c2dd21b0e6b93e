"""The command `remalis explain`: plays an episode with a ReMALIS team and writes a page on what it thought and said."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remalis_agents.command_line import add_world, env_changes, writable
from remalis_envs.errors import RemalisError

if TYPE_CHECKING:
    from remalis_agents.explain.recording import Recording
    from remalis_agents.team import Team

HELP = "a page on what a ReMALIS team meant, told each other and believed"
STEPS = 120
FOLDER, PAGE = "runs/explain", "explain.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("checkpoint", help="a checkpoint, the folder of a run, or an exported team")
    add_world(parser)
    add("--seed", type=int, default=1000, help="seed of the episode (default: 1000, as in `rllib evaluate`)")
    add("--steps", type=int, default=STEPS, help=f"steps to play and show (default: {STEPS})")
    add("--sample", action="store_true", help="draw actions as in training, instead of the most probable")
    add("--out", default=FOLDER, metavar="DIR|FILE", help=f"a folder, or a file ending in .html (default: {FOLDER})")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: something that the user can put right.
    """
    from remalis_agents.explain import messages
    from remalis_agents.explain.page import write_page

    if args.steps < 1:
        raise RemalisError(f"--steps is 1 or more, but it is {args.steps}.")
    if args.seed < 0:
        raise RemalisError(f"--seed is 0 or more, but it is {args.seed}.")
    page = _page(args.out)
    arrays = page.with_suffix(".npz")
    recording = explain(args)
    listed = messages.write(recording, messages.beside(page, PAGE))
    recording.meta |= {"command": _command(args), "recording": arrays.name, "messages": listed.name}
    recording.save(arrays)
    write_page(recording, page)
    print(f"page        {page}")
    print(f"messages    {listed}")
    print(f"recording   {arrays}  ({recording.steps} steps, {len(recording.messages()):,} messages)")
    return 0


def _page(out: str) -> Path:
    """Where the page goes; found out before an episode is played."""
    page = Path(out) if Path(out).suffix in (".html", ".htm") else Path(out) / PAGE
    return writable(str(page))


def _command(args: argparse.Namespace) -> str:
    said = ["remalis", "explain", str(args.checkpoint)]
    for name in ("env", "level", "scenario", "split"):
        said += [f"--{name}", getattr(args, name)] if getattr(args, name) else []
    for change in args.changes:
        said += ["--set", change]
    said += ["--seed", str(args.seed), "--steps", str(args.steps), *(["--sample"] if args.sample else [])]
    return shlex.join(said)


def explain(args: argparse.Namespace) -> Recording:
    """Play the episode, with a progress bar in a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from remalis_agents.evaluate import load_team

    team = load_team(args.checkpoint, args.sample)
    check_method(team)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("playing", total=args.steps)
        return play(team, args, lambda done: progress.update(task, completed=done))


def check_method(team: Team) -> None:
    """One sentence where there is nothing to explain; before an environment is made.

    Raises:
        RemalisError: the team is of another method.
    """
    from remalis_agents.explain.recorder import Recorder

    Recorder(team)


def play(team: Team, args: argparse.Namespace, on_step: Callable[[int], None] | None = None) -> Recording:
    """Records the episode that the arguments ask for."""
    from remalis_agents.evaluate import check_fits, stage_played
    from remalis_agents.explain.recorder import record_episode
    from remalis_agents.registration import make_team_env

    name, options = world(team, args)
    try:
        env = make_team_env(name, options)
    except TypeError as error:
        raise RemalisError(f"{name} cannot be made with {options}: {error}") from None
    try:
        check_fits(team, env, name)
        stage = stage_played(team.trained_on, options) if name == team.trained_on.get("env") else ""
        about = {"env": name, "env_config": options, "stage": stage, "sample": args.sample}
        about["checkpoint"] = str(args.checkpoint)
        return record_episode(env, team, args.seed, args.steps, on_step, about)
    finally:
        env.close()


def world(team: Team, args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The environment's name and options: what the team was trained on, changed by the arguments.

    Raises:
        RemalisError: neither says what is to be played.
    """
    from remalis_agents.co_players import CO_PLAYERS
    from remalis_agents.mixtures import first_world, with_world
    from remalis_envs.registration import WITH_SPLITS

    trained = team.trained_on
    name = args.env or trained.get("env")
    if name is None:
        raise RemalisError("This checkpoint does not say what it was trained on: name the environment with --env.")
    options = first_world(trained.get("env_config", {})) if name == trained.get("env") else {}
    options.pop(CO_PLAYERS, None)  # whoever plays in the team's place has nothing to show
    if name in WITH_SPLITS:
        options["split"] = "test"
    return name, with_world(options, env_changes(args))
