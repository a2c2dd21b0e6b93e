"""Maps of our own: grids, irregular maps and those of the levels, built by SUMO's tools and kept in the cache."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from remalis_envs.errors import RemalisError, unknown

from ..cache import cached
from ..sumo import sumo_version
from .grid_plan import bent_grid, grid_plan
from .irregular import random_plan
from .model import MAX_ARMS
from .plan import RoadPlan, convert
from .read import DEFAULT_COUNT, build_network, code_version, unreachable
from .splits import SPLITS, split_seed

NET_NAME = "map.net.xml"
PHASE_COUNTS: dict[str, tuple[int, int]] = {"easy": (4, 9), "medium": (10, 15), "hard": (16, 32), "hell": (26, 32)}
"""Least and most phases at each intersection of a level."""
_ATTEMPTS = 60
_HELL_SIGNALS = 100
_LEAST_ROAD_M = 60.0


def grid(
    rows: int,
    cols: int,
    *,
    length_m: float = 200.0,
    lanes: int = 2,
    turn_lane: bool = True,
    crossings: bool = False,
    uturns: bool = False,
    attach_m: float = 200.0,
    speed_m_s: float = 13.89,
    seed: int = 0,
) -> Path:
    """A grid of signalised intersections, with a road attached on every outer side.

    Args:
        rows: Intersections from south to north.
        cols: Intersections from west to east.
        length_m: Distance between neighbours.
        lanes: Lanes of each road and direction.
        turn_lane: Whether each approach has one more lane for turning left.
        crossings: Whether pedestrians may cross at every arm.
        uturns: Whether vehicles may turn round at intersections.
        attach_m: Length of the outer roads.
        speed_m_s: Speed limit.
        seed: Seed of netconvert.

    Returns:
        The cached network file.
    """
    if min(rows, cols, lanes) < 1 or min(length_m, attach_m) < _LEAST_ROAD_M:
        raise RemalisError(
            f"A grid has at least one row, column and lane, and roads of at least {_LEAST_ROAD_M:.0f} m; got "
            f"{rows} rows, {cols} columns, {lanes} lanes, {length_m:g} m inside and {attach_m:g} m outside."
        )
    plan = grid_plan(rows, cols, length_m, attach_m, lanes, speed_m_s)
    plan.turn_lanes = 1 if turn_lane else 0
    plan.crossings, plan.uturns = crossings, uturns
    return _built(["grid", rows, cols, length_m, lanes, turn_lane, crossings, uturns, attach_m, speed_m_s, seed], plan)


def irregular(
    n: int,
    *,
    seed: int = 0,
    crossings: bool = False,
    uturns: bool = False,
    turn_lane: bool = True,
    attach_m: float = 200.0,
) -> Path:
    """Random streets with ``n`` to ``1.2 n`` signalised intersections of three to six arms.

    Args:
        n: Intersections wanted, at least 3.
        seed: Seed of the streets, their lanes and their speeds.
        crossings: Whether pedestrians may cross at every arm.
        uturns: Whether vehicles may turn round at intersections.
        turn_lane: Whether each approach has one more lane for turning left.
        attach_m: Length of the outer roads.

    Returns:
        The cached network file.
    """
    if n < 3:
        raise RemalisError(f"An irregular map has at least 3 intersections, not {n}.")

    def plan(attempt: int) -> RoadPlan:
        drawn = random_plan(n, random.Random(f"irregular {n} {seed} {attempt}"), attach_m=attach_m)
        drawn.turn_lanes, drawn.crossings, drawn.uturns = int(turn_lane), crossings, uturns
        return drawn

    return _checked(["irregular", n, seed, crossings, uturns, turn_lane, attach_m], plan, DEFAULT_COUNT)


def level_network(level: str, network_seed: int = 0, split: str = "train") -> Path:
    """The map of a level; the same arguments always give the same map.

    Easy and medium are regular, so that their seeds differ in the length of blocks; hard and hell are drawn anew.

    Args:
        level: ``"easy"``, ``"medium"``, ``"hard"`` or ``"hell"``.
        network_seed: Which of the split's maps, from 0.
        split: ``"train"``, ``"validation"`` or ``"test"``; no two splits share a map's seed.

    Returns:
        The cached network file. Read it with ``count=PHASE_COUNTS[level]``.

    Raises:
        UnknownNameError: The level or the split is not known.
    """
    if level not in PHASE_COUNTS:
        raise unknown("level", level, PHASE_COUNTS)
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    seed = split_seed(network_seed, split)

    def plan(attempt: int) -> RoadPlan:
        return _level_plan(level, random.Random(f"{level} {seed} {attempt}"))

    signals = {"easy": 9, "medium": 25, "hard": 64}.get(level)
    return _checked(["level", level, seed], plan, PHASE_COUNTS[level], signals)


def _level_plan(level: str, rng: random.Random) -> RoadPlan:
    if level == "hell":
        plan = random_plan(_HELL_SIGNALS, rng)
        plan.crossings = plan.uturns = True
        return plan
    if level == "hard":
        return bent_grid(grid_plan(8, 8, 240.0, 200.0, 2, 13.89), rng, shift_m=30.0, missing=0.1)
    size = 3 if level == "easy" else 5
    plan = grid_plan(size, size, float(rng.randrange(180, 241, 5)), 200.0, 2, 13.89)
    plan.crossings = level == "medium"
    return plan


def _checked(
    key_parts: list[object], plan: Callable[[int], RoadPlan], count: tuple[int, int], signals: int | None = None
) -> Path:
    """Build the first plan whose network is whole: see :func:`_fault`."""

    def build(folder: Path) -> None:
        out = folder / NET_NAME
        faults = []
        for attempt in range(_ATTEMPTS):
            drawn = plan(attempt)
            said = convert(drawn, out)
            fault = _fault(out, said, count, len(drawn.signals()) if signals is None else signals)
            if not fault:
                return
            faults.append(fault)
        raise RemalisError(f"No sound network was found in {_ATTEMPTS} attempts; the last one: {faults[-1]}")

    return cached(["streets", sumo_version(), code_version(), count, *key_parts], build) / NET_NAME


def _fault(net_file: Path, said: list[str], count: tuple[int, int], signals: int) -> str:
    """What is wrong with a network, in words; empty where nothing is."""
    for line in said:
        if any(word in line.lower() for word in ("overlap", "intersecting", "unbuilt", "could not", "no connection")):
            return line
    network = build_network(net_file, "generated", count)
    if len(network.intersections) != signals:
        return f"it has {len(network.intersections)} signals instead of {signals}."
    for one in network.intersections:
        if not count[0] <= len(one.phases) <= count[1]:
            return f"{one.id} has {len(one.phases)} phases, wanted {count[0]} to {count[1]}."
        if not 3 <= len(one.arms) <= MAX_ARMS:
            return f"{one.id} has {len(one.arms)} arms."
    cut_off = unreachable(net_file)
    return f"no way leads from {cut_off[0]} to {cut_off[1]}." if cut_off else ""


def _built(key_parts: list[object], plan: RoadPlan) -> Path:
    def build(folder: Path) -> None:
        convert(plan, folder / NET_NAME)

    return cached(["streets", sumo_version(), code_version(), *key_parts], build) / NET_NAME
