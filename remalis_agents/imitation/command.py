"""The command `rllib demonstrate`: records a controller or a trained team, for others to learn from."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    from remalis_agents.command_line import at_least

    add = parser.add_argument
    add("--controller", metavar="NAME", help="who demonstrates: greedy, max_pressure, ...; oracle on the web")
    add("--checkpoint", metavar="PATH", help="a checkpoint, run or exported folder: a trained team demonstrates")
    add("--env", help="an environment's name (default: traffic, or what the team was trained on)")
    add("--level", help="the level to play")
    add("--scenario", help="the scenario to play")
    add("--split", help="train, validation or test episodes of the environment (default: train)")
    add("--episodes", type=at_least(1), default=10, help="how many (default: 10)")
    add("--seed", type=at_least(0), default=0, help="seed of the first episode and of the 80/10/10 split (default: 0)")
    add("--processes", type=at_least(1), default=1, help="episodes played side by side (default: 1)")
    add("--sample", action="store_true", help="draw a team's actions as in training, instead of the most probable")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes", help="other options of the env")
    add("--out", required=True, metavar="FILE", help="the Parquet file to write")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code.

    Raises:
        RemalisError: something that the user can put right.
    """
    from remalis_agents.command_line import env_changes, writable
    from remalis_agents.imitation.demonstrating import demonstrate
    from remalis_agents.imitation.read import described, read
    from remalis_agents.players import WEB

    out = writable(args.out)
    header = demonstrate(
        out,
        controller=args.controller,
        checkpoint=args.checkpoint,
        env=args.env,
        changes=env_changes(args),
        episodes=args.episodes,
        first_seed=args.seed,
        split_seed=args.seed,
        sample=args.sample,
        processes=args.processes,
    )
    print(f"written     {out}  ({out.stat().st_size / 1e6:.1f} MB)")
    print(f"holds       {told(described(read(out)))}")
    shipped = "web_easy_ippo_imitate" if header.env == WEB else "traffic_easy_remalis_imitate"
    print(f"learn       rllib train file {shipped} --set imitation.demonstrations={out}")
    return 0


def told(about: dict[str, object]) -> str:
    """A line on what a file holds."""
    parts = " / ".join(str(about[f"{name}_count"]) for name in ("train", "validation", "test"))
    return (
        f"{about['team_steps']} team steps of {about['episodes']} episodes, {about['demonstrator']}; "
        f"{parts} {about['split_unit']} to train / validate / test"
    )
