"""How a run is recorded and shown: what it ran on, the JSON file, the tables and the plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_PACKAGES = ("eclipse-sumo", "libsumo", "sumo-rl", "pettingzoo", "gymnasium", "numpy")
_ROOT = Path(__file__).resolve().parents[2]


RATIOS = (
    "rates of ours over the other's, turn k beside turn k: median over all turns, lowest and highest of the rounds' "
    "medians, by the clock that is named; `sums` divides the times of all turns of a round; `wall` and `wall_sums` are "
    "the medians in wall time"
)
"""How the figures of a result are to be read; part of the result."""


def show(result: dict[str, Any], console: Console) -> None:
    """Print the figures, a table for each section."""
    for name, section in result["sections"].items():
        table = Table(title=name, title_justify="left", title_style="bold")
        for column, side in (("", "left"), ("median", "right"), ("range", "right"), ("sums", "right"),
                             ("wall", "right"), ("target", "right"), ("", "left")):  # fmt: skip
            table.add_column(column, justify=side)  # type: ignore[arg-type]
        for one in section["figures"]:
            unit = one["unit"]
            target = "" if one["target"] is None else f"{one['sense']} {one['target']:g} {unit}"
            verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[one["met"]]
            table.add_row(
                one["what"], f"{one['median']:.3g} {unit}", f"{one['low']:.3g} to {one['high']:.3g}",
                f"{one['sums']['median']:.3g}" if "sums" in one else "", f"{one['wall']:.3g}" if "wall" in one else "",
                target, verdict,
            )  # fmt: skip
        console.print(table)
        if "env_steps_per_s" in section:
            rows = (f"{who} {value['median']:.4g}" for who, value in section["env_steps_per_s"].items())
            console.print("env-steps/s: " + ", ".join(rows), style="dim")
        if "remark" in section:
            console.print(section["remark"], style="dim")
        if "fingerprint" in section:
            console.print(f"all simulated the same: {section['fingerprint']}. {section['note']}.", style="dim")


def write(result: dict[str, Any], path: Path) -> None:
    """Write the JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def plot_growth(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw time and memory over the number of signals."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    signals = [row["signals"] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    physics = [row["cpu_us_per_signal"] - row["own_cpu_us_per_signal"] for row in rows]
    left.stackplot(signals, physics, [row["own_cpu_us_per_signal"] for row in rows],
                   labels=["SUMO's own stepping", "our environment"], colors=["#9db4c0", "#e07a5f"])  # fmt: skip
    left.plot(signals, [row["cpu_us_per_signal"] for row in rows], "o", color="#333333", markersize=4)
    left.set(title="CPU time per decision and signal", ylabel="microseconds",
             ylim=(0, 1.3 * max(row["cpu_us_per_signal"] for row in rows)))  # fmt: skip
    left.legend(loc="upper right", frameon=False)
    right.plot(signals, [row["resident_mb"] for row in rows], "o-", color="#3d405b", label="resident")
    right.plot(signals, [row["imported_mb"] for row in rows], "--", color="#999999", label="before the map is loaded")
    right.set(title="Memory of the process", ylabel="MB", ylim=(0, None))
    right.legend(loc="upper left", frameon=False)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks(signals, [str(n) for n in signals])
        axes.minorticks_off()
        axes.set_xlabel("signals (square grids, about the same cars per signal)")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
