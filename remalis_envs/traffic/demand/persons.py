"""Pedestrians: walks over the crossings of signalised junctions, drawn for an episode and put into SUMO as it runs.

They need SUMO's ``striping`` model (its default): with ``nonInteracting`` pedestrians ignore signals and vehicles.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_envs.traffic.cache import cached
from remalis_envs.traffic.network.netfile import NetFile, parse_net

from .profiles import DemandProfile
from .vehicle_types import PERSON_TYPE

WALKS_VERSION = 1
"""Part of a cached table's name: raise it when the search changes."""

APPROACH_M = 15.0
"""Sidewalk walked before and after the junction."""

DIAGONAL_SHARE = 0.25
"""Share of pedestrians who take two crossings in a row."""

WALKING_SPEED_M_S = (1.3, 0.12, 1.1, 1.6)
"""Mean, standard deviation, least and greatest drawn speed; the least is what clearance times must allow for."""


@dataclass(frozen=True)
class WalkTable:
    """Walks over the crossings of a network, ``n`` of them."""

    edges: NDArray[np.str_]
    """First edge, first crossing, second crossing (empty: there is one only) and last edge, shape (n, 4)."""
    start_m: NDArray[np.float64]
    """Where on the first edge a walk begins, shape (n,)."""
    end_m: NDArray[np.float64]
    """Where on the last edge it ends, shape (n,)."""
    junction: NDArray[np.int32]
    """Number of the junction, for weights, shape (n,)."""

    def __len__(self) -> int:
        return len(self.start_m)

    def edge_ids(self, walk: int) -> list[str]:
        """Edges and crossings of a walk, in order."""
        return [edge for edge in self.edges[walk].tolist() if edge]


@dataclass(frozen=True)
class PersonTrips:
    """The pedestrians of an episode, by time of departure; all arrays have shape (n,)."""

    depart_s: NDArray[np.float64]
    """Ascending."""
    walk: NDArray[np.int32]
    """Index into the :class:`WalkTable`."""
    speed_m_s: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.depart_s)

    def between(self, first: int, until_s: float) -> range:
        """Indices from ``first`` on of those that depart before ``until_s``."""
        return range(first, max(first, int(np.searchsorted(self.depart_s, until_s, side="left"))))


def load_walks(net_file: str) -> WalkTable:
    """Table of a network's walks from the cache; empty where it has no signalised crossings."""
    digest = hashlib.sha256(FilePath(net_file).read_bytes()).hexdigest()

    def build(folder: FilePath) -> None:
        table = build_walks(net_file)
        np.savez(folder / "walks.npz", **{one.name: getattr(table, one.name) for one in fields(table)})

    with np.load(cached(["walks", WALKS_VERSION, digest], build) / "walks.npz", allow_pickle=False) as stored:
        return WalkTable(**{one.name: stored[one.name] for one in fields(WalkTable)})


def build_walks(net_file: str) -> WalkTable:
    """Find all walks over one crossing, and over two in a row, at the signalised junctions of a network."""
    net = parse_net(net_file)
    kerbs, corners = _footways(net, _sidewalks(net))
    rows: list[tuple[tuple[str, str, str, str], float, float, int]] = []
    junctions: dict[str, int] = {}
    for first, ends in kerbs.items():
        junction = junctions.setdefault(first.rsplit("_", 1)[0], len(junctions))
        for a, b in (ends, ends[::-1]):
            for start, from_m in corners.get(a, ()):
                rows += [((start, first, "", end), from_m, to_m, junction) for end, to_m in corners.get(b, ())]
                for second, others in kerbs.items():
                    if second != first and b in others:
                        c = others[1] if others[0] == b else others[0]
                        if c != a:
                            rows += [
                                ((start, first, second, end), from_m, to_m, junction)
                                for end, to_m in corners.get(c, ())
                            ]
    return WalkTable(
        edges=np.array([row[0] for row in rows], dtype=np.str_).reshape(-1, 4),
        start_m=np.array([row[1] for row in rows], np.float64),
        end_m=np.array([row[2] for row in rows], np.float64),
        junction=np.array([row[3] for row in rows], np.int32),
    )


def _sidewalks(net: NetFile) -> dict[str, float]:
    """Length of each edge that has a lane for pedestrians only."""
    return {
        edge.id: lane.length_m
        for edge in net.edges.values()
        if edge.function == "normal"
        for lane in edge.lanes
        if lane.permits("pedestrian") and not lane.permits("passenger")
    }


def _footways(
    net: NetFile, sidewalks: dict[str, float]
) -> tuple[dict[str, tuple[str, str]], dict[str, list[tuple[str, float]]]]:
    """The two walking areas of each signalised crossing; the sidewalks at each walking area, with the near position."""
    crossings = {edge.id for edge in net.edges.values() if edge.function == "crossing"}
    areas = {edge.id for edge in net.edges.values() if edge.function == "walkingarea"}
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    corners: dict[str, list[tuple[str, float]]] = {}
    for link in net.links:
        start, end = link.from_edge, link.to_edge
        if start in areas and end in crossings and link.signal:
            before[end] = start
        elif start in crossings and end in areas:
            after[start] = end
        elif start in areas and end in sidewalks:
            corners.setdefault(start, []).append((end, min(APPROACH_M, sidewalks[end] / 2.0)))
        elif start in sidewalks and end in areas:
            length = sidewalks[start]
            corners.setdefault(end, []).append((start, length - min(APPROACH_M, length / 2.0)))
    kerbs = {crossing: (before[crossing], after[crossing]) for crossing in before if crossing in after}
    return {crossing: ends for crossing, ends in kerbs.items() if ends[0] != ends[1]}, corners


def draw_persons(
    profile: DemandProfile, walks: WalkTable, rng: np.random.Generator, begin_s: float, end_s: float
) -> PersonTrips:
    """Draw an episode's pedestrians: a Poisson process, busier at some junctions than at others.

    Args:
        profile: The level's demand; ``persons_per_s`` is the rate, whole network together.
        walks: The network's walks; an empty table gives no pedestrians.
        rng: The episode's generator; the same state gives the same pedestrians.
        begin_s: First moment of departure.
        end_s: End of departures.
    """
    count = int(rng.poisson(profile.persons_per_s * (end_s - begin_s))) if len(walks) else 0
    if not count:
        return PersonTrips(np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.float32))
    depart = np.floor(np.sort(rng.uniform(begin_s, end_s, count)) * 1000.0) / 1000.0
    double = walks.edges[:, 2] != ""
    busy = np.exp(profile.od_spread * rng.standard_normal(int(walks.junction.max()) + 1))
    per_junction = np.bincount(walks.junction)
    weights = (busy / np.maximum(per_junction, 1))[walks.junction]
    # Shares of one and of two crossings are set as a whole: there are far more ways to take two than one.
    for group, share in ((double, DIAGONAL_SHARE), (~double, 1.0 - DIAGONAL_SHARE)):
        total = weights[group].sum()
        weights[group] *= share / total if total > 0.0 else 0.0
    cumulative = np.cumsum(weights)
    walk = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    mean, spread, least, greatest = WALKING_SPEED_M_S
    speed = np.clip(mean + spread * rng.standard_normal(count), least, greatest)
    return PersonTrips(depart, np.minimum(walk, len(walks) - 1).astype(np.int32), speed.astype(np.float32))


def person_id(index: int) -> str:
    """Name of a pedestrian in SUMO."""
    return f"{PERSON_TYPE['id']}.{index}"


def add_person(sumo: Any, walks: WalkTable, persons: PersonTrips, index: int) -> str:
    """Put one pedestrian into the running simulation; he or she sets out at the drawn time.

    Args:
        sumo: The running libsumo (or traci) module.
        walks: The network's walks.
        persons: The episode's pedestrians.
        index: Which one.

    Returns:
        The person's id.
    """
    name, walk = person_id(index), int(persons.walk[index])
    edges = walks.edge_ids(walk)
    sumo.person.add(
        name, edges[0], float(walks.start_m[walk]), depart=float(persons.depart_s[index]), typeID=PERSON_TYPE["id"]
    )
    sumo.person.appendWalkingStage(name, edges, float(walks.end_m[walk]), speed=float(persons.speed_m_s[index]))
    return name
