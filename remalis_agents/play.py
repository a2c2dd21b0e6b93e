"""The command `remalis play`: films a controller or a trained team at work; of the web, :mod:`.web_film`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from remalis_agents.command_line import env_changes, terminated_as_interrupted
from remalis_agents.film import Film, Player, check_pace, film
from remalis_agents.film_files import film_writer
from remalis_agents.mixtures import first_world, with_world
from remalis_agents.web_film import command as web
from remalis_envs.errors import RemalisError, unknown

HELP = "film a team at work, on traffic or on the web, as mp4, webm or gif"
ENVS = ("traffic", "web")
_TRAFFIC: dict[str, Any] = {
    "scenario": None,
    "controller": None,
    "seconds": 300.0,
    "skip": 0.0,
    "speed": 8.0,
    "fps": 20.0,
    "width": None,
}
"""Arguments of the traffic alone, and their defaults."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("--env", default="traffic", help="traffic or web (default: traffic)")
    add("--level", help="the level to play (default: easy, medium on the web, or what the checkpoint was trained on)")
    add("--checkpoint", metavar="PATH", help="a checkpoint or a run's folder: the learned team plays")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes", help="other options of the env")
    add("--out", metavar="FILE", help="the film, ending in .mp4, .webm or .gif")
    add("--seed", type=int, default=0, help="seed of the episode (default: 0)")
    add("--split", default="test", help="train, validation or test (default: test)")
    add = parser.add_argument_group("with --env traffic").add_argument
    add("--scenario", help="a scenario to play instead of a level, such as resco/cologne8 or a .sumocfg file")
    add("--controller", metavar="NAME", help="who controls the signals (default: max_pressure)")
    add("--seconds", type=float, help="simulated time to show (default: 300)")
    add("--skip", type=float, metavar="SECONDS", help="simulated time before the first frame")
    add("--speed", type=float, help="simulated seconds in a second of film (default: 8)")
    add("--fps", type=float, help="frames in a second of film (default: 20)")
    add("--width", type=int, metavar="PIXELS", help="width of the film (default: 1080, 1360 for large maps)")
    parser.set_defaults(**_TRAFFIC)
    web.add_arguments(parser)


def add_parser(subparsers: Any) -> None:
    """Add the command to a parser's commands."""
    parser = subparsers.add_parser("play", help=HELP)
    add_arguments(parser)
    parser.set_defaults(handler=main)


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: something that the user can put right.
    """
    if args.env not in ENVS:
        raise unknown("environment", args.env, ENVS)
    others = web.OPTIONS if args.env == "traffic" else _TRAFFIC
    strange = [name for name, default in others.items() if getattr(args, name) != default]
    if strange:
        other = "web" if args.env == "traffic" else "traffic"
        raise RemalisError(f"--{strange[0]} is for --env {other}, and this is --env {args.env}.")
    with terminated_as_interrupted():  # so that what is half written is removed
        return web.main(args) if args.env == "web" else _traffic(args)


def _traffic(args: argparse.Namespace) -> int:
    if not args.out:
        raise RemalisError("Say where the film goes: --out clip.mp4, or a file ending in .webm or .gif.")
    check_pace(args.seconds, args.skip, args.fps, args.speed)
    if args.controller and args.checkpoint:
        raise RemalisError("Give --controller or --checkpoint, not both: one of them controls the signals.")
    if args.width is not None and args.width < MIN_WIDTH_PX:
        raise RemalisError(f"A film is at least {MIN_WIDTH_PX} pixels wide, not {args.width}.")
    with film_writer(args.out, args.fps):  # before anything is built: can a film be written there?
        pass
    made = play(args)
    figures = f"{made.simulated_s:.0f} s of traffic in {made.duration_s:.0f} s, {_size(made.path)}"
    print(f"film        {made.path}  ({figures})")
    print(f"mean delay  {made.metrics['mean_delay_s']:.1f} s")
    return 0


run = main
MIN_WIDTH_PX = 480


def play(args: argparse.Namespace) -> Film:
    """Make the environment and its player, and film them."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from remalis_envs.traffic.traffic_v0 import traffic_v0

    player, options, label = _player(args)
    env = traffic_v0(**options)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    try:
        console = Console()
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(f"{env.config.scenario.name}, {label}", total=None)
            return film(
                env,
                player,
                args.out,
                seed=args.seed,
                seconds=args.seconds,
                skip_s=args.skip,
                fps=args.fps,
                speed=args.speed,
                label=label,
                width=args.width,
                on_frame=lambda done, total: progress.update(task, completed=done, total=total),
            )
    finally:
        env.close()


def _player(args: argparse.Namespace) -> tuple[Player, dict[str, Any], str]:
    """Who plays, the environment's options, and the player's name for people."""
    options: dict[str, Any] = {}
    if args.checkpoint:
        player, trained, label = _learned(args.checkpoint)
        options = trained
    else:
        from remalis_agents.controllers import make_controller

        player = make_controller(args.controller or "max_pressure")
        options.update(player.env_options())
        label = player.name.replace("_", " ")
    return player, with_world(options, env_changes(args)), label


def _learned(checkpoint: str) -> tuple[Player, dict[str, Any], str]:
    """A trained team, the options of the traffic environment that it was trained in, and the network's name."""
    from remalis_agents.evaluate import check_fits, load_team
    from remalis_envs.team import TeamEnv
    from remalis_envs.traffic.traffic_v0 import traffic_v0

    team = load_team(checkpoint)
    trained = team.trained_on
    options = first_world(trained.get("env_config", {})) if "Traffic" in str(trained.get("env", "")) else {}
    options.pop("max_agents", None)
    # Every traffic agent has the same spaces, so the smallest map tells whether the team fits.
    smallest = TeamEnv(traffic_v0("easy"))
    try:
        check_fits(team, smallest, "the traffic environment")
    finally:
        smallest.close()
    return team, options, f"learned, {team.name}"


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
