"""What each kind of incident does to a running SUMO, and how it is undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .model import Incident

RAMP_S = 30.0
"""Speeds and friction fall and rise over this time: at once, every driver would brake hard."""

CLOSED_COST_S = 1e6
"""Driving time that keeps routes off a closed road."""

PASS_M = 60.0
"""Who is nearer than this to the turn into a road when it is being closed still drives through."""

CRASH_DECEL_M_S2 = 2.5
CRASH_MARGIN_M = 10.0
CRASH_LEAST_S = 60.0


@dataclass
class ActiveIncident:
    """An incident that has begun, with what is needed to undo it."""

    incident: Incident
    since_s: float
    """When it took effect."""
    vehicle: str = ""
    """The vehicle that broke down, for a crash."""
    in_force: bool = False
    """False while the last vehicles are let out of a road that is being closed, or a crash waits for its vehicle."""
    strength: float = 0.0
    """How far speeds or friction have come down, 0 to 1."""
    passing: list[str] = field(default_factory=list)
    disallowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Permissions of lanes before they were closed."""
    speeds_m_s: dict[str, float] = field(default_factory=dict)
    """Speed limits of lanes before they were lowered."""


def vehicle_lanes(sumo: Any, edge: str) -> list[str]:
    """Lanes of an edge that cars may use, rightmost first."""
    lanes = [f"{edge}_{k}" for k in range(sumo.edge.getLaneNumber(edge))]
    return [lane for lane in lanes if "passenger" not in sumo.lane.getDisallowed(lane)]


def close_lanes(sumo: Any, active: ActiveIncident, lanes: Iterable[str]) -> None:
    """Take all permissions from lanes; vehicles on them drive on to their end."""
    for lane in lanes:
        active.disallowed[lane] = tuple(sumo.lane.getDisallowed(lane))
        sumo.lane.setDisallowed(lane, ["all"])


def open_lanes(sumo: Any, active: ActiveIncident) -> None:
    """Give lanes back the permissions they had."""
    for lane, disallowed in active.disallowed.items():
        sumo.lane.setDisallowed(lane, list(disallowed))
    active.disallowed.clear()


# ---------------------------------------------------------------------------------------------------- closures


def begin_closure(sumo: Any, active: ActiveIncident) -> None:
    """Lead everybody who can still turn off around a road, and remember who cannot."""
    closing = frozenset(active.incident.edges)
    for edge in active.incident.edges:
        sumo.edge.adaptTraveltime(edge, CLOSED_COST_S)
    for vehicle in sumo.vehicle.getLoadedIDList():
        if _divert(sumo, vehicle, closing):
            active.passing.append(vehicle)


def _divert(sumo: Any, vehicle: str, closing: frozenset[str]) -> bool:
    """Reroute a vehicle around edges; true where it will drive over them all the same."""
    ahead = edges_ahead(sumo, vehicle)
    if closing.isdisjoint(ahead):
        return False
    if ahead[0] in closing:
        return True
    if ahead[1] in closing and _too_late(sumo, vehicle):
        return True
    sumo.vehicle.rerouteTraveltime(vehicle, False)
    return not closing.isdisjoint(edges_ahead(sumo, vehicle))


def edges_ahead(sumo: Any, vehicle: str) -> Sequence[str]:
    """Edges of a vehicle's route from the one it is on; the whole route before it has departed."""
    route: Sequence[str] = sumo.vehicle.getRoute(vehicle)
    return route[max(sumo.vehicle.getRouteIndex(vehicle), 0) :]


def _too_late(sumo: Any, vehicle: str) -> bool:
    lane = sumo.vehicle.getLaneID(vehicle)
    if not lane:
        return False  # not departed yet
    if lane.startswith(":"):
        return True
    return bool(sumo.lane.getLength(lane) - sumo.vehicle.getLanePosition(vehicle) < PASS_M)


def go_on_closing(sumo: Any, active: ActiveIncident) -> None:
    """Close a road's lanes as soon as the last vehicle that could not turn off has left it."""
    if active.in_force:
        return
    closing = frozenset(active.incident.edges)
    known = set(sumo.vehicle.getLoadedIDList()) if active.passing else set()
    active.passing = [
        vehicle for vehicle in active.passing if vehicle in known and not closing.isdisjoint(edges_ahead(sumo, vehicle))
    ]
    if not active.passing and not any(sumo.edge.getLastStepVehicleNumber(edge) for edge in active.incident.edges):
        for edge in active.incident.edges:
            close_lanes(sumo, active, vehicle_lanes(sumo, edge))
        active.in_force = True


def end_closure(sumo: Any, active: ActiveIncident) -> None:
    """Open a road again."""
    open_lanes(sumo, active)
    for edge in active.incident.edges:
        lane = vehicle_lanes(sumo, edge)[0]
        sumo.edge.adaptTraveltime(edge, sumo.lane.getLength(lane) / max(sumo.lane.getMaxSpeed(lane), 0.1))


# ----------------------------------------------------------------------------------------------------- crashes


def go_on_crashing(sumo: Any, active: ActiveIncident, now_s: float) -> None:
    """Stop the car that is nearest before the place and can still brake gently; wait for one where there is none."""
    incident = active.incident
    if active.in_force or active.vehicle:
        if active.vehicle not in sumo.vehicle.getIDList():
            active.vehicle, active.in_force = "", False
        elif not active.in_force and sumo.vehicle.isStopped(active.vehicle):
            active.in_force, active.since_s = True, now_s
        return
    if now_s > incident.end_s - CRASH_LEAST_S:
        return
    edge = incident.edges[0]
    best: tuple[float, str] | None = None
    for vehicle in sumo.lane.getLastStepVehicleIDs(f"{edge}_{incident.lane}"):
        position_m, speed_m_s = sumo.vehicle.getLanePosition(vehicle), sumo.vehicle.getSpeed(vehicle)
        brake_m = speed_m_s**2 / (2.0 * CRASH_DECEL_M_S2) + CRASH_MARGIN_M
        is_car = sumo.vehicle.getVehicleClass(vehicle) == "passenger"
        if is_car and incident.position_m - position_m >= brake_m and (best is None or position_m > best[0]):
            best = (position_m, vehicle)
    if best is not None:
        active.vehicle = best[1]
        sumo.vehicle.setStop(active.vehicle, edge, incident.position_m, incident.lane, until=incident.end_s)


def end_crash(sumo: Any, active: ActiveIncident) -> None:
    """Let the stopped car drive on."""
    vehicle, active.vehicle = active.vehicle, ""
    if not vehicle or vehicle not in sumo.vehicle.getIDList():
        return
    if sumo.vehicle.isStopped(vehicle):
        sumo.vehicle.resume(vehicle)
    elif sumo.vehicle.getStops(vehicle, 1):
        incident = active.incident
        sumo.vehicle.setStop(vehicle, incident.edges[0], incident.position_m, incident.lane, duration=0.0)


# ------------------------------------------------------------------------------------ work zones, rain and ice


def begin_work(sumo: Any, active: ActiveIncident) -> None:
    """Remember the speed limits of a road that is being worked on."""
    for edge in active.incident.edges:
        for lane in vehicle_lanes(sumo, edge):
            active.speeds_m_s[lane] = sumo.lane.getMaxSpeed(lane)


def set_strength(sumo: Any, active: ActiveIncident, strength: float) -> None:
    """Bring speed limits (work zone) or friction (rain, ice) down by a share of what the incident asks for."""
    incident, active.strength = active.incident, strength
    if incident.kind == "work_zone":
        for lane, speed_m_s in active.speeds_m_s.items():
            lowest = min(incident.magnitude, speed_m_s)
            sumo.lane.setMaxSpeed(lane, speed_m_s + strength * (lowest - speed_m_s))
        if strength >= 1.0 and not active.in_force:
            close_lanes(sumo, active, [f"{edge}_{incident.lane}" for edge in incident.edges])
    else:
        for edge in incident.edges:
            sumo.edge.setFriction(edge, 1.0 + strength * (incident.magnitude - 1.0))
    active.in_force = strength >= 1.0
