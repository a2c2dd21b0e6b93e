"""Where an episode's vehicles come from: trips drawn at reset, or the scenario's own route files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.demand import Trips, add_route, add_vehicle, draw_trips, load_routes, vehicle_id
from remalis_envs.traffic.demand.vehicle_types import EMERGENCY
from remalis_envs.traffic.engine.simulation import Simulation
from remalis_envs.traffic.metrics import EpisodeRecord, Trip

if TYPE_CHECKING:
    from remalis_envs.traffic.scenarios import Scenario

_NOBODY = np.zeros(0, np.int64)


class TripSource:
    """Vehicles that SUMO reads from route files by itself; the record learns of them as they depart."""

    def __init__(self, simulation: Simulation, record: EpisodeRecord) -> None:
        self._simulation, self._record = simulation, record
        self._free_flow: dict[tuple[str, ...], float] = {}
        self._departed: set[str] = set()

    def insert(self, until_s: float) -> None:
        """Hand the simulation all vehicles that want to depart before ``until_s``."""

    def note_departures(self) -> None:
        """Tell the record of vehicles that are due by now."""
        sumo, trips = self._simulation.sumo, self._record.trips
        for name in self._simulation.each_id():
            if name not in self._departed:
                self._departed.add(name)
                due = sumo.vehicle.getDeparture(name) - max(sumo.vehicle.getDepartDelay(name), 0.0)
                emergency = sumo.vehicle.getVehicleClass(name) == "emergency"
                trips[name] = Trip(due, self._route_time_s(sumo.vehicle.getRoute(name)), emergency)
        now = sumo.simulation.getTime()
        for name in sumo.simulation.getPendingVehicles():
            trips.setdefault(name, Trip(now, 0.0))

    def _route_time_s(self, edges: tuple[str, ...]) -> float:
        if edges not in self._free_flow:
            index = self._simulation.index
            codes = [index.edge_code[edge] for edge in edges if edge in index.edge_code]
            self._free_flow[edges] = float((index.edge_length_m[codes] / index.edge_speed_m_s[codes]).sum())
        return self._free_flow[edges]

    def emergency_positions(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Positions in ``ids`` of emergency vehicles."""
        return _NOBODY


class DrawnTrips(TripSource):
    """Trips drawn at reset and added to the simulation as their time comes."""

    def __init__(self, simulation: Simulation, record: EpisodeRecord, routes: Any, trips: Trips) -> None:
        super().__init__(simulation, record)
        self.routes, self.trips = routes, trips
        self._next = 0
        self._known: set[int] = set()
        self._emergency = {
            vehicle_id(int(k), EMERGENCY) for k in np.flatnonzero(trips.vehicle_type == EMERGENCY).tolist()
        }

    def insert(self, until_s: float) -> None:
        window = self.trips.between(self._next, until_s)
        self._next = window.stop
        sumo, trips = self._simulation.sumo, self.trips
        for k in window:
            route = int(trips.route[k])
            if route not in self._known:
                self._known.add(route)
                add_route(sumo, self.routes, route)
            name = add_vehicle(sumo, self.routes, trips, k)
            free_flow = float(self.routes.free_flow_s[route]) / float(trips.speed_factor[k])
            self._record.trips[name] = Trip(float(trips.depart_s[k]), free_flow, name in self._emergency)

    def note_departures(self) -> None:
        """Nothing to do: ``insert`` knows every vehicle."""

    def emergency_positions(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        if not self._emergency:
            return _NOBODY
        return np.array([k for k, name in enumerate(ids) if name in self._emergency], dtype=np.int64)


def make_source(
    scenario: Scenario, simulation: Simulation, record: EpisodeRecord, rng: np.random.Generator, end_s: float
) -> TripSource:
    """The source of vehicles of an episode of ``scenario``."""
    if scenario.demand is None:
        return TripSource(simulation, record)
    network = scenario.network
    routes = load_routes(network.net_file, network.entries, network.exits)
    trips = draw_trips(scenario.demand, routes, rng, scenario.files.begin_s, end_s)
    return DrawnTrips(simulation, record, routes, trips)
