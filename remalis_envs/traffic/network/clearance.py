"""Yellow and clearance times that the geometry of an intersection asks for."""

from __future__ import annotations

import math

from .model import Movement
from .movements import Streams
from .netfile import NetFile

LEAST_YELLOW_S = 3.0
LEAST_ALL_RED_S = 2.0
REACTION_S = 1.0
COMFORTABLE_BRAKING_M_S2 = 4.5
FAST_DRIVER = 1.2
"""Share of the limit that the fastest ordinary drivers reach."""
VEHICLE_M = 5.0
START_UP_S = 1.5
"""Time that the next stream needs from its green until it reaches the conflict."""
TURN_START_UP_S = 2.0
"""The same where the next stream sees the turning car in front of it all the time."""
ACCELERATION_M_S2 = 2.6
WALKING_M_S = 1.2


def yellow_s(net: NetFile, streams: Streams) -> float:
    """Time to stop from the approach speed: reaction plus ``v / 2b``, in full seconds."""
    speeds = [net.lanes[lane].speed_m_s for m in streams.movements if m.kind != "crossing" for lane in m.lanes]
    fastest = max(speeds, default=0.0) * FAST_DRIVER
    return max(LEAST_YELLOW_S, float(math.ceil(REACTION_S + fastest / (2 * COMFORTABLE_BRAKING_M_S2) - 0.05)))


def all_red_s(net: NetFile, streams: Streams) -> float:
    """Time for the last vehicle to leave before the next stream arrives, in full seconds."""
    needed = LEAST_ALL_RED_S
    for movement, links in zip(streams.movements, streams.links, strict=True):
        if movement.kind == "crossing":
            continue
        for link in links:
            needed = max(needed, (net.way_m(link) + VEHICLE_M) / net.way_speed_m_s(link) - START_UP_S)
    return float(math.ceil(needed - 0.05))


def turn_s(net: NetFile, streams: Streams, width: int) -> tuple[float, ...]:
    """For each signal position, the red a turn needs that starts at the end of yellow from where it waited.

    A car that waits inside the junction for a gap gets it when the others stop, and then has the rest of its way
    before it, from a standstill: ``sqrt(2 way / a)``.
    """
    times = [0.0] * width
    for links in streams.links:
        for link in links:
            waiting = net.links_from.get(link.via, []) if link.via else []
            if waiting and waiting[0].via:
                way = net.way_m(link) - net.lanes[link.via].length_m + VEHICLE_M
                needed = math.sqrt(2 * way / ACCELERATION_M_S2) - TURN_START_UP_S
                times[link.signal_index] = max(times[link.signal_index], float(math.floor(needed)))
    return tuple(times)


def crossing_s(movement: Movement) -> float:
    """Time to walk over a crossing that was stepped on at the end of green; 0 for vehicles."""
    return float(math.ceil(movement.length_m / WALKING_M_S)) if movement.kind == "crossing" else 0.0
