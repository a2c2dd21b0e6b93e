"""Writes the tables of the README from ``benchmarks/results``: ``python benchmarks/tables.py``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README, RESULTS = ROOT / "README.md", ROOT / "benchmarks" / "results"


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return loaded


def speed(family: str) -> str:
    """Every figure that has a target, with the target, and all that compare with sumo-rl."""
    rows = ["| measured side by side in one run | figure | target |", "|---|---|---|"]
    for section in _load(f"speed_{family}.json")["sections"].values():
        for one in section["figures"]:
            if one["target"] is None and not one["what"].startswith("sumo-rl"):
                continue
            unit = one["unit"] if one["unit"] in ("x", "") else f" {one['unit']}"
            mark = "" if one["met"] else " (missed)"
            target = "" if one["target"] is None else f"{one['sense']} {one['target']:g}{unit}{mark}"
            found = one["median"]
            number = f"{found:,.0f}" if found >= 1000 else f"{found:.3g}"
            rows.append(f"| {one['what']} | {number}{unit} | {target} |")
    return "\n".join(rows)


def remalis() -> str:
    """Milliseconds of acting and of training steps, beside the others, and how acting grows with the team."""
    sections = _load("speed_remalis.json")["sections"]
    acting, learning = sections["acting"], sections["training"]
    found = {one["what"]: one for one in acting["figures"]}
    rows = [
        "| CPU time on one core, ms | ReMALIS | IPPO | CommNet | ReMALIS over IPPO | target |",
        "|---|---|---|---|---|---|",
    ]
    for row in acting["ms"]:
        label = f"{row['agents']} agents" + (f" of {row['phases']} phases" if row["phases"] != 8 else "")
        judged = found[f"{label}: a joint step of ReMALIS tiny"]
        target = "" if judged["target"] is None else f"<= {judged['target']:g}{'' if judged['met'] else ' (missed)'}"
        rows.append(f"| a joint step, {label} | {_times(row, 'remalis', 'ippo', 'commnet')} | {target} |")
    for row in learning["ms"]:
        batch = f"{row['sequences']} sequences of {row['steps']} steps, {row['agents']} agents"
        rows.append(f"| forward and backward, {batch} | {_times(row, 'remalis', 'ippo', None)} | |")
    for few in (9, 64):
        names = ("ReMALIS tiny", "IPPO", "CommNet")
        grown = [found[f"{name}: time of 400 agents over {few}"]["median"] for name in names]
        edges = acting["edges"]["400"] / acting["edges"][str(few)]
        mark = "" if grown[0] <= edges else " (missed)"
        times = " | ".join(f"{one:.3g}x" for one in grown)
        rows.append(f"| 400 agents over {few}, of {edges:.3g}x the edges | {times} | | <= {edges:.3g}x{mark} |")
    return "\n".join(rows)


def _times(row: dict[str, Any], ours: str, theirs: str, other: str | None) -> str:
    """Medians of three methods, and the ratio of the first two round by round, with its range."""
    ratios = [a / b for a, b in zip(row[ours], row[theirs], strict=True)]
    medians = [f"{median(row[name]):.3g}" if name else "" for name in (ours, theirs, other)]
    return " | ".join([*medians, f"{median(ratios):.3g}x ({min(ratios):.3g} to {max(ratios):.3g})"])


def learning(name: str) -> str:
    """Mean delay of every policy on the unseen episodes of a study, the best first."""
    found = _load(f"learning_{name}.json")
    delays = dict(found["mean_delay_s"])
    count = len(found["test_seeds"])
    rows = [f"| {name}: {count} unseen episodes each | mean delay, s | 95% interval |", "|---|---|---|"]
    for who in sorted(delays, key=lambda who: delays[who]["mean"]):
        label = who.replace("_", " ").replace("learned, seed", "learned, training seed")
        rows.append(f"| {label} | {delays[who]['mean']:.2f} | ± {delays[who]['half_width']:.2f} |")
    return "\n".join(rows)


def transfer() -> str:
    """Mean delay of what was trained on one map and played on others, beside max pressure there."""
    found = _load("leaderboard/leaderboard.json")["transfer"]
    short = found["trained_on"].removeprefix("traffic/")
    maps = " | ".join(where.removeprefix("traffic/") for where in found["tasks"])
    rows = [f"| trained on {short}, played on: mean delay, s | {maps} |", "|---|" + "---|" * len(found["tasks"])]
    for row in found["rows"]:
        cells = [row["cells"].get(where, {}) for where in found["tasks"]]
        if not all(cell.get("mean") for cell in cells):
            continue
        means = (cell["mean"] for cell in cells)
        shown = " | ".join(f"{one['value']:.1f} [{one['low']:.1f}, {one['high']:.1f}]" for one in means)
        rows.append(f"| {row['method'].replace('_', ' ')} | {shown} |")
    return "\n".join(rows)


TABLES = {
    "speed": lambda: speed("traffic"),
    "web": lambda: speed("web"),
    "trainer": lambda: speed("trainer"),
    "remalis": remalis,
    "easy": lambda: learning("easy"),
    "cologne8": lambda: learning("cologne8"),
    "transfer": transfer,
}


def with_tables(text: str) -> str:
    """``text`` with every ``<!-- table: NAME -->`` block filled anew."""
    for name, table in TABLES.items():
        block = f"<!-- table: {name} -->\n{table()}\n<!-- end -->"
        text, count = re.subn(rf"<!-- table: {name} -->.*?<!-- end -->", lambda _, b=block: b, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"README.md has {count} blocks for table {name!r}, expected one")
    return text


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"written: {README}")
