"""Scenarios: what an environment simulates, from a level, a RESCO map or anyone's SUMO files."""

from __future__ import annotations

from dataclasses import dataclass, field

from remalis_envs.traffic.demand import DemandProfile
from remalis_envs.traffic.detectors import Detectors
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.engine.simulation import SimulationFiles
from remalis_envs.traffic.network.model import RoadNetwork


@dataclass(frozen=True)
class Scenario:
    """All that shapes an episode's world and does not change with ``reset``."""

    name: str
    network: RoadNetwork
    files: SimulationFiles
    horizon_s: float = 3600.0
    demand: DemandProfile | None = None
    """What trips are drawn from; None where the scenario's own route files hold them."""
    detectors: Detectors = field(default_factory=Detectors)
    incidents: bool = False
    pedestrians: bool = False
    timing: SignalTiming = field(default_factory=SignalTiming)
