"""Writes the tables of the README from ``benchmarks/results``: ``python benchmarks/tables.py``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
README, RESULTS = ROOT / "README.md", ROOT / "benchmarks" / "results"


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((RESULTS / name).read_text(encoding="utf-8"))
    return loaded


def speed(family: str) -> str:
    """Every figure that has a target, with the target."""
    rows = ["| measured side by side in one run | figure | target |", "|---|---|---|"]
    for section in _load(f"speed_{family}.json")["sections"].values():
        for one in section["figures"]:
            if one["target"] is not None:
                unit = one["unit"] if one["unit"] in ("x", "") else f" {one['unit']}"
                mark = "" if one["met"] else " (missed)"
                rows.append(
                    f"| {one['what']} | {one['median']:.3g}{unit} | {one['sense']} {one['target']:g}{unit}{mark} |"
                )
    return "\n".join(rows)


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


TABLES = {
    "speed": lambda: speed("traffic"),
    "trainer": lambda: speed("trainer"),
    "easy": lambda: learning("easy"),
    "cologne8": lambda: learning("cologne8"),
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
