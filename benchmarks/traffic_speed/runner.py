"""Runs measurements one after another, each in a fresh process, and turns pairs of them into ratios."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

_FOLDER = Path(__file__).resolve().parent.parent
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LIMIT_S = 600.0


class Progress(Protocol):
    """Whoever shows how far a section is."""

    def expect(self, count: int) -> None:
        """So many more measurements are to come."""

    def begin(self, label: str) -> None:
        """A measurement begins."""

    def end(self) -> None:
        """It is done."""


@dataclass(frozen=True)
class Cell:
    """A measurement to be made: a name in :mod:`.cell`, its arguments, and variables of its environment."""

    name: str
    arguments: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)


def run_cell(cell: Cell) -> dict[str, Any]:
    """Make a measurement in a process of its own.

    Raises:
        RuntimeError: it failed; the message quotes the end of what it said.
    """
    # What a user's shell happens to hold must not turn sumo-rl's sockets into libsumo.
    inherited = {k: v for k, v in os.environ.items() if k != "LIBSUMO_AS_TRACI"}
    paths = [str(_FOLDER), str(_FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    environment = {**inherited, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths), **cell.environment}
    with tempfile.TemporaryDirectory(prefix="remalis-speed-") as folder:
        out = Path(folder) / "result.json"
        command = [sys.executable, "-m", "traffic_speed.cell", cell.name, json.dumps(cell.arguments), str(out)]
        done = subprocess.run(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace", timeout=LIMIT_S, check=False,
        )  # fmt: skip
        if done.returncode != 0 or not out.is_file():
            said = "\n".join(done.stderr.strip().splitlines()[-12:])
            raise RuntimeError(f"the measurement {cell.name} {cell.arguments} failed ({done.returncode}):\n{said}")
        result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return result


def interleave(cells: dict[str, Cell], repetitions: int, progress: Progress) -> dict[str, list[dict[str, Any]]]:
    """Make every measurement ``repetitions`` times, in turn; every other round backwards, so that drift cancels."""
    results: dict[str, list[dict[str, Any]]] = {label: [] for label in cells}
    progress.expect(repetitions * len(cells))
    for k in range(repetitions):
        for label in list(cells) if k % 2 == 0 else list(cells)[::-1]:
            progress.begin(label)
            results[label].append(run_cell(cells[label]))
            progress.end()
    return results


def lap(result: dict[str, Any], decisions: int | None = None) -> dict[str, Any]:
    """The lap of ``decisions`` of a result, or its last."""
    laps: list[dict[str, Any]] = result["laps"]
    return laps[-1] if decisions is None else next(one for one in laps if one["decisions"] == decisions)


def spread(values: list[float]) -> dict[str, Any]:
    """Median and range."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "all": values}


def rates(results: list[dict[str, Any]], decisions: int | None = None) -> dict[str, Any]:
    """Env-steps a second."""
    return spread([lap(one, decisions)["decisions"] / lap(one, decisions)["wall_s"] for one in results])


def ratio(
    faster: list[dict[str, Any]], slower: list[dict[str, Any]], decisions: int | None = None, *, cpu: bool = True
) -> dict[str, Any]:
    """How many times the rate of ``slower`` the rate of ``faster`` is.

    Returns:
        Median and range over pairs of the same round; ``best`` compares the fastest run of each, which other load on
        the machine disturbs least; ``cpu`` is the median over pairs in CPU time, left out where a contender has a
        second process.
    """
    pairs = [(lap(a, decisions), lap(b, decisions)) for a, b in zip(faster, slower, strict=False)]
    found = spread([b["wall_s"] / a["wall_s"] for a, b in pairs])
    found["best"] = min(lap(b, decisions)["wall_s"] for b in slower) / min(lap(a, decisions)["wall_s"] for a in faster)
    if cpu:
        found["cpu"] = statistics.median(b["cpu_s"] / a["cpu_s"] for a, b in pairs)
    return found


def same_simulation(results: list[dict[str, Any]], decisions: int | None = None) -> str:
    """The fingerprint that all ``results`` share.

    Raises:
        RuntimeError: they differ: what was measured was not the same simulation.
    """
    keys = ("time_s", "cars", "inserted", "hash")
    seen = {tuple(lap(one, decisions)[key] for key in keys) for one in results}
    totals = {(one["arrived"], one["mean_time_loss_s"]) for r in results if "arrived" in (one := lap(r, decisions))}
    if len(seen) != 1 or len(totals) > 1:
        raise RuntimeError(f"the contenders did not simulate the same: {sorted(seen)} {sorted(totals)}")
    return str(seen.pop()[-1])
