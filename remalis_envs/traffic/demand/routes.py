"""Routes between the borders of a network: computed once, stored beside the network, quick to load."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_envs.traffic.cache import cached

from .lanes import LANE_CHANGE_M, Edge, Path, Search, Ways, read_lane_graph

ROUTES_VERSION = 1
"""Part of a cached table's name: raise it when the search changes."""

VARIANTS = 3
"""Ways that are looked for between each entry and exit."""

VARIANT_NOISE = 0.2
"""Standard deviation of the logarithm of the factor on driving times that makes other drivers choose other ways."""

VARIANT_LIMIT = 1.25
"""A way that takes longer than the fastest by this factor is not kept."""

UTURNS_PER_ENTRY = 4


@dataclass(frozen=True)
class RouteTable:
    """Ways through a network; ``n`` routes between ``e`` entries and ``x`` exits."""

    entries: NDArray[np.str_]
    """Edges where routes begin, shape (e,)."""
    exits: NDArray[np.str_]
    """Edges where routes end, shape (x,)."""
    edges: NDArray[np.str_]
    """Names of all edges that routes use."""
    steps: NDArray[np.int32]
    """Every route's edges, one route after another, as indices into ``edges``."""
    offsets: NDArray[np.int32]
    """Where each route begins in ``steps``, shape (n + 1,)."""
    origin: NDArray[np.int32]
    """Index into ``entries``, shape (n,)."""
    destination: NDArray[np.int32]
    """Index into ``exits``, shape (n,)."""
    free_flow_s: NDArray[np.float64]
    """Driving time without traffic or signals at the speed limit, shape (n,)."""
    length_m: NDArray[np.float64]
    """Shape (n,)."""
    variants: NDArray[np.int32]
    """How many routes join this route's origin and destination, shape (n,)."""
    uturn: NDArray[np.bool_]
    """Whether the route turns round and leaves where it came in, shape (n,)."""
    usable: NDArray[np.bool_]
    """Whether drawn demand may use it (it is drivable lane by lane and no shorter than two edges), shape (n,)."""
    entry_capacity: NDArray[np.float64]
    """Lanes of each entry: how much it can send, shape (e,)."""

    def __len__(self) -> int:
        return len(self.origin)

    @property
    def through(self) -> NDArray[np.bool_]:
        """Usable routes from one road to another, shape (n,)."""
        return self.usable & ~self.uturn

    def id(self, route: int) -> str:
        """Name under which SUMO knows a route."""
        return f"r{route}"

    def edge_ids(self, route: int) -> list[str]:
        """Edges of a route, in driving order."""
        steps: list[str] = self.edges[self.steps[self.offsets[route] : self.offsets[route + 1]]].tolist()
        return steps

    def using(self, edges: set[str] | frozenset[str]) -> NDArray[np.bool_]:
        """Which routes use any of some edges, shape (n,)."""
        marked = np.isin(self.edges, sorted(edges))
        hits = np.concatenate([[0], np.cumsum(marked[self.steps])])
        result: NDArray[np.bool_] = hits[self.offsets[1:]] > hits[self.offsets[:-1]]
        return result

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the table as one ``.npz`` file, whole or not at all."""
        target = FilePath(file)
        handle, name = tempfile.mkstemp(suffix=".npz", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, **{one.name: getattr(self, one.name) for one in fields(self)})
            os.replace(name, target)
        except BaseException:
            FilePath(name).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> RouteTable:
        """Read a table that :meth:`save` wrote."""
        with np.load(file, allow_pickle=False) as stored:
            return cls(**{one.name: stored[one.name] for one in fields(cls)})


def add_route(sumo: Any, routes: RouteTable, route: int) -> str:
    """Make a route known to a running SUMO; call once per route and simulation.

    Returns:
        The route's name in SUMO.
    """
    name = routes.id(route)
    sumo.route.add(name, routes.edge_ids(route))
    return name


def load_routes(net_file: str, entries: tuple[str, ...], exits: tuple[str, ...]) -> RouteTable:
    """Table of a network's routes from the cache; built on the first call for this content."""
    digest = hashlib.sha256(FilePath(net_file).read_bytes()).hexdigest()
    folder = cached(
        ["routes", ROUTES_VERSION, digest, entries, exits],
        lambda folder: build_routes(net_file, entries, exits).save(folder / "routes.npz"),
    )
    return RouteTable.load(folder / "routes.npz")


def build_routes(net_file: str, entries: tuple[str, ...], exits: tuple[str, ...]) -> RouteTable:
    """Find the ways from every entry to every exit.

    Between an entry and the exit of another road: the fastest way and up to ``VARIANTS - 1`` others that some drivers
    take for fastest. Between an entry and its own road's exit: ways that turn round at a junction that lets them.

    Args:
        net_file: SUMO network file.
        entries: Edges where vehicles may enter.
        exits: Edges where they may leave.
    """
    graph = read_lane_graph(net_file)
    starts = [edge for edge in entries if edge in graph]
    ends = [edge for edge in exits if edge in graph]
    found: list[tuple[int, int, Path, bool]] = []
    for variant in range(VARIANTS):
        rng = np.random.default_rng(variant)
        noise = np.exp(VARIANT_NOISE * rng.standard_normal(len(graph))) if variant else np.ones(len(graph))
        # Entries are ends too, that is, never driven through: a border road is no short cut.
        search = Search(graph, [*starts, *ends], dict(zip(graph, noise.tolist(), strict=True)))
        for origin, start in enumerate(starts):
            ways = search.ways(start, graph[start].lanes, targets=None if variant == 0 else frozenset(ends))
            for destination, end in enumerate(ends):
                if end in ways and end != start and graph[end].to_node != graph[start].from_node:
                    found.append((origin, destination, ways[end], False))
            if variant == 0:
                found += _uturns(graph, search, origin, start, ends, ways)
    return _table(graph, starts, ends, _distinct(found))


def _uturns(
    graph: dict[str, Edge], search: Search, origin: int, start: str, ends: list[str], ways: Ways
) -> list[tuple[int, int, Path, bool]]:
    """Ways back to where one came in: the nearest turning places, and some further inside."""
    own = [(k, end) for k, end in enumerate(ends) if graph[end].to_node == graph[start].from_node]
    if not own:
        return []
    destination, end = own[0]
    places = [(ways.cost_s(edge.id), edge.id) for edge in graph.values() if edge.id in ways]
    places = [place for place in sorted(places) if any(turn.uturn for turn in graph[place[1]].turns)]
    result = []
    for _, place in places[: 4 * UTURNS_PER_ENTRY]:
        there, edge = ways[place], graph[place]
        for turn in edge.turns:
            changes = abs(turn.from_lane - there.entered_lane)
            too_short = changes * LANE_CHANGE_M > edge.length_m
            if not turn.uturn or too_short or (turn.to_edge in there.edges):
                continue
            back = search.ways(turn.to_edge, [turn.to_lane], targets=frozenset([end])).get(end)
            if back is None:
                continue
            time_s = there.time_s + turn.time_s + back.time_s
            length_m = there.length_m + turn.length_m + back.length_m
            cost_s = there.cost_s + back.cost_s
            result.append(
                (origin, destination, Path(there.edges + back.edges, time_s, length_m, cost_s, back.entered_lane), True)
            )
            break
        if len(result) == UTURNS_PER_ENTRY:
            break
    return result


def _distinct(found: list[tuple[int, int, Path, bool]]) -> list[tuple[int, int, Path, bool]]:
    """Drop ways found twice and ways much longer than the fastest of their pair; order by pair."""
    kept: dict[tuple[int, int, bool], list[Path]] = {}
    for origin, destination, path, uturn in found:
        ways = kept.setdefault((origin, destination, uturn), [])
        near = uturn or not ways or path.time_s <= VARIANT_LIMIT * ways[0].time_s
        if near and all(path.edges != other.edges for other in ways):
            ways.append(path)
    return [(key[0], key[1], path, key[2]) for key in sorted(kept) for path in kept[key]]


def _table(
    graph: dict[str, Edge], starts: list[str], ends: list[str], found: list[tuple[int, int, Path, bool]]
) -> RouteTable:
    names = {edge: k for k, edge in enumerate(graph)}
    paths = [path for _, _, path, _ in found]
    pairs = [(origin, destination, uturn) for origin, destination, _, uturn in found]
    per_pair: dict[tuple[int, int, bool], int] = {}
    for pair in pairs:
        per_pair[pair] = per_pair.get(pair, 0) + 1
    return RouteTable(
        entries=np.array(starts, dtype=np.str_),
        exits=np.array(ends, dtype=np.str_),
        edges=np.array(list(graph), dtype=np.str_),
        steps=np.array([names[edge] for path in paths for edge in path.edges], np.int32),
        offsets=np.cumsum([0, *(len(path.edges) for path in paths)]).astype(np.int32),
        origin=np.array([pair[0] for pair in pairs], np.int32),
        destination=np.array([pair[1] for pair in pairs], np.int32),
        free_flow_s=np.array([path.time_s for path in paths], np.float64),
        length_m=np.array([path.length_m for path in paths], np.float64),
        variants=np.array([per_pair[pair] for pair in pairs], np.int32),
        uturn=np.array([pair[2] for pair in pairs], np.bool_),
        usable=np.array([len(path.edges) >= 2 for path in paths], np.bool_),
        entry_capacity=np.array([len(graph[edge].lanes) for edge in starts], np.float64),
    )
