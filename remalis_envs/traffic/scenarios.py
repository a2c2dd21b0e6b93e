"""Scenarios: what an environment simulates, from a level, a RESCO map or anyone's SUMO files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from remalis_envs.traffic.demand import DemandProfile
from remalis_envs.traffic.detectors import Detectors
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.engine.simulation import SimulationFiles
from remalis_envs.traffic.incidents.model import NO_INCIDENTS, IncidentProfile
from remalis_envs.traffic.network.model import RoadNetwork

FIDELITIES = ("micro", "meso")


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
    incidents: IncidentProfile = NO_INCIDENTS
    pedestrians: bool = False
    timing: SignalTiming = field(default_factory=SignalTiming)
    plain_seed: bool = False
    """Whether the seed of ``reset`` is SUMO's own, instead of one drawn from it and the split."""


def mesoscopic(scenario: Scenario) -> Scenario:
    """The same world in SUMO's mesoscopic model: queues on edges instead of cars on lanes, several times faster.

    It has no pedestrians, no incidents and no detectors with a range; signals, demand and figures are the same.
    """
    return replace(
        scenario,
        files=replace(scenario.files, meso=True),
        pedestrians=False,
        incidents=NO_INCIDENTS,
        detectors=Detectors(),
    )
