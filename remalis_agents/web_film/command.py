"""`remalis play --env web`: films, film strips and traces of a team on the web, and replays of traces."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remalis_agents.command_line import env_changes, writable
from remalis_envs.errors import RemalisError, unknown

if TYPE_CHECKING:
    from remalis_agents.film import Player
    from remalis_agents.web_film.recorder import Recorder
    from remalis_agents.web_film.recording import Moment, Recording
    from remalis_envs.web.env import WebEnv

OPTIONS: dict[str, Any] = dict.fromkeys(("agent", "domain", "engine", "team", "hold", "strip", "trace", "replay"), None)
"""Arguments of the web alone, and what they are where they are not given."""
TRACES = (".html", ".json")
LEVEL, AGENT = "medium", "oracle"
WHO = {
    "oracle": "the oracle, which knows the answer",
    "overlap": "the overlap rule, which acts on what is most like the instruction",
    "random": "random actions",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the web alone."""
    add = parser.add_argument_group("with --env web").add_argument
    add("--agent", metavar="NAME", help=f"who plays, such as oracle, overlap or random (default: {AGENT})")
    add("--domain", help="the domain to play, such as library (default: any of the split)")
    add("--engine", help="chromium, or model for pages without a browser (default: chromium)")
    add("--team", metavar="ROLES", help="full, solo, or roles with commas between them (default: full)")
    add("--hold", type=float, metavar="SECONDS", help="how long the film shows a team step (default: 2)")
    add("--strip", metavar="FILE", help="a picture of up to six moments, ending in .png")
    add("--trace", action="append", metavar="FILE", help="all that happened: .html to read it, .json to replay it")
    add(
        "--replay", metavar="FILE", help="play a .json trace again; it is an error where anything comes out differently"
    )


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code: 1 where the browser or a trace was lost.

    Raises:
        RemalisError: something that the user can put right, or a replay that differs from its trace.
    """
    from remalis_agents.film_files import film_writer
    from remalis_agents.web_film.film import FPS, HOLD_S, check_hold

    _check(args)
    hold_s = HOLD_S if args.hold is None else args.hold
    check_hold(hold_s)
    if args.out:
        with film_writer(args.out, FPS):  # before anything is played: can a film be written there?
            pass
    begin, env = _prepared(args)
    try:
        recording, duration_s = _played(args, begin, hold_s)
    finally:
        env.close()
    return _told(args, recording, duration_s)


def _check(args: argparse.Namespace) -> None:
    """Whether the arguments go together, and files can be where they are wanted."""
    if not (args.out or args.strip or args.trace or args.replay):
        raise RemalisError("Say what is to be made: --out clip.mp4, --strip FILE.png, or --trace FILE.html or .json.")
    if args.agent and args.checkpoint:
        raise RemalisError("Give --agent or --checkpoint, not both: one of them plays.")
    if args.replay:
        own = ("agent", "checkpoint", "domain", "level", "team", "changes")
        given = [f"--{'set' if name == 'changes' else name}" for name in own if getattr(args, name)]
        given += ["--seed"] * bool(args.seed) + ["--split"] * (args.split != "test")
        if given:
            raise RemalisError(f"The trace says who plays what: leave {given[0]} out beside --replay.")
    if args.strip and Path(args.strip).suffix.lower() != ".png":
        raise RemalisError(f"A film strip ends in .png, which {args.strip!r} does not.")
    for name in args.trace or ():
        if Path(name).suffix.lower() not in TRACES:
            raise unknown("trace format", Path(name).suffix or name, TRACES)
    for name in (*(args.trace or ()), *([args.strip] if args.strip else ())):
        writable(name)


def _prepared(args: argparse.Namespace) -> tuple[Callable[[], Recorder], WebEnv]:
    """What begins the episode, and the environment that it is played in."""
    from remalis_agents.web_film.recorder import Recorder
    from remalis_agents.web_film.trace import Replayer, read_trace
    from remalis_envs.web.web_v0 import web_v0

    pictures = bool(args.out or args.strip or any(name.lower().endswith(".html") for name in args.trace or ()))
    if args.replay:
        trace = read_trace(args.replay)
        trace.options |= {"engine": args.engine} if args.engine else {}
        env = web_v0(**trace.options)
        return lambda: Replayer(env, trace, pictures), env
    player, options, who = _player(args)
    env = web_v0(**options)
    return lambda: Recorder(env, player, args.seed, options, who, pictures), env


def _player(args: argparse.Namespace) -> tuple[Player, dict[str, Any], str]:
    """Who plays, the environment's options, and the player's name for people."""
    from remalis_agents.mixtures import with_world

    own = env_changes(args)
    own |= {"engine": args.engine} if args.engine else {}
    own |= {"domains": [args.domain]} if args.domain else {}
    if args.team:
        own["team"] = args.team if args.team in ("full", "solo") else args.team.split(",")
    if args.checkpoint:
        team, trained = _learned(args.checkpoint)
        options = with_world({"level": LEVEL} | trained, own)
        return team, options, f"a learned team ({team.name})"
    from remalis_envs.web.policies import make_policy

    name = args.agent or AGENT
    return make_policy(name), {"level": LEVEL} | own, WHO.get(name, name)


def _learned(checkpoint: str) -> tuple[Any, dict[str, Any]]:
    """A trained team, and the options of the web environment that it was trained in; its pages are shown, though."""
    from remalis_agents.evaluate import check_fits, load_team
    from remalis_agents.mixtures import first_world
    from remalis_envs.team import TeamEnv
    from remalis_envs.web.web_v0 import web_v0

    team = load_team(checkpoint)
    trained = team.trained_on
    options = first_world(trained.get("env_config", {})) if "Web" in str(trained.get("env", "")) else {}
    for key in ("max_agents", "engine"):
        options.pop(key, None)
    # Every agent of the web has the same spaces; without a browser it is quickly known whether the team fits.
    example = TeamEnv(web_v0(engine="model", team=options.get("team", "full")))
    try:
        check_fits(team, example, "the web environment")
    finally:
        example.close()
    return team, options


def _played(args: argparse.Namespace, begin: Callable[[], Recorder], hold_s: float) -> tuple[Recording, float]:
    """Plays the episode, with a progress bar on a terminal; the film's length, 0 for none."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from remalis_agents.web_film.film import exhaust, film

    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("opening the sites", total=None)
        recorder = begin()
        one = recorder.recording
        progress.update(bar, description=f"{one.place.domain}, {one.place.level}: team steps", total=one.budget)

        def told(moment: Moment) -> None:
            progress.update(bar, completed=moment.step)

        if args.out:
            return one, film(recorder, args.out, hold_s, told)
        exhaust(recorder.moments(), told)
    return one, 0.0


def _told(args: argparse.Namespace, recording: Recording, duration_s: float) -> int:
    """Writes what is made of the whole episode, and says what there is."""
    from remalis_agents.web_film.strip import write_strip

    ending = recording.ending
    assert ending is not None
    print(f"task        {recording.place.domain}, {recording.place.level}: {recording.instruction}")
    print(f"judge       {ending.headline(len(recording.moments))}")
    if args.replay:
        print(f"replay      {args.replay}  (all {len(recording.moments)} steps came out the same)")
    if args.out:
        print(f"film        {args.out}  ({duration_s:.0f} s, {_size(Path(args.out))})")
    if args.strip:
        write_strip(recording, Path(args.strip))
        print(f"strip       {args.strip}  ({_size(Path(args.strip))})")
    lost = [name for name in args.trace or () if not _traced(recording, Path(name))]
    return int(bool(lost or ending.fault))


def _traced(recording: Recording, path: Path) -> bool:
    """Writes a trace; a disk that is full costs the trace and nothing else."""
    if path.suffix.lower() == ".json":
        from remalis_agents.web_film.trace import as_json as text_of
    else:
        from remalis_agents.web_film.page import page as text_of
    try:
        path.write_text(text_of(recording), encoding="utf-8")
    except OSError as error:
        print(f"remalis: The trace {str(path)!r} is lost: {error.strerror or error}.", file=sys.stderr)
        if path.is_file() and not path.is_symlink():
            path.unlink()
        return False
    print(f"trace       {path}  ({_size(path)})")
    return True


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
