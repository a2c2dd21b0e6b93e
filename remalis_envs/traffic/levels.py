"""The four levels of difficulty, as data."""

from __future__ import annotations

from dataclasses import dataclass, field

from remalis_envs.errors import unknown
from remalis_envs.traffic.demand import PROFILES, types_file
from remalis_envs.traffic.detectors import Detectors
from remalis_envs.traffic.engine.signals import SignalTiming
from remalis_envs.traffic.engine.simulation import SimulationFiles
from remalis_envs.traffic.incidents import HELL_INCIDENTS, NO_INCIDENTS, IncidentProfile
from remalis_envs.traffic.network import read_network
from remalis_envs.traffic.scenarios import Scenario


@dataclass(frozen=True)
class Level:
    """A level: which network, how many phases, which demand (of the same name), what may go wrong."""

    name: str
    phase_count: tuple[int, int]
    """Least and most phases of every intersection."""
    pedestrians: bool = False
    incidents: IncidentProfile = NO_INCIDENTS
    detectors: Detectors = field(default_factory=Detectors)


LEVELS: dict[str, Level] = {
    level.name: level
    for level in (
        Level("easy", (2, 9)),
        Level("medium", (10, 15), pedestrians=True),
        Level("hard", (16, 32)),
        Level(
            "hell",
            (26, 32),
            pedestrians=True,
            incidents=HELL_INCIDENTS,
            detectors=Detectors(
                range_m=100.0, miss_rate=0.05, speed_noise_m_s=0.5, failure_rate_per_h=0.1, failure_s=300.0
            ),
        ),
    )
}


def level_scenario(name: str, network_seed: int, split: str, timing: SignalTiming, horizon_s: float) -> Scenario:
    """The scenario of a level; its network is built on first use and cached.

    Raises:
        UnknownNameError: no level has this name.
    """
    if not isinstance(name, str) or name not in LEVELS:
        raise unknown("level", name, LEVELS)
    level = LEVELS[name]
    from remalis_envs.traffic.network.generate import level_network

    net_file = level_network(name, network_seed, split)
    network = read_network(net_file, phases="generated", count=level.phase_count)
    # Drivers who lose patience take gaps that are none, which no signal could make safe.
    options = ["--time-to-teleport", "300", "--time-to-impatience", "-1"]
    if level.incidents.needs_friction:
        options += ["--device.friction.probability", "1"]
    files = SimulationFiles(str(net_file), additional_files=(str(types_file()),), options=tuple(options))
    return Scenario(
        name=name,
        network=network,
        files=files,
        horizon_s=horizon_s,
        demand=PROFILES[name],
        detectors=level.detectors,
        incidents=level.incidents,
        pedestrians=level.pedestrians,
        timing=timing,
    )
