"""Where an episode's vehicles come from: trips drawn at reset, or the scenario's own route files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.demand import RouteTable, Trips, add_vehicle, draw_trips, load_routes, vehicle_id
from remalis_envs.traffic.demand.persons import PersonTrips, WalkTable, add_person, draw_persons, load_walks
from remalis_envs.traffic.demand.vehicle_types import EMERGENCY
from remalis_envs.traffic.engine.simulation import Simulation
from remalis_envs.traffic.incidents import IncidentRuntime, Places, load_places
from remalis_envs.traffic.metrics import EpisodeRecord, Trip

if TYPE_CHECKING:
    from remalis_envs.traffic.scenarios import Scenario

_NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Tables:
    """What demand and incidents are drawn from, read once for a network."""

    routes: RouteTable
    walks: WalkTable | None
    places: Places | None

    @classmethod
    def of(cls, scenario: Scenario) -> Tables | None:
        """The tables of ``scenario``; None where it brings its own route files."""
        network = scenario.network
        if scenario.demand is None:
            return None
        return cls(
            load_routes(network.net_file, network.entries, network.exits),
            load_walks(network.net_file) if scenario.pedestrians else None,
            load_places(network) if scenario.incidents.any else None,
        )


class TripSource:
    """Vehicles that SUMO reads from route files by itself; the record learns of them as they depart."""

    def __init__(self, simulation: Simulation, record: EpisodeRecord) -> None:
        self._simulation, self._record = simulation, record
        simulation.departed = []

    def insert(self, until_s: float) -> None:
        """Hand the simulation all vehicles that want to depart before ``until_s``."""

    def note_departures(self) -> None:
        """Tell the record of vehicles that are due by now."""
        raw, trips, departed = self._simulation.raw, self._record.trips, self._simulation.departed
        legs = self._simulation.legs
        for name in departed or ():
            try:
                due = raw.vehicle_getDeparture(name) - max(raw.vehicle_getDepartDelay(name), 0.0)
            except self._simulation.sumo.TraCIException:  # it has arrived within the same decision
                trips.pop(name, None)
                continue
            emergency = raw.vehicle_getVehicleClass(name) == "emergency"
            # As SUMO reckons time loss: against this driver's own speed, junctions included.
            free_flow_s = legs.of_route(raw.vehicle_getRoute(name)) / raw.vehicle_getSpeedFactor(name)
            trips[name] = Trip(due, free_flow_s, emergency)
        self._simulation.departed = []
        for name in raw.simulation_getPendingVehicles():
            if name not in trips:  # the delay of one that has not departed counts from when it wanted to
                trips[name] = Trip(raw.simulation_getTime() - raw.vehicle_getDepartDelay(name), 0.0)

    def emergency_positions(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Positions in ``ids`` of emergency vehicles."""
        return _NOBODY


class DrawnTrips(TripSource):
    """Trips drawn at reset and added to the simulation as their time comes."""

    def __init__(
        self,
        simulation: Simulation,
        record: EpisodeRecord,
        tables: Tables,
        incidents: IncidentRuntime,
        trips: Trips,
        persons: PersonTrips | None,
    ) -> None:
        super().__init__(simulation, record)
        simulation.departed = None  # all trips are known here
        self.tables, self.trips, self.persons = tables, trips, persons
        record.drawn_due_s = trips.depart_s
        self._incidents = incidents
        self._next = self._next_person = 0
        self._emergency = {vehicle_id(k, EMERGENCY) for k in np.flatnonzero(trips.vehicle_type == EMERGENCY).tolist()}

    def insert(self, until_s: float) -> None:
        window = self.trips.between(self._next, until_s)
        self._next = window.stop
        sumo, trips, routes = self._simulation.sumo, self.trips, self.tables.routes
        for k in window:
            route = int(trips.route[k])
            name = add_vehicle(sumo, routes, trips, k, self._incidents.route_name(sumo, route))
            free_flow = float(routes.free_flow_s[route]) / float(trips.speed_factor[k])
            self._record.trips[name] = Trip(float(trips.depart_s[k]), free_flow, name in self._emergency)
        if self.persons is not None and self.tables.walks is not None:
            people = self.persons.between(self._next_person, until_s)
            self._next_person = people.stop
            for k in people:
                add_person(sumo, self.tables.walks, self.persons, k)

    def note_departures(self) -> None:
        """Nothing to do: ``insert`` knows every vehicle."""

    def emergency_positions(self, ids: Sequence[str]) -> npt.NDArray[np.int64]:
        if not self._emergency:
            return _NOBODY
        return np.array([k for k, name in enumerate(ids) if name in self._emergency], dtype=np.int64)


def make_source(
    scenario: Scenario,
    simulation: Simulation,
    record: EpisodeRecord,
    tables: Tables | None,
    incidents: IncidentRuntime | None,
    rng: np.random.Generator,
    end_s: float,
) -> TripSource:
    """The source of vehicles and pedestrians of an episode of ``scenario``."""
    if scenario.demand is None or tables is None or incidents is None:
        return TripSource(simulation, record)
    begin = scenario.files.begin_s
    trips = draw_trips(scenario.demand, tables.routes, rng, begin, end_s)
    persons = draw_persons(scenario.demand, tables.walks, rng, begin, end_s) if tables.walks is not None else None
    return DrawnTrips(simulation, record, tables, incidents, trips, persons)
