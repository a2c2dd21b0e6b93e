"""The command `remalis audit web`: what the suite's web tasks are worth, measured, printed and drawn."""

from __future__ import annotations

import argparse
import datetime
import json
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from remalis_agents.command_line import at_least
from remalis_agents.runs import versions
from remalis_envs.errors import RemalisError, unknown
from remalis_envs.web.tasks.model import LEVELS

SKELETONS, DOMAINS_A_SKELETON = 60, 5
WORDINGS, INSTRUCTIONS = 3_000, 10_000
"""What the suite is held to: so many skeletons at least, each in so many domains at most; so many wordings of so many
instructions."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("what", choices=["web"], help="the family")
    add("--domains", nargs="+", metavar="NAME", help="domains to look at (default: all)")
    add("--seeds", type=at_least(1), default=20, metavar="N", help="tasks of each domain and level (default: 20)")
    add("--instructions", type=at_least(1), default=INSTRUCTIONS, metavar="N", help="to compare (default: 10000)")
    add("--processes", type=at_least(1), default=os.cpu_count() or 1, metavar="N", help="at once (default: all cores)")
    add("--out", type=Path, default=Path("runs/audit"), help="folder for what is written (default: runs/audit)")


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code: 1 where a figure misses its limit.

    Raises:
        RemalisError: there is no such domain, or the folder cannot be written.
    """
    from remalis_envs.web.sites.loading import domain_names

    known = domain_names()
    for name in args.domains or ():
        if name not in known:
            raise unknown("domain", name, known)
    domains = tuple(args.domains or known)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RemalisError(f"The audit cannot be written to {str(args.out)!r}: {error.strerror}.") from error
    found = about(args) | measure(domains, args.seeds, args.instructions, args.processes)
    (args.out / "audit.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, args.out / "audit.png")
    show(found)
    print(f"written: {args.out / 'audit.json'} and audit.png")
    return 0 if all(one["met"] for one in found["figures"]) else 1


def about(args: argparse.Namespace) -> dict[str, Any]:
    """What made the figures: the command, the day, the commit and the versions."""
    named = f" --domains {' '.join(args.domains)}" if args.domains else ""
    command = f"remalis audit web --seeds {args.seeds} --instructions {args.instructions}{named} --out {args.out}"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"about": {"command": command, "date": today, "versions": versions()}}


def measure(domains: tuple[str, ...], seeds: int, instructions: int, processes: int) -> dict[str, Any]:
    """All figures of the audit.

    Args:
        domains: names.
        seeds: tasks of each domain and level that the oracle plays.
        instructions: tasks whose wordings are compared.
        processes: that share the work.
    """
    from remalis_envs.web.audit import skeletons

    kinds = skeletons(domains)
    share = -(-instructions // len(domains))
    wordings: set[str] = set()
    one_meaning, works, drawn = [0, 0], [], 0
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool, Progress(*columns) as progress:
        bar = progress.add_task("auditing", total=len(domains))
        jobs = {pool.submit(audit_domain, name, seeds, share): name for name in domains}
        for done in as_completed(jobs):
            own = done.result()
            wordings |= own["wordings"]
            drawn += own["drawn"]
            one_meaning[0] += own["one_meaning"]
            one_meaning[1] += own["read_back"]
            works += own["works"]
            progress.update(bar, advance=1, description=jobs[done])
    works.sort(key=lambda one: (one["domain"], LEVELS.index(one["level"]), one["seed"]))
    most = max(kinds.values(), key=len)
    figures = [
        _figure("different task skeletons", len(kinds), SKELETONS, True),
        _figure("domains of the most frequent skeleton", len(most), DOMAINS_A_SKELETON, False),
        _figure(f"wordings of {drawn} masked instructions", len(wordings), WORDINGS * drawn // INSTRUCTIONS, True),
        _figure("share of instructions that mean one thing", one_meaning[0] / max(1, one_meaning[1]), 1.0, True),
        _figure("share of tasks that the oracle solves", _share(works, "solved"), 1.0, True),
        _figure("share not solved at reset nor by waiting", _share(works, "unsolved_before"), 1.0, True),
    ]
    frequent = {one: names for one, names in kinds.items() if len(names) > DOMAINS_A_SKELETON}
    return {"domains": len(domains), "seeds": seeds, "figures": figures, "too_frequent": frequent,
            "by_domain": _by_domain(works), "tasks": works}  # fmt: skip


def audit_domain(domain: str, seeds: int, instructions: int) -> dict[str, Any]:
    """What one domain's tasks come to; in a process of its own."""
    from remalis_envs import web_v0
    from remalis_envs.web.audit import means_one_thing, wordings, work

    works = []
    for level in LEVELS:
        env = web_v0(level=level, domains=[domain], engine="model")
        works += [asdict(work(env, domain, level, seed)) for seed in range(seeds)]
        env.close()
    read_back = [means_one_thing(domain, level, seed) for level in ("medium", "hard") for seed in range(seeds)]
    told = wordings([domain], instructions)
    return {"works": works, "one_meaning": sum(read_back), "read_back": len(read_back),
            "wordings": set(told), "drawn": sum(told.values())}  # fmt: skip


def _figure(what: str, value: float, limit: float, least: bool) -> dict[str, Any]:
    return {"what": what, "value": value, "limit": limit, "sense": ">=" if least else "<=",
            "met": value >= limit if least else value <= limit}  # fmt: skip


def _share(works: list[dict[str, Any]], name: str) -> float:
    return sum(bool(one[name]) for one in works) / max(1, len(works))


def _by_domain(works: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    grouped: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for one in works:
        grouped[one["domain"], one["level"]].append(one)
    found: defaultdict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (domain, level), own in grouped.items():
        names = ("steps", "pages", "branching", "items", "critical_path")
        found[domain][level] = {name: sum(one[name] for one in own) / len(own) for name in names}
    return dict(found)


def show(found: dict[str, Any]) -> None:
    """Prints the figures."""
    table = Table(title=f"{found['domains']} domains, {found['seeds']} tasks of each level")
    for head in ("", "found", "limit", ""):
        table.add_column(head)
    for one in found["figures"]:
        met = "met" if one["met"] else "missed"
        table.add_row(one["what"], f"{one['value']:.4g}", f"{one['sense']} {one['limit']:g}", met)
    console = Console(width=110)
    console.print(table)
    for skeleton, names in found["too_frequent"].items():
        console.print(f"in {len(names)} domains: {skeleton} ({', '.join(names)})", highlight=False)
    for one in found["tasks"]:
        if not one["solved"] or not one["unsolved_before"]:
            console.print(f"at fault: {one['domain']}, {one['level']}, seed {one['seed']}", highlight=False)


def draw(found: dict[str, Any], path: Path) -> None:
    """Draws the oracle's steps, pages and legal actions by domain and level."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    by_domain = found["by_domain"]
    rows = {"steps": "team steps of the oracle", "pages": "pages that it shows", "branching": "legal actions an agent"}
    figure, axes = plt.subplots(len(rows), 1, figsize=(max(7.0, 0.16 * len(by_domain) + 2), 8), sharex=True)
    for axis, (name, label) in zip(axes, rows.items(), strict=True):
        order = sorted(by_domain, key=lambda domain: by_domain[domain]["hard"]["steps"])
        for level, colour in zip(LEVELS, ("#7fb069", "#3d7ea6", "#b23a48"), strict=True):
            values = [by_domain[domain][level][name] for domain in order]
            axis.plot(range(len(order)), values, "o", color=colour, markersize=4, label=level)
        axis.set_ylabel(label, fontsize=9)
        axis.set_ylim(bottom=0)
        axis.grid(axis="y", alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False, ncol=3, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1))
    axes[-1].set_xticks(range(len(order)), [name.replace("_", " ") for name in order], rotation=90, fontsize=7)
    axes[-1].set_xlim(-0.7, len(order) - 0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
