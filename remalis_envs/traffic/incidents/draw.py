"""Drawing an episode's incidents."""

from __future__ import annotations

import numpy as np

from .model import KINDS, Incident, IncidentKind, IncidentProfile
from .places import Places

_TRIES = 20


def draw_incidents(
    profile: IncidentProfile, places: Places, rng: np.random.Generator, begin_s: float, end_s: float
) -> tuple[Incident, ...]:
    """Draw what happens in an episode, by time of beginning.

    Two roads are closed at a time only where neither is on the detours of the other, so that every trip keeps a way;
    no two incidents of one road overlap in time, the weather apart.

    Args:
        profile: How often what happens.
        places: Where it can happen.
        rng: The episode's generator; the same state gives the same incidents.
        begin_s: Start of the episode.
        end_s: End of the episode.
    """
    drawn: list[Incident] = []
    for kind in KINDS:
        # One whole number or the next: an episode of an hour brings what the profile says, give or take one.
        count = int(profile.rate_per_h(kind) * (end_s - begin_s) / 3600.0 + rng.random())
        for _ in range(count):
            for _ in range(_TRIES):
                incident = _draw_one(profile, places, rng, kind, begin_s, end_s)
                if incident is None or _fits(incident, drawn, places):
                    break
            else:
                incident = None
            if incident is not None:
                drawn.append(incident)
    return tuple(sorted(drawn, key=lambda incident: (incident.begin_s, KINDS.index(incident.kind))))


def _draw_one(
    profile: IncidentProfile,
    places: Places,
    rng: np.random.Generator,
    kind: IncidentKind,
    begin_s: float,
    end_s: float,
) -> Incident | None:
    """One incident of a kind; None where the network has no place, or the episode no time, for it."""
    duration_s = float(rng.uniform(*profile.duration_s(kind)))
    first = begin_s + profile.quiet_s
    if first >= end_s:
        return None
    start = float(np.floor(rng.uniform(first, max(first + 1.0, end_s - duration_s / 2.0))))
    stop = float(np.floor(start + duration_s))
    if kind == "rain":
        return Incident(kind, start, stop, places.edges, magnitude=float(rng.uniform(*profile.rain_friction)))
    if kind == "ice":
        where = places.middles
        near = np.hypot(*(where - where[rng.integers(len(where))]).T) <= profile.ice_radius_m
        edges = tuple(edge for edge, inside in zip(places.edges, near.tolist(), strict=True) if inside)
        return Incident(kind, start, stop, edges, magnitude=float(rng.uniform(*profile.ice_friction)))
    if kind == "closure":
        if not places.roads:
            return None
        return Incident(kind, start, stop, places.roads[int(rng.integers(len(places.roads)))].edges)
    lanes = places.crash_lanes if kind == "crash" else places.work_lanes
    if not lanes:
        return None
    place = lanes[int(rng.integers(len(lanes)))]
    speed_m_s = profile.work_zone_speed_m_s if kind == "work_zone" else 0.0
    return Incident(kind, start, stop, (place.edge,), place.lane, place.position_m, speed_m_s)


def _fits(incident: Incident, drawn: list[Incident], places: Places) -> bool:
    if incident.kind in ("rain", "ice"):
        # Friction is one number per road: of two kinds of weather the later would undo the earlier.
        others = [other for other in drawn if other.kind in ("rain", "ice")]
        return not any(_overlap(incident, other) for other in others)
    detours = {road.edges: frozenset(road.detour) for road in places.roads}
    for other in drawn:
        if other.kind in ("rain", "ice") or not _overlap(incident, other):
            continue
        if set(incident.edges) & set(other.edges):
            return False
        for one, two in ((incident, other), (other, incident)):
            blocked = two.kind == "closure" or two.kind == "work_zone"
            if one.kind == "closure" and blocked and detours[one.edges].intersection(two.edges):
                return False
    return True


def _overlap(one: Incident, two: Incident, margin_s: float = 60.0) -> bool:
    return one.begin_s < two.end_s + margin_s and two.begin_s < one.end_s + margin_s
