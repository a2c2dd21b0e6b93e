"""Lane graph of a SUMO network file: which lane leads to which, and how long it takes; used to find routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from heapq import heappop, heappush
from itertools import count

from remalis_envs.traffic.network.netfile import NetFile, parse_net

CLASSES = ("passenger", "bus", "truck", "emergency")
"""Vehicle classes of drawn demand; a lane counts as usable when all of them may use it."""

LANE_CHANGE_S = 2.0
LANE_CHANGE_M = 20.0
"""Road that a change of one lane needs; a turn that needs more than the edge has is no route."""

TURN_COST_S = {"s": 0.0, "r": 2.0, "R": 1.0, "l": 6.0, "L": 4.0, "t": 30.0}
"""What drivers dislike about a turn, beside its driving time: without it, routes through a grid zigzag."""


@dataclass(frozen=True)
class Turn:
    """One connection between two lanes."""

    to_edge: str
    from_lane: int
    to_lane: int
    time_s: float
    length_m: float
    cost_s: float
    uturn: bool


@dataclass
class Edge:
    """An edge with its lanes that vehicles may use."""

    id: str
    from_node: str
    to_node: str
    length_m: float = 0.0
    speed_m_s: float = 0.0
    middle_m: tuple[float, float] = (0.0, 0.0)
    lanes: list[int] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)

    @property
    def time_s(self) -> float:
        """Free-flow driving time."""
        return self.length_m / max(self.speed_m_s, 0.1)


@dataclass(frozen=True)
class Path:
    """A way through the network."""

    edges: tuple[str, ...]
    time_s: float
    length_m: float
    cost_s: float
    entered_lane: int
    """Lane on which the last edge was entered."""


def read_lane_graph(net_file: str) -> dict[str, Edge]:
    """Read the edges and connections that vehicles of drawn demand may use, in the file's order.

    Raises:
        SumoError: The file is missing, is not XML, or is not a network.
    """
    net = parse_net(net_file)
    edges: dict[str, Edge] = {}
    for item in net.edges.values():
        if item.function not in ("normal", "connector"):
            continue
        edge = Edge(item.id, item.origin, item.target)
        for lane in item.lanes:
            if all(map(lane.permits, CLASSES)):
                edge.lanes.append(lane.index)
                edge.length_m = lane.length_m
                edge.speed_m_s = max(edge.speed_m_s, lane.speed_m_s)
                (x0, y0), (x1, y1) = lane.shape[0], lane.shape[-1]
                edge.middle_m = ((x0 + x1) / 2.0, (y0 + y1) / 2.0)
        if edge.lanes:
            edges[edge.id] = edge
    _add_turns(net, edges)
    return edges


def _add_turns(net: NetFile, edges: dict[str, Edge]) -> None:
    onward = {link.from_lane: link.via for link in net.links if link.via}
    for link in net.links:
        from_edge, to_edge = edges.get(link.from_edge), edges.get(link.to_edge)
        if from_edge is None or to_edge is None:
            continue
        from_lane, to_lane = net.lanes[link.from_lane].index, net.lanes[link.to_lane].index
        if from_lane not in from_edge.lanes or to_lane not in to_edge.lanes or not all(map(link.permits, CLASSES)):
            continue
        time_s = length_m = 0.0
        via = link.via
        while via in net.lanes:  # a turn may wait half-way, on a lane of its own
            inner = net.lanes[via]
            time_s, length_m = time_s + inner.length_m / max(inner.speed_m_s, 0.1), length_m + inner.length_m
            via = onward.get(via, "")
        kind = link.direction
        cost_s = time_s + TURN_COST_S.get(kind, 0.0)
        from_edge.turns.append(Turn(to_edge.id, from_lane, to_lane, time_s, length_m, cost_s, kind == "t"))


_Parents = dict[tuple[str, int], tuple[tuple[str, int] | None, Turn | None]]


class Search:
    """Fastest ways, lane by lane, from one edge to all others (Dijkstra)."""

    def __init__(self, edges: dict[str, Edge], no_through: Iterable[str] = (), factor: dict[str, float] | None = None):
        """Prepare searches.

        Args:
            edges: The lane graph.
            no_through: Edges where a way may end but not go on.
            factor: For each edge what its driving time is multiplied by, 1 where absent.
        """
        self._edges = edges
        self._ends = frozenset(no_through)
        factor = factor or {}
        self._cost = {edge.id: edge.time_s * factor.get(edge.id, 1.0) for edge in edges.values()}
        self._moves = cache(self._moves_uncached)

    def _moves_uncached(self, edge_id: str, lane: int) -> tuple[tuple[float, str, int, Turn], ...]:
        """Cheapest turn into each lane that can be reached from a lane's start."""
        edge = self._edges[edge_id]
        best: dict[tuple[str, int], tuple[float, str, int, Turn]] = {}
        for turn in edge.turns:
            changes = abs(turn.from_lane - lane)
            if turn.uturn or changes * LANE_CHANGE_M > edge.length_m:
                continue
            cost = self._cost[edge_id] + turn.cost_s + changes * LANE_CHANGE_S
            key = (turn.to_edge, turn.to_lane)
            if key not in best or cost < best[key][0]:
                best[key] = (cost, turn.to_edge, turn.to_lane, turn)
        return tuple(best.values())

    def ways(
        self,
        start: str,
        lanes: Iterable[int],
        limit_s: float = float("inf"),
        without: frozenset[str] = frozenset(),
        targets: frozenset[str] | None = None,
    ) -> Ways:
        """Fastest way to every edge, the start included.

        Args:
            start: First edge.
            lanes: Lanes of it on which one may begin.
            limit_s: Ways of a greater cost are not looked for.
            without: Edges that may not be used.
            targets: Stop when all of these are reached.

        Returns:
            For each edge reached its way; driving times count the whole of every edge, the last one too.
        """
        tie = count()  # equal costs are settled in the order of discovery: no dependence on hashes
        queue: list[tuple[float, int, str, int, tuple[str, int] | None, Turn | None]] = []
        for lane in lanes:
            heappush(queue, (0.0, next(tie), start, lane, None, None))
        parents: _Parents = {}
        first: dict[str, tuple[int, float]] = {}
        missing = set(targets or ())
        while queue:
            cost, _, edge_id, lane, parent, turn = heappop(queue)
            node = (edge_id, lane)
            if node in parents:
                continue
            if cost > limit_s:
                break
            parents[node] = (parent, turn)
            first.setdefault(edge_id, (lane, cost))
            missing.discard(edge_id)
            if targets is not None and not missing:
                break
            if edge_id in self._ends and parent is not None:
                continue
            for step, to_edge, to_lane, taken in self._moves(edge_id, lane):
                if (to_edge, to_lane) not in parents and to_edge not in without:
                    heappush(queue, (cost + step, next(tie), to_edge, to_lane, node, taken))
        return Ways(self._edges, first, parents)


class Ways(Mapping[str, Path]):
    """What a search has found: for each edge reached, the fastest way to it; made when it is asked for."""

    def __init__(self, edges: dict[str, Edge], first: dict[str, tuple[int, float]], parents: _Parents) -> None:
        """Keep a search's result.

        Args:
            edges: The lane graph.
            first: For each edge reached the lane it was first entered on, and the cost up to there.
            parents: For each lane the lane and the turn by which it was entered.
        """
        self._edges, self._first, self._parents = edges, first, parents

    def cost_s(self, edge_id: str) -> float:
        """What it costs to come to the start of an edge."""
        return self._first[edge_id][1]

    def __getitem__(self, edge_id: str) -> Path:
        lane, cost = self._first[edge_id]
        ids, time_s, length_m = [edge_id], self._edges[edge_id].time_s, self._edges[edge_id].length_m
        parent, turn = self._parents[(edge_id, lane)]
        while parent is not None and turn is not None:
            edge = self._edges[parent[0]]
            ids.append(edge.id)
            time_s += edge.time_s + turn.time_s
            length_m += edge.length_m + turn.length_m
            parent, turn = self._parents[parent]
        return Path(tuple(reversed(ids)), time_s, length_m, cost, lane)

    def __contains__(self, edge_id: object) -> bool:
        return edge_id in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)
