"""Plans of irregular maps: random streets from netgenerate, with roads attached outside."""

from __future__ import annotations

import math
import random
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from remalis_envs.errors import RemalisError

from ..sumo import run_tool
from .model import MAX_ARMS
from .netfile import bearing_deg
from .plan import WIDE_CORNER_M, WIDE_M, Node, Road, RoadPlan, component, varied

_LEAST_ANGLE_DEG = 40.0


def random_plan(n: int, rng: random.Random, *, attach_m: float = 200.0) -> RoadPlan:
    """Random streets with about ``n`` signalised intersections of three to six arms, outer roads attached.

    Args:
        n: Intersections wanted; the plan has ``n`` to ``1.2 n``.
        rng: Source of every draw.
        attach_m: Length of the outer roads.

    Raises:
        RemalisError: No attempt came near ``n``.
    """
    iterations = 1.7 * n
    for _ in range(40):
        plan = _netgenerated(max(4, round(iterations)), rng)
        _attach_outside(plan, attach_m)
        count = len(plan.signals())
        if n <= count <= math.ceil(1.2 * n):
            plan.roads = [varied(road, rng) for road in plan.roads]
            return plan
        iterations *= min(1.5, max(0.7, 1.08 * n / max(count, 1)))
    raise RemalisError(f"No irregular network of about {n} intersections was found: try another seed or size.")


def _netgenerated(iterations: int, rng: random.Random) -> RoadPlan:
    """Streets of ``netgenerate --rand``: only where they run is taken, in one connected piece."""
    with tempfile.TemporaryDirectory(prefix="remalis-") as scratch:
        prefix = str(Path(scratch, "random"))
        shares = {1: 0, 2: 0, 3: 4, 4: 8, 5: 5, 6: 3}
        arguments = ["--rand", "--rand.iterations", str(iterations), "--rand.connectivity", "0.97"]
        arguments += ["--rand.min-distance", "200", "--rand.max-distance", "340"]
        arguments += ["--rand.min-angle", str(_LEAST_ANGLE_DEG), "--rand.num-tries", "60"]
        for degree, share in shares.items():
            arguments += [f"--rand.neighbor-dist{degree}", str(share)]
        arguments += ["--seed", str(rng.randrange(1, 2**31 - 1)), "--no-turnarounds"]
        run_tool("netgenerate", *arguments, "--plain-output-prefix", prefix, "--output-file", f"{prefix}.net.xml")
        nodes = ET.parse(f"{prefix}.nod.xml").getroot().iter("node")
        edges = [(e.attrib["from"], e.attrib["to"]) for e in ET.parse(f"{prefix}.edg.xml").getroot().iter("edge")]
        plan = RoadPlan(wait_inside=False, lane_m=WIDE_M, corner_m=WIDE_CORNER_M)
        for node in nodes:
            plan.add_node(f"J{node.attrib['id']}", float(node.attrib["x"]), float(node.attrib["y"]))
    pairs = dict.fromkeys(tuple(sorted((f"J{a}", f"J{b}"))) for a, b in edges if a != b)
    plan.roads = [Road(a, b) for a, b in pairs]
    pieces = [component(plan.roads, node) for node in plan.nodes]
    largest = max(pieces, key=len)
    plan.nodes = {name: node for name, node in plan.nodes.items() if name in largest}
    plan.roads = [road for road in plan.roads if road.a in largest]
    return plan


def _attach_outside(plan: RoadPlan, attach_m: float) -> None:
    """Lead a road out of every node on the border where there is room for it."""
    beside: dict[str, list[float]] = {name: [] for name in plan.nodes}
    for road in plan.roads:
        a, b = plan.nodes[road.a], plan.nodes[road.b]
        beside[road.a].append(bearing_deg((a.x_m, a.y_m), (b.x_m, b.y_m)))
        beside[road.b].append(bearing_deg((b.x_m, b.y_m), (a.x_m, a.y_m)))
    for name, bearings in beside.items():
        if not 2 <= len(bearings) < MAX_ARMS:
            continue
        ordered = sorted(bearings)
        gaps = [((ordered[(i + 1) % len(ordered)] - b) % 360.0 or 360.0, b) for i, b in enumerate(ordered)]
        gap, after = max(gaps)
        if gap < 150.0:
            continue
        node, angle = plan.nodes[name], math.radians(after + gap / 2)
        end = Node(f"{name}out", node.x_m + attach_m * math.sin(angle), node.y_m + attach_m * math.cos(angle))
        if _has_room(plan, node, end):
            plan.nodes[end.id] = end
            plan.roads.append(Road(name, end.id))


def _has_room(plan: RoadPlan, node: Node, end: Node, margin_m: float = 60.0) -> bool:
    """Whether a road from ``node`` to ``end`` comes near no other road or node."""
    for other in plan.nodes.values():
        if other.id != node.id and _distance_m(other, node, end) < margin_m:
            return False
    for road in plan.roads:
        a, b = plan.nodes[road.a], plan.nodes[road.b]
        if node.id in (road.a, road.b):
            continue
        if _distance_m(end, a, b) < margin_m or _intersect(node, end, a, b):
            return False
    return True


def _distance_m(p: Node, a: Node, b: Node) -> float:
    dx, dy = b.x_m - a.x_m, b.y_m - a.y_m
    t = max(0.0, min(1.0, ((p.x_m - a.x_m) * dx + (p.y_m - a.y_m) * dy) / (dx * dx + dy * dy)))
    return math.hypot(p.x_m - a.x_m - t * dx, p.y_m - a.y_m - t * dy)


def _intersect(a: Node, b: Node, c: Node, d: Node) -> bool:
    def side(p: Node, q: Node, r: Node) -> float:
        return (q.x_m - p.x_m) * (r.y_m - p.y_m) - (q.y_m - p.y_m) * (r.x_m - p.x_m)

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
