"""The command `remalis describe`: how large a network is, part by part, and how long one of its joint steps takes."""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from remalis_agents.networks.model import TeamModel
from remalis_agents.networks.remalis import PRESETS, RemalisNetwork
from remalis_agents.synthetic import ARMS, PHASES, Walk, one_core, traffic_spec, unfitted
from remalis_envs.errors import RemalisError

AGENTS = (9, 64, 174)
FLOAT_BYTES, MOMENTS = 4, 2
"""Of a float32; and what AdamW keeps of each parameter, besides its gradient."""
_LEAST, _MOST, _MS_FOR_ALL = 3, 50, 3000.0
Tell = Callable[[str, float], None]
"""What happens next, and how many seconds it may take."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("checkpoint", nargs="?", help="a trained team: an exported folder, a checkpoint or the folder of a run")
    add("--preset", help=f"a ReMALIS network as it is built for traffic: {', '.join(PRESETS)} (default: tiny)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="changes",
        help="an option of that network, such as rounds=2 or losses.belief=0",
    )
    add(
        "--agents", type=int, nargs="*", default=list(AGENTS), metavar="N",
        help="team sizes to time; none for no timing (default: 9 64 174)",
    )  # fmt: skip
    add("--json", action="store_true", help="print JSON, with the shape of every parameter")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: something that the user can put right.
    """
    if args.checkpoint and (args.preset or args.changes):
        raise RemalisError("Give a checkpoint, or --preset and --set, not both: a checkpoint says what it is made of.")
    if any(agents < 1 for agents in args.agents):
        raise RemalisError(f"A team has 1 agent or more, but --agents names {min(args.agents)}.")
    console = Console(stderr=True)
    with console.status("loading") as status:

        def tell(what: str, seconds: float) -> None:
            if console.is_terminal:
                status.update(what)
            elif seconds > 2:
                console.print(what, highlight=False)

        found = _described(args, tell)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        show(found, Console(soft_wrap=not sys.stdout.isatty()))
    return 0


def _described(args: argparse.Namespace, tell: Tell) -> dict[str, Any]:
    if args.checkpoint:
        from remalis_agents.evaluate import load_team

        return {"checkpoint": args.checkpoint} | describe(load_team(args.checkpoint).model, args.agents, tell)
    preset, options = args.preset or "tiny", options_of(args.changes)
    tell(f"building {preset}", 10.0 if preset == "paper" else 0.0)
    try:
        model = unfitted(traffic_spec("remalis", {"preset": preset, **options}))
        return {"preset": preset, "changes": options} | describe(model, args.agents, tell)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error, RemalisError):
            raise
        raise RemalisError(f"No network can be built with {' '.join(args.changes)}: {error}") from None


def options_of(changes: Sequence[str]) -> dict[str, Any]:
    """Options of a network from ``key=value`` texts; a key may be ``losses.name``.

    Raises:
        RemalisError: a text is of another form.
    """
    import yaml

    options: dict[str, Any] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        *path, last = key.split(".")
        if not equals or len(path) > 1:
            raise RemalisError(f"--set takes key=value, such as rounds=2 or losses.belief=0, but it got {change!r}.")
        try:
            (options.setdefault(path[0], {}) if path else options)[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise RemalisError(f"--set {change}: the value is not YAML.") from None
    return options


def describe(model: TeamModel, agents: Sequence[int] = AGENTS, tell: Tell = lambda what, s: None) -> dict[str, Any]:
    """Everything that the command prints.

    Args:
        model: a team's network, in evaluation mode.
        agents: sizes of the teams whose joint step is timed.
        tell: is told what happens next.
    """
    network = model.network
    parts: dict[str, int] = {}
    for name, weights in network.named_parameters():
        part = name.split(".")[0]
        parts[part] = parts.get(part, 0) + weights.numel()
    total = sum(parts.values())
    trained = sum(weights.numel() for weights in network.parameters() if weights.requires_grad)
    return {
        "network": model.spec.network,
        "options": dataclasses.asdict(network.options) if isinstance(network, RemalisNetwork) else model.spec.options,
        "parts": parts,
        "parameters": total,
        "trained_parameters": trained,
        "memory_mb": {
            "parameters": FLOAT_BYTES * total / 1e6,
            "gradients": FLOAT_BYTES * trained / 1e6,
            "optimizer_state": FLOAT_BYTES * MOMENTS * trained / 1e6,
        },
        "message_bytes": FLOAT_BYTES * network.message_floats,
        "hops": network.rounds,
        "state_floats": sum(value.numel() for value in network.initial_state().values()),
        "step_ms": step_times(model, agents, tell),
        "shapes": {name: list(weights.shape) for name, weights in network.named_parameters()},
        "torch": torch.__version__,
    }


def step_times(model: TeamModel, agents: Sequence[int], tell: Tell) -> list[dict[str, Any]]:
    """Milliseconds of a joint acting step on one core for each size of team; as many runs as some seconds allow."""
    found = []
    with one_core():
        for n in agents:
            tell(f"{n} agents: warming up", 0.0)
            walk = Walk(model, n)
            warm = walk.step()
            if warm < _MS_FOR_ALL / _LEAST:  # else the first is nearly as long as any other
                warm = walk.step()
            runs = int(min(max(_MS_FOR_ALL / max(warm, 1e-3), _LEAST), _MOST))
            tell(f"{n} agents: {runs} joint steps of about {warm:.0f} ms", 1e-3 * warm * runs)
            times = [walk.step() for _ in range(runs)]
            found.append(
                {"agents": n, "edges": walk.edges, "runs": runs, "median": statistics.median(times),
                 "low": min(times), "high": max(times)}
            )  # fmt: skip
    return found


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print what :func:`describe` found, for people."""
    name = found.get("checkpoint") or f"preset {found['preset']}"
    total, memory = found["parameters"], found["memory_mb"]
    console.print(f"{found['network']}, {name}: {total:,} parameters", highlight=False, markup=False)
    table = Table(box=None, padding=(0, 2))
    for column in ("part", "parameters", "share", "MB"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for part, count in found["parts"].items():
        table.add_row(part, f"{count:,}", f"{count / total:.1%}", f"{FLOAT_BYTES * count / 1e6:.2f}")
    console.print(table)
    hops = "a centre hears everybody" if found["hops"] is None else f"news travels {found['hops']} hops in a step"
    lines = [
        f"memory      {memory['parameters']:.1f} MB of parameters in float32; to train, besides, "
        f"{memory['gradients']:.1f} MB of gradients and {memory['optimizer_state']:.1f} MB of AdamW's state",
        f"messages    {found['message_bytes']:,.0f} bytes to each neighbour in a step at most; {hops}",
        f"state       {found['state_floats']:,} numbers that each agent carries from step to step",
    ]
    for row in found["step_ms"]:
        lines.append(
            f"{row['agents']:4} agents {row['median']:8.2f} ms a joint step on one core "
            f"({row['low']:.2f} to {row['high']:.2f}, {row['runs']} runs, {row['edges']} edges)"
        )
    if found["step_ms"]:
        lines.append(
            f"            CPU time; random inputs: a grid of streets, {PHASES} phases and {ARMS} arms an agent"
        )
    for line in lines:
        console.print(line, highlight=False)
