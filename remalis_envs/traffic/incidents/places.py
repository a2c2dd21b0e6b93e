"""Where incidents can happen without cutting anybody off: found once per network, stored in the cache."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from remalis_envs.traffic.cache import cached
from remalis_envs.traffic.demand.lanes import Edge, Search, read_lane_graph
from remalis_envs.traffic.network.model import RoadNetwork

PLACES_VERSION = 3
"""Part of a cached file's name: raise it when the rules change."""

DETOUR_LIMIT_S = 240.0
"""A road is closed only where every way over it has a detour that costs no more than this in addition."""

CRASH_EDGE_M = 90.0
"""Least length of an edge where cars may crash."""

CRASH_AT = 0.7
"""Where along an edge crashes happen: room before it to brake gently, room after it to change lanes again."""

WORK_EDGE_M = 100.0
"""Least length of an edge that may lose a lane."""


@dataclass(frozen=True)
class Road:
    """A road between two junctions that may be closed."""

    edges: tuple[str, ...]
    """Downstream edge first."""
    detour: tuple[str, ...]
    """All edges that the detours around it use: none of them may be closed at the same time."""


@dataclass(frozen=True)
class LanePlace:
    """A lane that may be blocked, because what it leads to can be reached from another lane of its edge."""

    edge: str
    lane: int
    position_m: float


@dataclass(frozen=True)
class Places:
    """Where incidents can happen on a network."""

    roads: tuple[Road, ...]
    crash_lanes: tuple[LanePlace, ...]
    work_lanes: tuple[LanePlace, ...]
    edges: tuple[str, ...]
    """All roads, for the weather."""
    middles_m: tuple[tuple[float, float], ...]
    """Middle of each of ``edges``."""

    @cached_property
    def middles(self) -> NDArray[np.float64]:
        """``middles_m`` as an array, shape (edges, 2)."""
        return np.array(self.middles_m, dtype=np.float64).reshape(-1, 2)


def load_places(network: RoadNetwork) -> Places:
    """Places of a network from the cache; found on the first call for this content."""
    roads = roads_between_signals(network)
    digest = hashlib.sha256(Path(network.net_file).read_bytes()).hexdigest()
    borders = (*network.entries, *network.exits)

    def build(folder: Path) -> None:
        places = find_places(network.net_file, roads, borders)
        (folder / "places.json").write_text(json.dumps(asdict(places)), encoding="utf-8")

    folder = cached(["possible incidents", PLACES_VERSION, digest, roads, borders], build)
    stored = json.loads((folder / "places.json").read_text(encoding="utf-8"))
    return Places(
        roads=tuple(Road(tuple(road["edges"]), tuple(road["detour"])) for road in stored["roads"]),
        crash_lanes=tuple(LanePlace(**place) for place in stored["crash_lanes"]),
        work_lanes=tuple(LanePlace(**place) for place in stored["work_lanes"]),
        edges=tuple(stored["edges"]),
        middles_m=tuple((x, y) for x, y in stored["middles_m"]),
    )


def roads_between_signals(network: RoadNetwork) -> tuple[tuple[str, ...], ...]:
    """Every road from one signalised intersection to another, downstream edge first."""
    return tuple(arm.in_edges for junction in network.intersections for arm in junction.arms if arm.upstream >= 0)


def find_places(net_file: str, roads: tuple[tuple[str, ...], ...], borders: tuple[str, ...]) -> Places:
    """Find where incidents can happen.

    Args:
        net_file: SUMO network file.
        roads: Candidate roads, each the edges of one direction, downstream edge first.
        borders: Entries and exits, which stay free and are not driven through.
    """
    graph = read_lane_graph(net_file)
    border = set(borders)
    inner = [edge for edge in graph.values() if edge.id not in border]
    before: dict[str, list[str]] = {}
    turning: dict[str, list[str]] = {}
    for edge in graph.values():
        for turn in edge.turns:
            known = (turning if turn.uturn else before).setdefault(turn.to_edge, [])
            if edge.id not in known:
                known.append(edge.id)
    search = Search(graph, [edge for edge in borders if edge in graph])
    closable = []
    for edges in roads:
        if not border.intersection(edges) and all(edge in graph for edge in edges):
            detour = _detours(graph, search, before, edges)
            if detour is not None:
                closable.append(Road(tuple(edges), detour))
    crash_lanes = [
        LanePlace(edge.id, lane, round(CRASH_AT * edge.length_m, 1))
        for edge in inner
        if edge.length_m >= CRASH_EDGE_M and len(edge.lanes) >= 2
        for lane in edge.lanes
    ]
    work_lanes = [
        LanePlace(edge.id, lane, 0.0)
        for edge in inner
        for lane in edge.lanes
        if _spare(graph, [*before.get(edge.id, []), *turning.get(edge.id, [])], edge, lane)
    ]
    return Places(tuple(closable), tuple(crash_lanes), tuple(work_lanes), tuple(graph), _middles(graph))


def _detours(
    graph: dict[str, Edge], search: Search, before: dict[str, list[str]], road: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Edges of the detours from every edge that leads into a road to every edge it leads to; None where one fails."""
    closed = frozenset(road)
    into = [edge for part in road for edge in before.get(part, []) if edge not in closed]
    onto = list(
        dict.fromkeys(
            turn.to_edge for part in road for turn in graph[part].turns if not turn.uturn and turn.to_edge not in closed
        )
    )
    used: dict[str, None] = {}
    for start in into:
        usual = search.ways(start, graph[start].lanes, targets=frozenset(onto))
        limit_s = DETOUR_LIMIT_S + max((usual.cost_s(edge) for edge in onto if edge in usual), default=0.0)
        ways = search.ways(start, graph[start].lanes, limit_s=limit_s, without=closed, targets=frozenset(onto))
        for end in onto:
            back = graph[end].to_node == graph[start].from_node
            if end in ways:
                used.update(dict.fromkeys(ways[end].edges))
            elif not back:
                return None
    return tuple(used) if into and onto else None


def _spare(graph: dict[str, Edge], into: list[str], edge: Edge, lane: int) -> bool:
    """Whether all that comes in and goes out over an edge can do so on its other lanes."""
    if len(edge.lanes) < 2 or edge.length_m < WORK_EDGE_M:
        return False
    outs = {turn.to_edge for turn in edge.turns}
    if not outs or outs != {turn.to_edge for turn in edge.turns if turn.from_lane != lane}:
        return False
    for origin in into:
        if all(turn.to_lane == lane for turn in graph[origin].turns if turn.to_edge == edge.id):
            return False
    return bool(into)


def _middles(graph: dict[str, Edge]) -> tuple[tuple[float, float], ...]:
    return tuple(edge.middle_m for edge in graph.values())
