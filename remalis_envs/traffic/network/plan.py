"""A road plan, nodes and two-way roads, and its way through netconvert to a SUMO network."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ..sumo import run_tool

WIDE_M, WIDE_CORNER_M = 3.5, 9.0
"""Width of lanes and radius of corners where buses and lorries turn: with less, they sweep over waiting cars."""
_JUNCTION_M = 15.0
"""About half the width of an intersection."""


@dataclass(frozen=True)
class Node:
    """A point where roads meet or end."""

    id: str
    x_m: float
    y_m: float


@dataclass(frozen=True)
class Road:
    """A street with both directions."""

    a: str
    b: str
    lanes_ab: int = 2
    lanes_ba: int = 2
    speed_m_s: float = 13.89


@dataclass
class RoadPlan:
    """Streets of a map to be; signals stand where three or more meet."""

    nodes: dict[str, Node] = field(default_factory=dict)
    roads: list[Road] = field(default_factory=list)
    turn_lanes: int = 1
    """Extra lanes towards each signal, for turning left."""
    turn_lane_m: float = 60.0
    crossings: bool = False
    uturns: bool = False
    lane_m: float = 3.2
    corner_m: float = 6.0
    """Radius of the junctions' corners."""
    wait_inside: bool = True
    """Whether turns that yield wait for their gap inside the junction. Where arms meet at any angle, the places that
    netconvert finds for that lie in other streams' way."""

    def add_node(self, node_id: str, x_m: float, y_m: float) -> None:
        self.nodes[node_id] = Node(node_id, x_m, y_m)

    def degrees(self) -> dict[str, int]:
        """Streets at each node."""
        count = dict.fromkeys(self.nodes, 0)
        for road in self.roads:
            count[road.a] += 1
            count[road.b] += 1
        return count

    def signals(self) -> list[str]:
        return [node for node, degree in self.degrees().items() if degree >= 3]

    def pocket(self, node: str) -> int:
        """Extra lanes of the roads towards a node."""
        return self.turn_lanes if self._degrees.get(node, 0) >= 3 else 0

    def is_split(self, road: Road, node: str) -> bool:
        """Whether a road towards ``node`` is long enough for its turn lane to open on the way."""
        return bool(self.pocket(node)) and self.length_m(road) >= 2.2 * self.turn_lane_m + 2 * _JUNCTION_M

    def degrees_at(self, node: str) -> int:
        return self._degrees.get(node, 0)

    @cached_property
    def _degrees(self) -> dict[str, int]:
        return self.degrees()

    def length_m(self, road: Road) -> float:
        a, b = self.nodes[road.a], self.nodes[road.b]
        return ((a.x_m - b.x_m) ** 2 + (a.y_m - b.y_m) ** 2) ** 0.5


def varied(road: Road, rng: random.Random) -> Road:
    """The road with lanes (1 to 3 in each direction) and a speed limit (40 to 60 km/h) drawn anew."""
    lanes = rng.choice((1, 2, 2, 3))
    return replace(road, lanes_ab=lanes, lanes_ba=lanes, speed_m_s=rng.choice((11.11, 13.89, 13.89, 16.67)))


def component(roads: list[Road], start: str) -> set[str]:
    """Nodes that the roads connect with ``start``."""
    beside: dict[str, list[str]] = {}
    for road in roads:
        beside.setdefault(road.a, []).append(road.b)
        beside.setdefault(road.b, []).append(road.a)
    seen, todo = {start}, [start]
    while todo:
        for node in beside.get(todo.pop(), []):
            if node not in seen:
                seen.add(node)
                todo.append(node)
    return seen


def convert(plan: RoadPlan, out: Path, seed: int = 0) -> list[str]:
    """Write a plan as SUMO network ``out``.

    Returns:
        What netconvert warned of.

    Raises:
        SumoError: netconvert failed.
    """
    with tempfile.TemporaryDirectory(prefix=".plan-", dir=out.parent) as scratch:
        nodes, edges = Path(scratch, "plan.nod.xml"), Path(scratch, "plan.edg.xml")
        edges_xml, splits = _edges_xml(plan)
        edges.write_text(edges_xml, encoding="utf-8")
        nodes.write_text(_nodes_xml(plan, splits), encoding="utf-8")
        connections = Path(scratch, "plan.con.xml")
        connections.write_text(_connections_xml(plan), encoding="utf-8")
        arguments = ["--node-files", str(nodes), "--edge-files", str(edges), "--connection-files", str(connections)]
        draft = out if plan.wait_inside else Path(scratch, "draft.net.xml")
        arguments += ["--output-file", str(draft)]
        arguments += ["--seed", str(seed), "--tls.discard-simple", "--output.street-names", "false"]
        shape = ["--default.lanewidth", str(plan.lane_m)]
        shape += ["--default.junctions.radius", str(plan.corner_m), "--junctions.corner-detail", "5"]
        shape += ["--tls.default-type", "static", "--internal-junctions.vehicle-width", "3.0"]
        if plan.crossings:
            arguments += ["--sidewalks.guess"]
        if plan.uturns:
            arguments += ["--no-turnarounds.fringe", "--no-turnarounds.geometry"]
        else:
            arguments += ["--no-turnarounds"]
        said = run_tool("netconvert", *arguments, *shape)
        return said if plan.wait_inside else [*said, *_without_waiting_places(draft, out, shape)]


def _without_waiting_places(draft: Path, out: Path, shape: list[str]) -> list[str]:
    """Rebuild a network of streets at any angle, so that nobody stands in another's way.

    Streams which yield wait at the stop line, and nowhere inside the junction. Crossings reach into the pavement.
    """
    run_tool("netconvert", "--sumo-net-file", str(draft), "--plain-output-prefix", str(draft.with_name("full")))
    net = ElementTree.parse(draft).getroot()
    turning = {_link_key(link) for link in net.iter("connection") if link.get("tl")}
    lanes = {str(edge.get("crossingEdges")): edge[0] for edge in net.iter("edge") if edge.get("crossingEdges")}
    file = draft.with_name("full.con.xml")
    tree = ElementTree.parse(file)
    for link in tree.getroot().iter("connection"):
        if _link_key(link) in turning:
            link.set("contPos", "0")
    for crossing in tree.getroot().iter("crossing"):
        crossing.set("shape", _reaching(lanes[str(crossing.get("edges"))].get("shape", ""), _ONTO_PAVEMENT_M))
    tree.write(file, encoding="utf-8")
    parts = [f"--{kind}-files={draft.with_name(f'full.{end}.xml')}" for kind, end in _PLAIN]
    return run_tool("netconvert", *parts, *shape, "--output-file", str(out), "--output.street-names", "false")


_ONTO_PAVEMENT_M = 0.6
"""SUMO's drivers start when a pedestrian's back is 0.5 m from the end of the crossing, and cut the corner."""


def _reaching(shape: str, more_m: float) -> str:
    """A line of two or more points, lengthened at both ends."""
    points = [complex(*map(float, point.split(",")[:2])) for point in shape.split()]
    start, end = points[0] - points[1], points[-1] - points[-2]
    points[0] += more_m * start / abs(start)
    points[-1] += more_m * end / abs(end)
    return " ".join(f"{p.real:.2f},{p.imag:.2f}" for p in points)


_PLAIN = (("node", "nod"), ("edge", "edg"), ("connection", "con"), ("tllogic", "tll"))


def _link_key(link: ElementTree.Element) -> tuple[str | None, ...]:
    return tuple(link.get(name) for name in ("from", "to", "fromLane", "toLane"))


def _nodes_xml(plan: RoadPlan, splits: list[Node]) -> str:
    degrees = plan.degrees()
    rows = []
    for node in [*plan.nodes.values(), *splits]:
        degree = degrees.get(node.id, 2)
        kind = "traffic_light" if degree >= 3 else "dead_end" if degree == 1 else "priority"
        # Where a turn lane opens the node is kept short: in a long one, cars stop side by side between two lanes.
        radius = ' radius="1"' if node.id not in plan.nodes else ""
        rows.append(f'<node id={quoteattr(node.id)} x="{node.x_m:.2f}" y="{node.y_m:.2f}" type="{kind}"{radius}/>')
    return "<nodes>\n" + "\n".join(rows) + "\n</nodes>\n"


def _connections_xml(plan: RoadPlan) -> str:
    """A crossing over every arm of every signal, and straight lanes where turn lanes open.

    netconvert's guess leaves some crossings out. It also splits a lane in two where a turn lane opens: long vehicles
    that stopped there were hit by those beside them. So cars change lanes to reach the turn lane.
    """
    rows = []
    for road in plan.roads:
        for a, b, lanes in ((road.a, road.b, road.lanes_ab), (road.b, road.a, road.lanes_ba)):
            split = plan.is_split(road, b)
            ends = f"from={quoteattr(f'{a}-{b}')} to={quoteattr(f'{a}-{b}.stop')}"
            for lane in range(lanes) if split else ():
                rows.append(f'<connection {ends} fromLane="{lane}" toLane="{lane}"/>')
            if plan.crossings and plan.degrees_at(b) >= 3:
                edges = quoteattr(f"{a}-{b}.stop {b}-{a}" if split else f"{a}-{b} {b}-{a}")
                rows.append(f'<crossing node={quoteattr(b)} edges={edges} priority="true"/>')
    return "<connections>\n" + "\n".join(rows) + "\n</connections>\n"


def _edges_xml(plan: RoadPlan) -> tuple[str, list[Node]]:
    """Edges of a plan, and the nodes where turn lanes open."""
    rows: list[str] = []
    splits: list[Node] = []
    for road in plan.roads:
        for a, b, lanes in ((road.a, road.b, road.lanes_ab), (road.b, road.a, road.lanes_ba)):
            _direction_xml(plan, road, (a, b, lanes), rows, splits)
    return "<edges>\n" + "\n".join(rows) + "\n</edges>\n", splits


def _direction_xml(plan: RoadPlan, road: Road, way: tuple[str, str, int], rows: list[str], splits: list[Node]) -> None:
    """One direction of a road, cut in two where a turn lane opens.

    A turn lane takes half its width from each side of the middle line, so both directions keep clear of it.
    """
    a, b, lanes = way
    start, end = plan.nodes[a], plan.nodes[b]
    length = plan.length_m(road)
    pocket = plan.pocket(b)
    along = ((end.x_m - start.x_m) / length, (end.y_m - start.y_m) / length)
    half = plan.lane_m / 2
    right = half * max(plan.pocket(node) if plan.is_split(road, node) else 0 for node in (a, b))
    if not plan.is_split(road, b):
        rows.append(_edge_xml(f"{a}-{b}", a, b, lanes + pocket, road.speed_m_s, _shifted(start, end, along, -right)))
        return
    share = 1.0 - (plan.turn_lane_m + _JUNCTION_M) / length
    middle = Node(
        f"{a}-{b}.split", start.x_m + share * (end.x_m - start.x_m), start.y_m + share * (end.y_m - start.y_m)
    )
    splits.append(middle)
    rows.append(_edge_xml(f"{a}-{b}", a, middle.id, lanes, road.speed_m_s, _shifted(start, middle, along, -right)))
    rows.append(
        _edge_xml(
            f"{a}-{b}.stop", middle.id, b, lanes + pocket, road.speed_m_s, _shifted(middle, end, along, half * pocket)
        )
    )


def _shifted(start: Node, end: Node, along: tuple[float, float], left_m: float) -> str:
    dx, dy = -along[1] * left_m, along[0] * left_m
    return f"{start.x_m + dx:.2f},{start.y_m + dy:.2f} {end.x_m + dx:.2f},{end.y_m + dy:.2f}"


def _edge_xml(name: str, a: str, b: str, lanes: int, speed: float, shape: str = "") -> str:
    text = (
        f'<edge id={quoteattr(name)} from={quoteattr(a)} to={quoteattr(b)} numLanes="{lanes}" '
        f'speed="{speed:.2f}" priority="2"'
    )
    return text + (f' shape="{shape}"/>' if shape else "/>")
