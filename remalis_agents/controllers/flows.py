"""Expected flows at intersections, as traffic counts on many days would give them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np

from remalis_envs.errors import RemalisError
from remalis_envs.traffic.demand import RouteTable, draw_trips, load_routes
from remalis_envs.traffic.network.model import Intersection, RoadNetwork
from remalis_envs.traffic.scenarios import Scenario

COUNTED_EPISODES = 20
"""Drawn episodes over which vehicles are counted: none of them is an episode that is played."""
_LOOK_AHEAD = 4
"""Edges within a junction of several nodes that may lie between the stop line and the exit."""

Counted = dict[tuple[int, int], float]
"""Vehicles per second by (index of the intersection, index of the movement)."""


def movement_flows(scenario: Scenario) -> Counted:
    """Mean flow of every vehicle movement, counted on drawn demand.

    Raises:
        RemalisError: the scenario reads its trips from files, so that there is nothing to draw.
    """
    if scenario.demand is None:
        raise RemalisError(
            f"Scenario {scenario.name!r} reads its trips from route files, which say nothing of flows at its signals: "
            "give the controller flows={(intersection, movement): vehicles per second}."
        )
    network, begin = scenario.network, scenario.files.begin_s
    routes = load_routes(network.net_file, network.entries, network.exits)
    used = np.zeros(len(routes))
    for episode in range(COUNTED_EPISODES):
        # A root of its own: episodes draw from spawned sequences, so none of them is counted here.
        rng = np.random.default_rng([0, episode, 0])
        trips = draw_trips(scenario.demand, routes, rng, begin, begin + scenario.horizon_s)
        used += np.bincount(trips.route, minlength=len(routes))
    return _by_movement(network, routes, used / (COUNTED_EPISODES * scenario.horizon_s))


def _by_movement(network: RoadNetwork, routes: RouteTable, flow: np.ndarray) -> Counted:
    into: dict[str, tuple[int, int]] = {}
    out_of: dict[tuple[int, str], int] = {}
    movement: dict[tuple[int, int, int], int] = {}
    for inter in network.intersections:
        for arm in inter.arms:
            if arm.in_edges:
                into[arm.in_edges[0]] = (inter.index, arm.index)
            if arm.out_edges:
                out_of[inter.index, arm.out_edges[0]] = arm.index
        for move in inter.movements:
            if move.kind != "crossing":
                movement[inter.index, move.from_arm, move.to_arm] = move.index
    flows: Counted = {(agent, move): 0.0 for (agent, _, _), move in movement.items()}
    for route in np.flatnonzero(flow).tolist():
        edges = routes.edge_ids(route)
        for place, edge in enumerate(edges):
            if edge not in into:
                continue
            agent, from_arm = into[edge]
            ahead = (out_of.get((agent, onward)) for onward in edges[place + 1 : place + 1 + _LOOK_AHEAD])
            to_arm = next((one for one in ahead if one is not None), None)
            if to_arm is not None and (agent, from_arm, to_arm) in movement:
                flows[agent, movement[agent, from_arm, to_arm]] += float(flow[route])
    return flows


def lane_flows(inter: Intersection, flows: Mapping[tuple[int, int], float]) -> dict[str, float]:
    """Flow on every stop-line lane, in vehicles per second.

    Drivers who have the choice take the emptier lane: movements with few lanes are put first, and each movement then
    fills its lanes up to one level.
    """
    lanes: dict[str, float] = {}
    vehicles = [move for move in inter.movements if move.kind != "crossing"]
    for move in sorted(vehicles, key=lambda move: (len(move.lanes), move.index)):
        for lane in move.lanes:
            lanes.setdefault(lane, 0.0)
        _fill(lanes, move.lanes, flows.get((inter.index, move.index), 0.0))
    return lanes


def _fill(level: dict[str, float], lanes: tuple[str, ...], amount: float) -> None:
    """Pour ``amount`` onto ``lanes``, the lowest first."""
    rest, low = deque(sorted(lanes, key=lambda lane: level[lane])), []
    while rest:
        low.append(rest.popleft())
        ceiling = level[rest[0]] if rest else float("inf")
        step = min(ceiling - level[low[0]], amount / len(low))
        for lane in low:
            level[lane] += step
        amount -= step * len(low)
        if amount <= 0.0:
            return
