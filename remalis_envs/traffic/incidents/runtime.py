"""Incidents of an episode as they begin, last and end in a running SUMO."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from remalis_envs.traffic.demand.routes import RouteTable, add_route
from remalis_envs.traffic.demand.vehicle_types import CAR, VEHICLE_TYPES

from . import effects
from .effects import ActiveIncident
from .model import Incident


class IncidentRuntime:
    """Begins and ends incidents, and leads new trips around closed roads.

    Call :meth:`update` once per decision, after SUMO has stepped and before new trips are added, then
    :meth:`route_name` for each trip that is added. Plain data, so that a copy of the process is a copy of the state.
    """

    def __init__(self, incidents: Sequence[Incident], routes: RouteTable) -> None:
        """Prepare an episode's incidents.

        Args:
            incidents: By time of beginning, as drawn.
            routes: The network's routes.
        """
        self._waiting = list(incidents)
        self._routes = routes
        self._active: list[ActiveIncident] = []
        self._known: set[str] = set()
        self._detours: dict[tuple[int, tuple[str, ...]], str] = {}
        self._closed: tuple[str, ...] = ()
        self._affected: set[int] = set()

    @property
    def active(self) -> tuple[Incident, ...]:
        """Incidents that are on now, in the order in which they began; crashes only once a car stands."""
        return tuple(one.incident for one in self._active if one.incident.kind != "crash" or one.in_force)

    @property
    def states(self) -> tuple[ActiveIncident, ...]:
        """All incidents that have begun and not ended, with what was changed for them."""
        return tuple(self._active)

    def update(self, sumo: Any, now_s: float) -> bool:
        """Begin and end what is due.

        Args:
            sumo: The running libsumo (or traci) module.
            now_s: The simulation's time.

        Returns:
            Whether :attr:`active` has changed.
        """
        before = self.active
        for one in [one for one in self._active if one.incident.end_s <= now_s]:
            if self._end(sumo, one, now_s):
                self._active.remove(one)
        while self._waiting and self._waiting[0].begin_s <= now_s:
            incident = self._waiting.pop(0)
            if incident.end_s > now_s:
                self._begin(sumo, incident, now_s)
        for one in self._active:
            self._go_on(sumo, one, now_s)
        self._note_closed()
        return before != self.active

    def route_name(self, sumo: Any, route: int) -> str:
        """SUMO's name of the route that a new trip takes: the drawn one, or a detour around what is closed.

        The route is made known to SUMO where it is not yet.
        """
        return self._detour(sumo, route) if route in self._affected else self._plain(sumo, route)

    def _begin(self, sumo: Any, incident: Incident, now_s: float) -> None:
        one = ActiveIncident(incident, now_s)
        self._active.append(one)
        if incident.kind == "closure":
            effects.begin_closure(sumo, one)
        elif incident.kind == "work_zone":
            effects.begin_work(sumo, one)

    def _go_on(self, sumo: Any, one: ActiveIncident, now_s: float) -> None:
        if one.incident.kind == "closure":
            effects.go_on_closing(sumo, one)
        elif one.incident.kind == "crash":
            effects.go_on_crashing(sumo, one, now_s)
        elif now_s < one.incident.end_s and one.strength < 1.0:
            share = (now_s - one.since_s) / effects.RAMP_S
            effects.set_strength(sumo, one, min(1.0, share))

    def _end(self, sumo: Any, one: ActiveIncident, now_s: float) -> bool:
        """Undo an incident; false while the weather is still clearing."""
        if one.incident.kind == "closure":
            effects.end_closure(sumo, one)
        elif one.incident.kind == "crash":
            effects.end_crash(sumo, one)
        else:
            share = 1.0 - (now_s - one.incident.end_s) / effects.RAMP_S
            effects.open_lanes(sumo, one)
            effects.set_strength(sumo, one, max(0.0, min(share, one.strength)))
            return one.strength <= 0.0
        return True

    def _note_closed(self) -> None:
        closed = tuple(edge for one in self._active if one.incident.kind == "closure" for edge in one.incident.edges)
        if closed != self._closed:
            self._closed = closed
            hit = self._routes.using(set(closed)) if closed else None
            self._affected = set(hit.nonzero()[0].tolist()) if hit is not None else set()

    def _detour(self, sumo: Any, route: int) -> str:
        """Name of a route around what is closed now, for a trip whose drawn route is not free."""
        key = (route, self._closed)
        if key not in self._detours:
            edges = self._routes.edge_ids(route)
            found = sumo.simulation.findRoute(edges[0], edges[-1], VEHICLE_TYPES[CAR]["id"]).edges
            if found and not set(found).intersection(self._closed):
                name = f"{self._routes.id(route)}.d{len(self._detours)}"
                sumo.route.add(name, list(found))
            else:
                name = self._elsewhere(sumo, route)
            self._detours[key] = name
        return self._detours[key]

    def _elsewhere(self, sumo: Any, route: int) -> str:
        """Another route from the same entry, for who would turn round on a closed road and finds no other place."""
        routes = self._routes
        free = np.flatnonzero(routes.usable & (routes.origin == routes.origin[route]))
        choices = [int(other) for other in free if int(other) not in self._affected]
        return self._plain(sumo, choices[0] if choices else route)

    def _plain(self, sumo: Any, route: int) -> str:
        name = self._routes.id(route)
        if name not in self._known:
            self._known.add(name)
            add_route(sumo, self._routes, route)
        return name
