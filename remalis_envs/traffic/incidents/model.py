"""Incidents: closures, crashes, work zones, rain and ice, and how often a level has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IncidentKind = Literal["closure", "crash", "work_zone", "rain", "ice"]

KINDS: tuple[IncidentKind, ...] = ("closure", "crash", "work_zone", "rain", "ice")
"""Every kind, in a fixed order (features and labels count on it)."""


@dataclass(frozen=True)
class Incident:
    """Something that changes the roads for a while; drawn before the episode starts, applied as it runs."""

    kind: IncidentKind
    begin_s: float
    end_s: float
    edges: tuple[str, ...]
    """Road edges that it is on."""
    lane: int = -1
    """Index of the lane that a crash or a work zone blocks; -1 where none is."""
    position_m: float = 0.0
    """Where on the lane a crash happens."""
    magnitude: float = 0.0
    """``rain``, ``ice``: the road's friction, 1 when dry; ``work_zone``: speed limit in m/s; else 0."""


@dataclass(frozen=True)
class IncidentProfile:
    """How many incidents of each kind an hour brings, and how long they last; plain data."""

    closures_per_h: float = 0.0
    crashes_per_h: float = 0.0
    work_zones_per_h: float = 0.0
    rains_per_h: float = 0.0
    ices_per_h: float = 0.0
    closure_s: tuple[float, float] = (600.0, 1200.0)
    crash_s: tuple[float, float] = (180.0, 480.0)
    work_zone_s: tuple[float, float] = (900.0, 1800.0)
    rain_s: tuple[float, float] = (600.0, 1500.0)
    ice_s: tuple[float, float] = (600.0, 1200.0)
    rain_friction: tuple[float, float] = (0.6, 0.8)
    ice_friction: tuple[float, float] = (0.25, 0.4)
    ice_radius_m: float = 400.0
    work_zone_speed_m_s: float = 30.0 / 3.6
    quiet_s: float = 120.0
    """No incident begins before this time of the episode."""

    @property
    def any(self) -> bool:
        """Whether anything can happen at all."""
        return any(self.rate_per_h(kind) > 0.0 for kind in KINDS)

    @property
    def needs_friction(self) -> bool:
        """Whether SUMO must run with ``--device.friction.probability 1``: without it, friction has no effect."""
        return self.rains_per_h > 0.0 or self.ices_per_h > 0.0

    def rate_per_h(self, kind: IncidentKind) -> float:
        """Expected number of incidents of a kind in an hour."""
        return {
            "closure": self.closures_per_h,
            "crash": self.crashes_per_h,
            "work_zone": self.work_zones_per_h,
            "rain": self.rains_per_h,
            "ice": self.ices_per_h,
        }[kind]

    def duration_s(self, kind: IncidentKind) -> tuple[float, float]:
        """Least and greatest duration of a kind."""
        return {
            "closure": self.closure_s,
            "crash": self.crash_s,
            "work_zone": self.work_zone_s,
            "rain": self.rain_s,
            "ice": self.ice_s,
        }[kind]


NO_INCIDENTS = IncidentProfile()
"""Levels easy to hard."""

HELL_INCIDENTS = IncidentProfile(
    closures_per_h=2.0, crashes_per_h=3.0, work_zones_per_h=2.0, rains_per_h=0.7, ices_per_h=0.7
)
"""Level hell."""
