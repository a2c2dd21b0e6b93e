"""The commands `rllib` and `remalis`: train, evaluate, export, and what other modules add to `remalis`.

Ray removed its own `rllib` command in 2.42; this one reads the same YAML and runs it on the new API stack.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from remalis_agents.command_line import PLAIN_INTERVAL_S, add_world, at_least, env_changes, writable
from remalis_envs.errors import RemalisError

if TYPE_CHECKING:
    from rich.table import Table

    from remalis_agents.evaluate import Evaluation

COMMANDS: dict[str, tuple[str, str]] = {
    "demonstrate": ("remalis_agents.imitation.command", "record a controller or a team, for others to learn from"),
}
"""Commands of both programs that stand in modules of their own, as in :data:`EXTRA_COMMANDS`."""
EXTRA_COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("remalis_agents.demo.command", "train a team for two minutes, compare it, write a report"),
    "play": ("remalis_agents.play", "film a team at work, on traffic or on the web, as mp4, webm or gif"),
    "explain": ("remalis_agents.explain.command", "a page on what a ReMALIS team meant, told each other and believed"),
    "tiny-llama": ("remalis_agents.language.tiny", "a tiny random language model, to try a language-model body out"),
    "sites": ("remalis_agents.sites", "serve a web site of the suite, to click through its task yourself"),
    "audit": ("remalis_agents.audit", "what the web tasks are worth: kinds, wordings, the work that they take"),
    "describe": ("remalis_agents.describe", "sizes of a network's parts, and how long its joint step takes"),
}
"""Commands of `remalis` alone: name -> (module, help). The module has ``add_arguments(parser)`` and ``main(args)``."""


STOPPED = 130
"""Exit code of a command that was interrupted, as a shell has it."""


def main(argv: Sequence[str] | None = None) -> int:
    """The `rllib` command; returns the exit code."""
    return _run("rllib", argv, COMMANDS)


def remalis_main(argv: Sequence[str] | None = None) -> int:
    """The `remalis` command; returns the exit code."""
    return _run("remalis", argv, COMMANDS | EXTRA_COMMANDS)


def _run(program: str, argv: Sequence[str] | None, extra: dict[str, tuple[str, str]]) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(program, extra, arguments)
    args = parser.parse_args(arguments)
    if not hasattr(args, "handler"):
        parser.print_help()
        return 2
    try:
        code = int(args.handler(args) or 0)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever read it, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except RemalisError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: stopped.", file=sys.stderr)
        return STOPPED


def _parser(program: str, extra: dict[str, tuple[str, str]], arguments: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(program, description="Train and evaluate teams of agents.")
    commands = parser.add_subparsers(metavar="COMMAND")
    train = commands.add_parser("train", help="train a team from an experiment file")
    train.add_argument("--list", action="store_true", help="show the shipped experiments")
    train.set_defaults(handler=_list)
    file = train.add_subparsers(metavar="file").add_parser("file", help="train from a YAML file")
    _train_arguments(file)
    evaluate = commands.add_parser("evaluate", help="play a checkpoint on held-out episodes")
    _evaluate_arguments(evaluate)
    export = commands.add_parser("export", help="write a checkpoint's team to a folder that needs no Ray")
    _export_arguments(export)
    for name, (module, text) in extra.items():
        command = commands.add_parser(name, help=text)
        if name in arguments:  # the others need not be imported
            loaded = import_module(module)
            loaded.add_arguments(command)
            command.set_defaults(handler=loaded.main)
    return parser


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", help="a YAML file, or the name of a shipped experiment (see `train --list`)")
    add("--stop", metavar="JSON", help="when to stop, such as '{\"time_s\": 60}'; replaces the file's own keys")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes", help="such as training.lr=1e-3")
    add(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        metavar="RUN",
        help="go on with the latest run, or with RUN, as it was started; only what changes need be given",
    )
    add("--checkpoint-freq", type=at_least(0), metavar="N", help="save every N iterations")
    add("--seed", type=at_least(0), help="seed of everything that is drawn")
    add("--storage", default="runs", metavar="DIR", help="folder of all runs (default: runs)")
    add(
        "--ray-address",
        metavar="ADDRESS",
        help="a Ray cluster to join, such as 10.0.0.1:6379; auto for the one that RAY_ADDRESS names or that runs on "
        "this machine (default: start Ray here for this training alone)",
    )
    parser.set_defaults(handler=_train)


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("checkpoint", help="a checkpoint, the folder of a run, or a controller's name, such as max_pressure")
    add_world(parser)
    add("--episodes", type=at_least(1), default=10, help="how many (default: 10)")
    add("--seed", type=at_least(0), help="seed of the first episode")
    add("--sample", action="store_true", help="draw actions as in training, instead of the most probable")
    add("--out", metavar="FILE", help="write all figures as JSON")
    parser.set_defaults(handler=_evaluate)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoint", help="a checkpoint, or the folder of a run")
    parser.add_argument("folder", help="where to write config.json and model.safetensors")
    parser.set_defaults(handler=_export)


def _export(args: argparse.Namespace) -> int:
    from remalis_agents.evaluate import load_team

    folder = load_team(args.checkpoint).save_pretrained(args.folder)
    print(f"written     {folder}")
    print(f"evaluate    rllib evaluate {folder}")
    return 0


def _list(args: argparse.Namespace) -> int:
    if not args.list:
        print("rllib train needs `file <yaml>` or --list.", file=sys.stderr)
        return 2
    from remalis_agents.listing import show_experiments

    show_experiments(sys.stdout)
    return 0


def _train(args: argparse.Namespace) -> int:
    from remalis_agents.configs.loader import check_body, parse_stop, read_body

    changes = list(args.changes)
    changes += parse_stop(args.stop) if args.stop else []
    changes += [f"checkpoint.frequency={args.checkpoint_freq}"] if args.checkpoint_freq is not None else []
    changes += [f"debugging.seed={args.seed}"] if args.seed is not None else []
    run_dir: Path | None = None
    if args.resume is not False:
        from remalis_agents.resuming import resume_from_file

        resumed = resume_from_file(args.file, changes, args.storage, None if args.resume is True else args.resume)
        name, experiment, written, run_dir = resumed.name, resumed.experiment, resumed.written, resumed.run_dir
        print(
            "\n".join([f"resumed     {run_dir}", *(f"changed     {change}" for change in resumed.changes)]), flush=True
        )
    else:
        name, written = read_body(args.file)
        experiment = check_body(name, written, changes)
    from remalis_agents.train import train

    result = train(
        name,
        experiment,
        storage=args.storage,
        resume=run_dir or False,
        ray_address=args.ray_address,
        written=written,
    )
    print(f"run         {result.run_dir}")
    if result.checkpoint is None and result.interrupted:
        print("checkpoint  none was written: the training was stopped before there was anything to save")
        return STOPPED
    if result.interrupted:
        print(f"stopped     at iteration {result.metrics.get('training_iteration', 0)}, before its end")
        print(f"checkpoint  {result.checkpoint}")
        print(f"go on       rllib train file {args.file} --resume {result.run_dir}")
        return STOPPED
    if result.checkpoint is None:
        print("checkpoint  none was written: checkpoint.at_end is false, and no iteration was one to be saved")
    else:
        print(f"checkpoint  {result.checkpoint}")
        print(f"evaluate    rllib evaluate {result.run_dir}")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    from rich.console import Console

    from remalis_agents.evaluate import FIRST_SEED, evaluate
    from remalis_agents.evaluate_controller import evaluate_controller, names_controller

    seed = FIRST_SEED if args.seed is None else args.seed
    out = writable(args.out) if args.out else None
    console = Console(soft_wrap=not sys.stdout.isatty())

    def begun(plan: Evaluation) -> None:
        options = ", ".join(f"{k}={v}" for k, v in plan.env_config.items())
        world = f"{plan.env} ({options})" if options else plan.env
        console.print(f"{world}, {len(plan.seeds)} episodes from seed {seed}", markup=False)
        if plan.stage:
            console.print(plan.stage, markup=False)

    said = [time.monotonic()]

    def told(number: int, figures: dict[str, float]) -> None:
        if console.is_terminal:
            status.update(f"episode {number + 1} of {args.episodes}")
        elif time.monotonic() - said[0] > PLAIN_INTERVAL_S:
            said[0] = time.monotonic()
            console.print(f"episode {number + 1} of {args.episodes}", markup=False)

    asked: dict[str, Any] = {"env": args.env, "env_config": env_changes(args), "episodes": args.episodes}
    asked |= {"first_seed": seed, "on_begin": begun, "on_episode": told}
    with console.status(f"episode 0 of {args.episodes}") as status:
        if names_controller(args.checkpoint):
            result = evaluate_controller(args.checkpoint, **asked)
        else:
            result = evaluate(args.checkpoint, sample=args.sample, **asked)
    console.print(_figures(result))
    if out is not None:
        result.save(out)
    return 0


def _figures(result: Evaluation) -> Table:
    """Means and intervals of an evaluation, as a table for a terminal."""
    from rich.table import Table

    table = Table("figure", "mean", "95% interval", box=None, padding=(0, 2))
    for figure in result.episodes[0]:
        mean, half = result.interval(figure)
        if mean != mean:  # what this episode had none of, such as emissions that were not asked for
            continue
        table.add_row(figure, f"{mean:.3f}", "" if half != half else f"± {half:.3f}")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
