"""Incidents in the real SUMO: what they block, that everybody keeps a way, and that all is undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from remalis_envs.traffic.demand import PROFILES, RouteTable, add_vehicle, draw_trips, load_routes, types_file
from remalis_envs.traffic.demand.lanes import Search, read_lane_graph
from remalis_envs.traffic.incidents import (
    HELL_INCIDENTS,
    KINDS,
    NO_INCIDENTS,
    Incident,
    IncidentRuntime,
    Places,
    draw_incidents,
    load_places,
)
from remalis_envs.traffic.incidents.effects import edges_ahead, vehicle_lanes
from remalis_envs.traffic.network import RoadNetwork, grid, read_network
from remalis_envs.traffic.sumo import sumo_home


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    return read_network(str(grid(4, 4, lanes=3)))


@pytest.fixture(scope="module")
def routes(network: RoadNetwork) -> RouteTable:
    return load_routes(network.net_file, network.entries, network.exits)


@pytest.fixture(scope="module")
def places(network: RoadNetwork) -> Places:
    return load_places(network)


class Drive:
    """Traffic on the test network with some incidents, a decision of 5 s at a time."""

    def __init__(self, sumo: Any, network: RoadNetwork, routes: RouteTable, incidents: list[Incident]) -> None:
        self.sumo, self.routes, self.now = sumo, routes, 0.0
        profile = dataclasses.replace(PROFILES["easy"], rate_low_veh_s=1.0, rate_high_veh_s=1.0)
        self.trips = draw_trips(profile, routes, np.random.default_rng(3), 0.0, 900.0)
        self.added = 0
        self.runtime = IncidentRuntime(incidents, routes)
        sumo.start(
            [
                *("sumo", "--net-file", network.net_file, "--additional-files", str(types_file()), "--no-step-log"),
                *("--no-warnings", "--time-to-teleport", "-1", "--device.friction.probability", "1"),
            ]
        )

    def decide(self) -> None:
        """One decision: incidents, then new trips, then 5 s of traffic."""
        self.runtime.update(self.sumo, self.now)
        window = self.trips.between(self.added, self.now + 5.0)
        for index in window:
            route = self.runtime.route_name(self.sumo, int(self.trips.route[index]))
            add_vehicle(self.sumo, self.routes, self.trips, index, route)
        self.added, self.now = window.stop, self.now + 5.0
        self.sumo.simulationStep(self.now)

    def until(self, time_s: float) -> None:
        """Drive on to a time."""
        while self.now < time_s:
            self.decide()

    def stat(self, name: str) -> int:
        """One of SUMO's counters."""
        return int(self.sumo.simulation.getParameter("", f"stats.{name}"))

    def roads(self, places: Places) -> dict[str, Any]:
        """Everything that incidents may change."""
        lanes = [lane for edge in places.edges for lane in vehicle_lanes(self.sumo, edge)]
        return {
            lane: (
                self.sumo.lane.getDisallowed(lane),
                self.sumo.lane.getMaxSpeed(lane),
                self.sumo.lane.getFriction(lane),
            )
            for lane in lanes
        }


@pytest.fixture
def sumo() -> Iterator[Any]:
    sumo_home()
    import libsumo

    yield libsumo
    libsumo.close()


def busy_road(places: Places, routes: RouteTable) -> tuple[str, ...]:
    """The closable road that most routes use."""
    return max(places.roads, key=lambda road: int(routes.using(set(road.edges)).sum())).edges


def test_a_closed_road_is_empty_and_everybody_arrives_by_another(
    sumo: Any, network: RoadNetwork, routes: RouteTable, places: Places
) -> None:
    road = busy_road(places, routes)
    drive = Drive(sumo, network, routes, [Incident("closure", 200.0, 600.0, road)])
    drive.until(200.0)
    before = drive.roads(places)
    assert any(road[0] in edges_ahead(sumo, vehicle) for vehicle in sumo.vehicle.getIDList())
    shut = 0
    while drive.now < 600.0:
        drive.decide()
        (state,) = drive.runtime.states
        if state.in_force:
            shut += 1
            assert drive.runtime.active[0].edges == road
            assert not any(sumo.edge.getLastStepVehicleNumber(edge) for edge in road)
            assert not any(set(road).intersection(edges_ahead(sumo, v)) for v in sumo.vehicle.getLoadedIDList())
    assert shut > 60, "the road should be empty within a minute and a half"
    drive.decide()
    assert drive.runtime.active == ()
    assert drive.roads(places) == before
    used = 0
    while drive.now < 1600.0:
        drive.decide()
        used += sum(sumo.edge.getLastStepVehicleNumber(edge) for edge in road)
    assert used > 0, "an open road should be used again"
    assert drive.stat("vehicles.inserted") == len(drive.trips)
    assert sumo.vehicle.getIDCount() == 0


def test_the_last_cars_at_a_closing_road_are_let_through_without_hard_braking(
    sumo: Any, network: RoadNetwork, routes: RouteTable, places: Places
) -> None:
    road = busy_road(places, routes)
    drive = Drive(
        sumo, network, routes, [Incident("closure", 120.0 + 60.0 * k, 150.0 + 60.0 * k, road) for k in range(8)]
    )
    drive.until(700.0)
    assert drive.stat("safety.emergencyBraking") == 0


def test_a_crash_stops_one_car_on_its_lane_until_it_is_over(
    sumo: Any, network: RoadNetwork, routes: RouteTable, places: Places
) -> None:
    # A lane that many use: a crash waits until a car comes that can still brake gently.
    lanes = [place for place in places.crash_lanes if place.lane == 0]
    place = max(lanes, key=lambda place: int(routes.using({place.edge}).sum()))
    incident = Incident("crash", 150.0, 600.0, (place.edge,), place.lane, place.position_m)
    drive = Drive(sumo, network, routes, [incident])
    standing = []
    while drive.now < 600.0:
        drive.decide()
        if drive.runtime.active:
            (state,) = drive.runtime.states
            assert sumo.vehicle.isStopped(state.vehicle)
            assert sumo.vehicle.getLaneID(state.vehicle) == f"{place.edge}_{place.lane}"
            assert sumo.vehicle.getLanePosition(state.vehicle) == pytest.approx(place.position_m, abs=1.0)
            standing.append(state.vehicle)
    assert standing
    drive.until(1600.0)
    assert drive.stat("safety.emergencyBraking") == 0
    assert drive.stat("vehicles.inserted") == len(drive.trips)
    assert sumo.vehicle.getIDCount() == 0, "the car of the crash drives on and nobody is stuck behind it"


@pytest.mark.parametrize("kind", ["work_zone", "rain", "ice"])
def test_work_zones_and_weather_slow_traffic_down_and_leave_no_trace(
    kind: Any, sumo: Any, network: RoadNetwork, routes: RouteTable, places: Places
) -> None:
    magnitude = 4.0 if kind == "work_zone" else 0.3
    place = places.work_lanes[0]
    edges, lane = ((place.edge,), place.lane) if kind == "work_zone" else (places.edges, -1)
    drive = Drive(sumo, network, routes, [Incident(kind, 200.0, 500.0, edges, lane, magnitude=magnitude)])
    drive.until(200.0)
    before, fast = drive.roads(places), []
    while drive.now < 500.0:
        drive.decide()
        (state,) = drive.runtime.states
        if state.in_force and drive.now > 260.0:
            on = [v for edge in edges for v in sumo.edge.getLastStepVehicleIDs(edge)]
            fast += [sumo.vehicle.getSpeed(vehicle) / sumo.vehicle.getSpeedFactor(vehicle) for vehicle in on]
            if kind == "work_zone":
                assert not [v for v in on if sumo.vehicle.getLaneIndex(v) == lane]
    assert drive.runtime.active
    # Not the greatest: a car that has just come in from the border still has the speed it came with.
    assert np.quantile(fast, 0.9) < (4.5 if kind == "work_zone" else 0.8 * 13.89)
    drive.until(560.0)
    assert drive.runtime.active == ()
    after = drive.roads(places)
    assert {lane: state[0] for lane, state in after.items()} == {lane: state[0] for lane, state in before.items()}
    for lane_id, state in after.items():
        assert state[1:] == pytest.approx(before[lane_id][1:])
    assert drive.stat("safety.emergencyBraking") == 0


def test_every_entry_reaches_every_exit_whatever_roads_are_closed_together(
    network: RoadNetwork, places: Places
) -> None:
    graph = read_lane_graph(network.net_file)
    search = Search(graph, [*network.entries, *network.exits])
    profile = dataclasses.replace(HELL_INCIDENTS, closures_per_h=12.0)
    together = set()
    for seed in range(6):
        drawn = draw_incidents(profile, places, np.random.default_rng(seed), 0.0, 3600.0)
        closures = [incident for incident in drawn if incident.kind == "closure"]
        for one in closures:
            closed = [c for c in closures if c.begin_s <= one.begin_s < c.end_s]
            together.add(frozenset(edge for incident in closed for edge in incident.edges))
    assert max(map(len, together)) > max(len(road.edges) for road in places.roads), "some should overlap in time"
    for closed_edges in together:
        for entry in network.entries:
            ways = search.ways(entry, graph[entry].lanes, without=closed_edges)
            missing = [exit_ for exit_ in network.exits if exit_ not in ways]
            assert all(graph[exit_].to_node == graph[entry].from_node for exit_ in missing)


def test_drawn_incidents_are_of_the_profile_repeatable_and_never_on_one_road_at_once(places: Places) -> None:
    for seed in range(10):
        one, same = (
            draw_incidents(HELL_INCIDENTS, places, np.random.default_rng(seed), 100.0, 3700.0) for _ in range(2)
        )
        assert one == same
        assert list(one) == sorted(one, key=lambda incident: (incident.begin_s, KINDS.index(incident.kind)))
        for incident in one:
            least, greatest = HELL_INCIDENTS.duration_s(incident.kind)
            assert least - 1.0 <= incident.end_s - incident.begin_s <= greatest + 1.0
            assert 220.0 <= incident.begin_s < 3700.0
        roads = [incident for incident in one if incident.kind not in ("rain", "ice")]
        for k, incident in enumerate(roads):
            for other in roads[k + 1 :]:
                apart = incident.end_s <= other.begin_s or other.end_s <= incident.begin_s
                assert apart or not set(incident.edges) & set(other.edges)
    assert draw_incidents(NO_INCIDENTS, places, np.random.default_rng(0), 0.0, 3600.0) == ()


def test_places_keep_away_from_the_border(network: RoadNetwork, places: Places) -> None:
    border = {*network.entries, *network.exits}
    assert places.roads
    assert places.work_lanes
    for edges in [*(road.edges for road in places.roads), *((place.edge,) for place in places.crash_lanes)]:
        assert border.isdisjoint(edges)
