"""What a picture shows: the traffic of one moment as arrays, taken from a running world and sent to the renderer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.demand.vehicle_types import BUS, CAR, EMERGENCY, LORRY
from remalis_envs.traffic.engine.readings import HALTING_M_S

if TYPE_CHECKING:
    from remalis_envs.traffic.core import TrafficCore

FloatArray = npt.NDArray[np.float64]

_TYPE_OF_CLASS = {
    "bus": BUS,
    "coach": BUS,
    "tram": BUS,
    "truck": LORRY,
    "trailer": LORRY,
    "delivery": LORRY,
    "emergency": EMERGENCY,
    "authority": EMERGENCY,
}
_NOWHERE_M = 1e8
"""SUMO gives such coordinates to vehicles that are being teleported."""
_JUMP_M = 60.0
"""Nobody drives farther within a second: a vehicle that has is shown where it was."""


@dataclass(frozen=True)
class SceneIncident:
    """An incident as it is drawn."""

    kind: str
    edges: tuple[str, ...]
    lane: int = -1
    position_m: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One moment of the traffic; V vehicles, P people. Plain data, so that a worker can send it."""

    time_s: float
    ids: tuple[str, ...] = ()
    x_m: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Of the middle of the front bumper, ``(V,)``."""
    y_m: FloatArray = field(default_factory=lambda: np.zeros(0))
    heading_deg: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Clockwise from north, ``(V,)``."""
    speed_share: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Speed over the road's limit, 0 to 1, ``(V,)``."""
    halting: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """Slower than 0.1 m/s, ``(V,)``."""
    vehicle_type: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """``CAR``, ``BUS``, ``LORRY`` or ``EMERGENCY`` of the demand's vehicle types, ``(V,)``."""
    length_m: FloatArray = field(default_factory=lambda: np.zeros(0))
    people_m: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))
    """Where people on foot are, ``(P, 2)``."""
    signals: tuple[str, ...] = ()
    """State string of each intersection's signal, in the order of the agents."""
    incidents: tuple[SceneIncident, ...] = ()
    totals: Mapping[str, float] = field(default_factory=dict)
    """The episode's figures at the latest decision, as ``metrics()`` names them."""


def take_scene(core: TrafficCore, time_s: float, totals: Mapping[str, float]) -> Scene:
    """The world of ``core`` as it is at ``time_s``."""
    simulation, index = core.simulation, core.index
    read = simulation.read()
    ids = read.ids
    places = np.array(simulation.each("getPosition", ids), dtype=np.float64).reshape(-1, 2)
    seen = np.flatnonzero((np.abs(places) < _NOWHERE_M).all(axis=1)) if len(ids) else np.zeros(0, np.int64)
    limit = np.maximum(index.code_speed_m_s[read.code], 0.1)
    classes = simulation.each("getVehicleClass", ids)
    return Scene(
        time_s,
        tuple(ids[k] for k in seen),
        places[seen, 0],
        places[seen, 1],
        np.array(simulation.each("getAngle", ids), dtype=np.float64)[seen],
        np.clip(read.speed_m_s / limit, 0.0, 1.0)[seen],
        (read.speed_m_s < HALTING_M_S)[seen],
        np.array([_TYPE_OF_CLASS.get(name, CAR) for name in classes], dtype=np.int64)[seen],
        np.array(simulation.each("getLength", ids), dtype=np.float64)[seen],
        _people(simulation.sumo),
        tuple(simulation.sumo.trafficlight.getRedYellowGreenState(one.id) for one in index.network.intersections),
        tuple(
            SceneIncident(one.kind, tuple(one.edges), one.lane, one.position_m)
            for one in getattr(core.disruptions, "active", ())
        ),
        dict(totals),
    )


def _people(sumo: Any) -> FloatArray:
    people = sumo.person
    names = [name for name in people.getIDList() if not people.getVehicle(name)]
    places = np.array([people.getPosition(name) for name in names], dtype=np.float64).reshape(-1, 2)
    return places[(np.abs(places) < _NOWHERE_M).all(axis=1)]


def blend(before: Scene, after: Scene, share: float) -> Scene:
    """A moment between two scenes, for smooth films: ``share`` of the way from ``before`` to ``after``.

    Vehicles that are in both are moved along; signals, figures and incidents are those of ``before``.
    """
    place = {name: k for k, name in enumerate(after.ids)}
    pairs = [(k, place[name]) for k, name in enumerate(before.ids) if name in place]
    old, new = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    shift = np.stack([after.x_m[new] - before.x_m[old], after.y_m[new] - before.y_m[old]])
    shift[:, np.hypot(*shift) > _JUMP_M] = 0.0
    turn = (after.heading_deg[new] - before.heading_deg[old] + 180.0) % 360.0 - 180.0
    people = before.people_m
    if people.shape == after.people_m.shape:
        walked = after.people_m - people
        walked[np.hypot(walked[:, 0], walked[:, 1]) > 5.0] = 0.0  # somebody else has taken this row
        people = people + share * walked
    return replace(
        before,
        time_s=before.time_s + share * (after.time_s - before.time_s),
        ids=tuple(before.ids[k] for k in old),
        x_m=before.x_m[old] + share * shift[0],
        y_m=before.y_m[old] + share * shift[1],
        heading_deg=before.heading_deg[old] + share * turn,
        speed_share=before.speed_share[old] + share * (after.speed_share[new] - before.speed_share[old]),
        halting=before.halting[old],
        vehicle_type=before.vehicle_type[old],
        length_m=before.length_m[old],
        people_m=people,
    )
