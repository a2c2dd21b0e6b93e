"""How the findings of ``messages.py`` are shown: a picture of three panels, and a table."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

DARK, RED, BLUE, GREY = "#3d405b", "#e07a5f", "#9db4c0", "#999999"


def plot(found: dict[str, Any], path: Path) -> None:
    """Draws beliefs over training, distances, and scores."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    _beliefs(left, found["beliefs"])
    _distances(middle, found["overwritten"])
    _scores(right, found["score"])
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _beliefs(axes: Any, found: dict[str, Any]) -> None:
    steps = [one["env_steps"] for one in found["training"]]
    last = steps[-1] if steps else 1.0
    if steps:
        axes.plot(steps, [one["belief_accuracy"] for one in found["training"]], color=DARK, label="in training")
    else:
        axes.text(0.5, 0.5, "the training left no record", ha="center", color=GREY, transform=axes.transAxes)
        axes.set_xticks([])
    held = found["held_out"]
    if held["count"]:
        error = None if math.isnan(held["low"]) else [[held["mean"] - held["low"]], [held["high"] - held["mean"]]]
        axes.errorbar([last], [held["mean"]], error, fmt="o", color=RED, capsize=3, label="held-out episodes")
    if not math.isnan(found["chance_commonest"]):
        axes.axhline(found["chance_commonest"], color=GREY, ls="--", label="each teammate's commonest sub-goal")
    axes.axhline(found["chance_uniform"], color=GREY, ls=":", label="any sub-goal")
    axes.set(title="Beliefs that came true", xlabel="team steps of training", ylabel="share", ylim=(0, 1.02))
    axes.legend(loc="best", edgecolor="none", framealpha=0.9, fontsize=8)


def _distances(axes: Any, found: dict[str, Any]) -> None:
    rows = [("another\nmessage", [one["distance"] for one in found["moments"]], RED)]
    rows += [("the same\nmessage", [one["control"] for one in found["moments"]], DARK)]
    beyond = [one["beyond_distance"] for one in found["moments"] if one["beyond"]]
    rows += [("agents out\nof its reach", beyond, BLUE)] if beyond else []
    rng = np.random.default_rng(0)
    for k, (_, values, colour) in enumerate(rows):
        heights = k + rng.uniform(-0.18, 0.18, len(values))
        axes.scatter(values, heights, s=9, color=colour, alpha=0.5, linewidths=0)
        axes.plot([np.mean(values)] * 2, [k - 0.32, k + 0.32], color=colour, lw=2.5)
        axes.annotate(f" mean {np.mean(values):.3g}", (np.mean(values), k + 0.36), color=colour, fontsize=8)
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    largest = max(one["distance"] for one in found["moments"])
    axes.set(title="One message replaced", xlim=(-0.03 * max(largest, 0.02), 1.05 * max(largest, 0.02)))
    axes.set(xlabel="total variation of the action distribution", ylim=(-0.6, len(rows) - 0.4))


def _scores(axes: Any, found: dict[str, Any]) -> None:
    for k, ((way, one), colour) in enumerate(zip(found["played"].items(), (DARK, RED, BLUE), strict=True)):
        error = None if math.isnan(one["low"]) else [[one["mean"] - one["low"]], [one["high"] - one["mean"]]]
        axes.bar([k], [one["mean"]], 0.6, yerr=error, color=colour, capsize=4, label=way)
    axes.set_xticks(range(len(found["played"])), [_named(way, found) for way in found["played"]], fontsize=9)
    better = {True: ", more is better", False: ", less is better", None: ""}[found["higher_is_better"]]
    axes.set(title="All messages replaced", ylabel=found["figure"].replace("_", " ") + better)


def _named(way: str, found: dict[str, Any]) -> str:
    """A bar's name and, below it, the paired difference."""
    if way not in found["differences"]:
        return way
    return f"{way}\n" + _range(found["differences"][way], "+").replace(" [", "\n[")


def _range(one: dict[str, float], sign: str = "") -> str:
    if math.isnan(one["low"]):
        return f"{one['mean']:{sign}.3g}"
    return f"{one['mean']:{sign}.3g} [{one['low']:{sign}.3g}, {one['high']:{sign}.3g}]"


def show(found: dict[str, Any], console: Console) -> None:
    """Prints what was found in a few lines."""
    beliefs, one, score = found["beliefs"], found["overwritten"], found["score"]
    table = Table(caption="means with 95% intervals over episodes; differences are of the same episodes")
    table.add_column("")
    table.add_column("figure", justify="right")
    table.add_row("beliefs that came true", _range(beliefs["held_out"]))
    table.add_row("  naming each teammate's commonest sub-goal", f"{beliefs['chance_commonest']:.3g}")
    table.add_row(f"one message replaced ({len(one['moments'])} steps): distance", _range(one["distance"]))
    table.add_row("  best action is another", _range(one["changed_share"]))
    table.add_row("  replaced by itself: largest distance", f"{one['largest_control']:g}")
    beyond = f"{one['largest_beyond_reach']:g}" if one["agents_beyond_reach"] else "nobody is"
    table.add_row("  of agents out of its reach: largest distance", beyond)
    for way, played in score["played"].items():
        table.add_row(f"{score['figure']}, {way}", _range(played))
    for way, change in score["differences"].items():
        table.add_row(f"  {way} minus as played", _range(change, "+"))
    console.print(table)
    if score["shuffled_share"] < 1.0:
        console.print(f"shuffled: {score['shuffled_share']:.1%} of messages, others had no counterpart.", style="dim")
