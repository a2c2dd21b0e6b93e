"""What results say beside each other: rates, ratios of turns, and whether all simulated the same."""

from __future__ import annotations

import itertools
import statistics
from typing import Any

Result = dict[str, Any]


def spread(values: list[float]) -> dict[str, Any]:
    """Median and range."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "all": values}


def rates(results: list[Result]) -> dict[str, Any]:
    """Env-steps a second."""
    return spread([one["laps"][-1]["decisions"] / one["laps"][-1]["wall_s"] for one in results])


def of_turns(faster: Result, slower: Result, clock: str = "cpu_s") -> list[float]:
    """Time of turn k of ``slower`` over that of turn k of ``faster``, for every turn of a round."""
    return [b[clock] / a[clock] for a, b in zip(faster["turns"], slower["turns"], strict=True)]


def of_sums(faster: Result, slower: Result, clock: str = "cpu_s") -> float:
    """Time of all turns of ``slower`` over that of all turns of ``faster``, in the same round."""
    return sum(one[clock] for one in slower["turns"]) / sum(one[clock] for one in faster["turns"])


def over_rounds(turns: list[list[float]], sums: list[float]) -> dict[str, Any]:
    """The ratios of a figure.

    Args:
        turns: for each round the ratios of its turns.
        sums: for each round the ratio of its sums.

    Returns:
        ``median`` over all turns of all rounds; ``low``, ``high`` and ``all`` of the rounds' own medians; ``sums``:
        median and range over rounds.
    """
    rounds = spread([statistics.median(one) for one in turns])
    return {**rounds, "median": statistics.median(itertools.chain(*turns)), "sums": spread(sums)}


def ratio(faster: list[Result], slower: list[Result], *, clock: str = "cpu_s") -> dict[str, Any]:
    """How many times the rate of ``slower`` the rate of ``faster`` is.

    Args:
        faster: its results, round by round.
        slower: its results, of the same rounds.
        clock: of the headline; ``wall_s`` where a contender has a second process, which its CPU time leaves out.

    Returns:
        What :func:`over_rounds` does; ``clock``; ``wall`` and ``wall_sums``: the two medians in wall time.
    """
    pairs = list(zip(faster, slower, strict=True))
    by = {
        key: over_rounds([of_turns(a, b, key) for a, b in pairs], [of_sums(a, b, key) for a, b in pairs])
        for key in {clock, "wall_s"}
    }
    wall = by["wall_s"]
    return {**by[clock], "clock": clock, "wall": wall["median"], "wall_sums": wall["sums"]["median"]}


def same_simulation(results: list[Result]) -> str:
    """The fingerprint that the last laps of all ``results`` share, as they must share those of all laps before.

    Raises:
        RuntimeError: they differ: what was measured was not the same simulation.
    """
    for laps in zip(*(one["laps"] for one in results), strict=True):
        seen = {tuple(lap[key] for key in ("time_s", "cars", "inserted", "hash")) for lap in laps}
        totals = {(lap["arrived"], lap["mean_time_loss_s"]) for lap in laps if "arrived" in lap}
        if len(seen) != 1 or len(totals) > 1:
            raise RuntimeError(f"the contenders did not simulate the same: {sorted(seen)} {sorted(totals)}")
    return str(results[0]["laps"][-1]["hash"])
