"""Drawn trips: who departs when, on which route, in what vehicle, and how they are put into a running simulation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remalis_envs.errors import ScenarioError

from .profiles import DemandProfile, Rate, draw_rate
from .routes import RouteTable
from .vehicle_types import BUS, CAR, EMERGENCY, LORRY, SPEED_FACTOR_MEAN, VEHICLE_TYPES


@dataclass(frozen=True)
class Trips:
    """The vehicles of an episode, by time of departure; all arrays have shape (n,)."""

    depart_s: NDArray[np.float64]
    """Ascending, in the simulation's time."""
    route: NDArray[np.int32]
    """Index into the :class:`.routes.RouteTable`."""
    vehicle_type: NDArray[np.int8]
    """Index into :data:`.vehicle_types.VEHICLE_TYPES`."""
    speed_factor: NDArray[np.float32]
    """Chosen speed over the limit."""
    rate: Rate
    """The rate they were drawn from."""

    def __len__(self) -> int:
        return len(self.depart_s)

    def between(self, first: int, until_s: float) -> range:
        """Indices from ``first`` on of the trips that depart before ``until_s``."""
        return range(first, max(first, int(np.searchsorted(self.depart_s, until_s, side="left"))))


def vehicle_id(index: int, vehicle_type: int = CAR) -> str:
    """Name of a trip's vehicle: its type, which a reader of a film or a log wants to see, and its number."""
    return f"{VEHICLE_TYPES[vehicle_type]['id']}.{index}"


def draw_trips(
    profile: DemandProfile, routes: RouteTable, rng: np.random.Generator, begin_s: float, end_s: float
) -> Trips:
    """Draw an episode's trips: a Poisson process whose rate and origin-destination weights are drawn first.

    Args:
        profile: The level's demand.
        routes: The network's routes.
        rng: The episode's generator; the same state gives the same trips.
        begin_s: First moment of departure.
        end_s: End of departures.

    Raises:
        ScenarioError: If the network has no route from one entry to another exit.
    """
    if not routes.through.any():
        raise ScenarioError("The network has no route from an entry to the exit of another road: nobody could travel.")
    rate = draw_rate(profile, rng, begin_s, end_s)
    counts = rng.poisson(np.diff(rate.times_s) * rate.values_veh_s)
    piece = np.repeat(np.arange(len(counts)), counts)
    depart = rate.times_s[piece] + rng.random(len(piece)) * np.diff(rate.times_s)[piece]
    # Milliseconds, the resolution of SUMO's own clock: text and number then mean the same moment.
    depart = np.minimum(np.floor(np.sort(depart) * 1000.0) / 1000.0, end_s)
    route = _draw_routes(profile, routes, rng, depart, begin_s, end_s)
    kind = _draw_types(profile, rng, len(depart))
    noise = np.clip(rng.standard_normal(len(depart)), -2.0, 2.0) * profile.speed_factor_dev
    factor = np.asarray(SPEED_FACTOR_MEAN)[kind] * (1.0 + noise)
    return Trips(depart, route, kind, factor.astype(np.float32), rate)


def _draw_routes(
    profile: DemandProfile,
    routes: RouteTable,
    rng: np.random.Generator,
    depart_s: NDArray[np.float64],
    begin_s: float,
    end_s: float,
) -> NDArray[np.int32]:
    """Draw each trip's route from weights that are drawn anew every ``od_period_s``."""
    period_s = profile.od_period_s if profile.od_period_s > 0.0 else max(end_s - begin_s, 1.0)
    bounds = np.arange(begin_s + period_s, end_s, period_s)
    cuts = [0, *np.searchsorted(depart_s, bounds).tolist(), len(depart_s)]
    result = np.zeros(len(depart_s), np.int32)
    for first, last in pairwise(cuts):
        weights = _route_weights(profile, routes, rng)
        cumulative = np.cumsum(weights)
        picks = np.searchsorted(cumulative, rng.random(last - first) * cumulative[-1], side="right")
        result[first:last] = np.minimum(picks, len(weights) - 1)
    return result


def _route_weights(profile: DemandProfile, routes: RouteTable, rng: np.random.Generator) -> NDArray[np.float64]:
    """Weight of each route, shape (routes,): entry times exit times gravity, over the variants of a pair."""
    entry = np.exp(profile.od_spread * rng.standard_normal(len(routes.entries))) * routes.entry_capacity
    exit_ = np.exp(profile.od_spread * rng.standard_normal(len(routes.exits)))
    pull = exit_[routes.destination] / routes.variants
    if profile.trip_scale_s > 0.0:
        pull = pull * np.exp(-routes.free_flow_s / profile.trip_scale_s)
    pull = np.where(routes.through, pull, 0.0)
    # Each entry sends its own share, wherever gravity pulls: otherwise a spike would choke the central entries.
    total = np.bincount(routes.origin, pull, minlength=len(routes.entries))
    entry = np.where(total > 0.0, entry, 0.0)
    share: NDArray[np.float64] = entry / entry.sum() / np.where(total > 0.0, total, 1.0)
    weights: NDArray[np.float64] = share[routes.origin] * pull
    turning = routes.uturn & routes.usable
    if profile.uturn_share > 0.0 and turning.any():
        per_entry = np.bincount(routes.origin[turning], minlength=len(routes.entries))
        back = np.where(turning, entry[routes.origin] / np.maximum(per_entry[routes.origin], 1), 0.0)
        if back.sum() > 0.0:
            weights = (1.0 - profile.uturn_share) * weights + profile.uturn_share * back / back.sum()
    return weights


def _draw_types(profile: DemandProfile, rng: np.random.Generator, count: int) -> NDArray[np.int8]:
    draw = rng.random(count)
    kind = np.full(count, CAR, np.int8)
    bound = 0.0
    for index, share in ((EMERGENCY, profile.emergency_share), (BUS, profile.bus_share), (LORRY, profile.lorry_share)):
        kind[(draw >= bound) & (draw < bound + share)] = index
        bound += share
    return kind


def add_vehicle(sumo: Any, routes: RouteTable, trips: Trips, index: int, route_id: str | None = None) -> str:
    """Put one trip into the simulation; it departs at its time, or when the road has room.

    Args:
        sumo: The running libsumo (or traci) module.
        routes: The network's routes.
        trips: The episode's trips.
        index: Which trip.
        route_id: A route known to SUMO to take instead of the drawn one (a detour).

    Returns:
        The vehicle's id.
    """
    kind = int(trips.vehicle_type[index])
    name = vehicle_id(index, kind)
    sumo.vehicle.add(
        name,
        route_id if route_id is not None else routes.id(int(trips.route[index])),
        VEHICLE_TYPES[kind]["id"],
        depart=f"{trips.depart_s[index]:.3f}",
        departLane="best",
        departSpeed="max",
    )
    sumo.vehicle.setSpeedFactor(name, float(trips.speed_factor[index]))
    return name
