"""Plans of grids, regular and bent out of shape."""

from __future__ import annotations

import random

from .plan import WIDE_CORNER_M, WIDE_M, Node, Road, RoadPlan, component, varied


def grid_plan(rows: int, cols: int, length_m: float, attach_m: float, lanes: int, speed_m_s: float) -> RoadPlan:
    """Nodes ``A0, A1, ...`` (column letter, row number from the south), and ``north0`` and so on outside."""
    plan = RoadPlan()
    names = [[f"{_letters(c)}{r}" for c in range(cols)] for r in range(rows)]
    for r in range(rows):
        for c in range(cols):
            plan.add_node(names[r][c], c * length_m, r * length_m)
    pairs = [(names[r][c], names[r][c + 1]) for r in range(rows) for c in range(cols - 1)]
    pairs += [(names[r][c], names[r + 1][c]) for r in range(rows - 1) for c in range(cols)]
    width, height = (cols - 1) * length_m, (rows - 1) * length_m
    for r in range(rows):
        plan.add_node(f"west{r}", -attach_m, r * length_m)
        plan.add_node(f"east{r}", width + attach_m, r * length_m)
        pairs += [(f"west{r}", names[r][0]), (f"east{r}", names[r][-1])]
    for c in range(cols):
        plan.add_node(f"south{c}", c * length_m, -attach_m)
        plan.add_node(f"north{c}", c * length_m, height + attach_m)
        pairs += [(f"south{c}", names[0][c]), (f"north{c}", names[-1][c])]
    plan.roads = [Road(a, b, lanes, lanes, speed_m_s) for a, b in pairs]
    return plan


def bent_grid(plan: RoadPlan, rng: random.Random, *, shift_m: float, missing: float) -> RoadPlan:
    """Shift the nodes of a grid, vary lanes and speeds, and take some roads away.

    Every intersection keeps three arms and the map stays in one piece.

    Args:
        plan: The regular grid; its outer roads stay.
        rng: Source of every draw.
        shift_m: Largest shift of a node along each axis.
        missing: Share of the inner roads to take away.
    """
    outer = {node for node, degree in plan.degrees().items() if degree == 1}
    bent = RoadPlan(turn_lanes=plan.turn_lanes, turn_lane_m=plan.turn_lane_m, lane_m=WIDE_M, corner_m=WIDE_CORNER_M)
    for node in plan.nodes.values():
        dx, dy = rng.uniform(-shift_m, shift_m), rng.uniform(-shift_m, shift_m)
        bent.nodes[node.id] = node if node.id in outer else Node(node.id, node.x_m + dx, node.y_m + dy)
    roads = [varied(road, rng) for road in plan.roads]
    inner = [road for road in roads if road.a not in outer and road.b not in outer]
    rng.shuffle(inner)
    degrees = plan.degrees()
    to_drop = round(missing * len(inner))
    for road in inner:
        if to_drop and min(degrees[road.a], degrees[road.b]) > 3:
            rest = [r for r in roads if r is not road]
            if len(component(rest, next(iter(plan.nodes)))) == len(plan.nodes):
                roads, to_drop = rest, to_drop - 1
                degrees[road.a] -= 1
                degrees[road.b] -= 1
    bent.roads = roads
    return bent


def _letters(index: int) -> str:
    """Spreadsheet letters of a column: A to Z, AA, AB, ..."""
    text = ""
    while True:
        text = chr(ord("A") + index % 26) + text
        index = index // 26 - 1
        if index < 0:
            return text
