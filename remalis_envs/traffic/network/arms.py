"""Arms of an intersection: SUMO's edges chained back to the last junction, numbered clockwise from north."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from .model import MAX_ARMS
from .netfile import NetEdge, NetFile, bearing_deg

COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_IGNORED_SIGNALS = ("rail_signal", "rail_crossing")
_PAIR_DEG = 35.0
_LOOK_AHEAD_EDGES = 30


@dataclass
class Roads:
    """The graph of roads: for each edge, the edges that lead to it and that it leads to."""

    net: NetFile
    before: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)
    straight_after: dict[str, str] = field(default_factory=dict)
    straight_before: dict[str, str] = field(default_factory=dict)
    signal_of: dict[str, str] = field(default_factory=dict)
    """Signal at the end of an edge."""
    opposite: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, net: NetFile) -> Roads:
        roads = cls(net)
        by_ends: dict[tuple[str, str], list[str]] = {}
        for edge in net.edges.values():
            if edge.function == "normal" and edge.motor:
                by_ends.setdefault((edge.origin, edge.target), []).append(edge.id)
        for (origin, target), ids in by_ends.items():
            back = by_ends.get((target, origin), [])
            for mine, other in zip(ids, back, strict=False):
                roads.opposite[mine] = other
        for link in net.links:
            if net.edges[link.from_edge].function != "normal" or net.edges[link.to_edge].function != "normal":
                continue
            if not (net.lanes[link.from_lane].motor and net.lanes[link.to_lane].motor):
                continue
            if link.signal:
                roads.signal_of.setdefault(link.from_edge, link.signal)
            if link.direction == "t":
                continue
            if link.to_edge not in roads.after.setdefault(link.from_edge, []):
                roads.after[link.from_edge].append(link.to_edge)
                roads.before.setdefault(link.to_edge, []).append(link.from_edge)
            if link.direction == "s":
                roads.straight_after.setdefault(link.from_edge, link.to_edge)
                roads.straight_before.setdefault(link.to_edge, link.from_edge)
        return roads

    def _simple(self, first: str, second: str) -> bool:
        """Whether the road merely goes on from one edge to the next: no choice, no merging, no signal."""
        return (
            self.after.get(first) == [second]
            and self.before.get(second) == [first]
            and first not in self.signal_of
            and self.opposite.get(first) != second
        )

    def upstream(self, edge: str, inside: frozenset[str]) -> tuple[str, ...]:
        """The edge and those before it, up to the previous junction."""
        chain = [edge]
        while len(chain) < _LOOK_AHEAD_EDGES:
            before = self.before.get(chain[-1], [])
            if len(before) != 1 or not self._simple(before[0], chain[-1]) or before[0] in chain:
                break
            if self.net.edges[before[0]].target in inside:
                break
            chain.append(before[0])
        return tuple(chain)

    def downstream(self, edge: str) -> tuple[str, ...]:
        """The edge and those after it, down to the next junction."""
        chain = [edge]
        while len(chain) < _LOOK_AHEAD_EDGES:
            after = self.after.get(chain[-1], [])
            if len(after) != 1 or not self._simple(chain[-1], after[0]) or after[0] in chain:
                break
            chain.append(after[0])
        return tuple(chain)

    def next_signal(self, edge: str) -> str:
        """The signal that the road leads to, straight on through junctions without one; empty where none."""
        for _ in range(_LOOK_AHEAD_EDGES):
            if edge in self.signal_of:
                return self.signal_of[edge]
            after = self.after.get(edge, [])
            onward = after[0] if len(after) == 1 else self.straight_after.get(edge, "")
            if not onward:
                return ""
            edge = onward
        return ""

    def previous_signal(self, edge: str) -> str:
        """The signal that the road comes from, straight back through junctions without one; empty where none."""
        for _ in range(_LOOK_AHEAD_EDGES):
            before = self.before.get(edge, [])
            back = before[0] if len(before) == 1 else self.straight_before.get(edge, "")
            if not back:
                signals = {self.signal_of[b] for b in before if b in self.signal_of}
                return signals.pop() if len(signals) == 1 else ""
            signals = {self.signal_of[b] for b in before if b in self.signal_of}
            if signals:
                return min(signals)
            edge = back
        return ""


@dataclass
class Leg:
    """An arm in the making."""

    bearing_deg: float
    inward: list[str] = field(default_factory=list)
    outward: list[str] = field(default_factory=list)


def signals_of(net: NetFile) -> dict[str, tuple[str, ...]]:
    """Signals that control vehicles or pedestrians, each with its junctions, in the order of the file."""
    found: dict[str, dict[str, None]] = {}
    for link in net.links:
        if link.signal and link.junction and net.junctions[link.junction].type not in _IGNORED_SIGNALS:
            found.setdefault(link.signal, {})[link.junction] = None
    return {name: tuple(found[name]) for name in net.programs if name in found}


def legs_of(
    net: NetFile, roads: Roads, signal: str, junctions: tuple[str, ...], limits: list[str] | None = None
) -> list[Leg]:
    """Arms of a signal: its roads in and out, paired where they belong to one street.

    More than ``MAX_ARMS`` are brought down by merging the closest two, which ``limits`` is told.
    """
    inside = frozenset(junctions)
    ins = [e for e in net.edges.values() if _is_leg(e) and e.target in inside and e.origin not in inside]
    outs = [e for e in net.edges.values() if _is_leg(e) and e.origin in inside and e.target not in inside]
    legs = [Leg(_bearing_in(net, e), [e.id]) for e in ins]
    free = list(outs)
    for leg in legs:
        match = _partner(net, roads, leg, free, inside)
        if match is not None:
            leg.outward.append(match.id)
            free.remove(match)
    legs += [Leg(_bearing_out(net, e), [], [e.id]) for e in free]
    if len(legs) > MAX_ARMS:
        if limits is not None:
            limits.append(
                f"Intersection {signal!r} has {len(legs)} arms; agents see at most {MAX_ARMS}: the closest were merged."
            )
        legs = _merge(legs)
    # Half a compass sector of shift keeps an arm at 359 degrees first: it is the northern one.
    return sorted(legs, key=lambda leg: ((leg.bearing_deg + 22.5) % 360.0, leg.inward, leg.outward))


def arm_names(legs: list[Leg]) -> tuple[str, ...]:
    """Compass points of the arms; where two share one, numbered clockwise."""
    points = [COMPASS[int((leg.bearing_deg + 22.5) // 45) % 8] for leg in legs]
    names = []
    for i, point in enumerate(points):
        names.append(f"{point}{points[: i + 1].count(point)}" if points.count(point) > 1 else point)
    return tuple(names)


def _is_leg(edge: NetEdge) -> bool:
    return edge.function == "normal" and edge.motor


def _bearing_in(net: NetFile, edge: NetEdge) -> float:
    shape = edge.lanes[-1].shape
    return _direction(shape[::-1])


def _bearing_out(net: NetFile, edge: NetEdge) -> float:
    return _direction(edge.lanes[-1].shape)


def _direction(shape: tuple[tuple[float, float], ...]) -> float:
    """Direction of a road as it leaves the junction, over its first 25 m."""
    length = 0.0
    for a, b in pairwise(shape):
        length += ((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5
        if length >= 25.0:
            return bearing_deg(shape[0], b)
    return bearing_deg(shape[0], shape[-1]) if len(shape) > 1 else 0.0


def _gap_deg(a: float, b: float) -> float:
    return abs((a - b + 180.0) % 360.0 - 180.0)


def _partner(net: NetFile, roads: Roads, leg: Leg, free: list[NetEdge], inside: frozenset[str]) -> NetEdge | None:
    edge = leg.inward[0]
    for other in free:
        if roads.opposite.get(edge) == other.id:
            return other
    origin = net.edges[roads.upstream(edge, inside)[-1]].origin
    same_end = [o for o in free if net.edges[roads.downstream(o.id)[-1]].target == origin]
    near = [(_gap_deg(_bearing_out(net, o), leg.bearing_deg), o.id, o) for o in free]
    best = min((n for n in near if n[2] in same_end and n[0] <= 60.0), default=None)
    if best is None:
        best = min((n for n in near if n[0] <= _PAIR_DEG), default=None)
    return best[2] if best else None


def _merge(legs: list[Leg]) -> list[Leg]:
    while len(legs) > MAX_ARMS:
        legs = sorted(legs, key=lambda leg: leg.bearing_deg)
        gaps = [(_gap_deg(legs[i].bearing_deg, legs[i - 1].bearing_deg), i) for i in range(len(legs))]
        _, i = min(gaps)
        legs[i - 1].inward += legs[i].inward
        legs[i - 1].outward += legs[i].outward
        del legs[i]
    return legs
