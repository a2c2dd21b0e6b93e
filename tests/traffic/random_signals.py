"""Drive random phases through a level's map on bare libsumo and print what SUMO's safety counters say, as JSON.

A process of its own, because libsumo holds one simulation a process.
Usage: random_signals.py LEVEL NETWORK_SEED SECONDS VEHICLES_PER_S phases|all_green
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from remalis_envs.traffic.demand import PROFILES, VEHICLE_TYPES, DemandProfile, types_file
from remalis_envs.traffic.demand.vehicle_types import PERSON_TYPE, SPEED_FACTOR_MEAN
from remalis_envs.traffic.network import PHASE_COUNTS, RoadNetwork, Transitions, level_network, read_network
from remalis_envs.traffic.sumo import sumo_home

OPTIONS = ("--no-step-log", "--no-warnings", "--collision.check-junctions", "--collision.action", "warn")
# Without it, drivers who waited for long force their way, which is not what is looked at here.
PATIENT = ("--time-to-impatience", "-1")


class RandomSignals:
    """Every signal chooses a phase at random and reaches it by our transitions."""

    def __init__(self, libsumo: Any, network: RoadNetwork, rng: random.Random) -> None:
        self.lights, self.rng = libsumo.trafficlight, rng
        self.signals = [(one, Transitions(one)) for one in network.intersections]
        self.phase = [0] * len(self.signals)
        self.free_at = [0.0] * len(self.signals)
        self.planned: list[list[tuple[float, str]]] = [[(0.0, one.phases[0].state)] for one, _ in self.signals]

    def step(self, now: float) -> None:
        for i, (one, transitions) in enumerate(self.signals):
            if now >= self.free_at[i]:
                chosen = self.rng.randrange(len(one.phases))
                way = transitions.between(self.phase[i], chosen)
                self.planned[i] += [(now + offset, state) for offset, state in way.states]
                self.planned[i].append((now + way.duration_s, one.phases[chosen].state))
                self.phase[i] = chosen
                self.free_at[i] = now + way.duration_s + self.rng.randrange(5, 20)
            while self.planned[i] and self.planned[i][0][0] <= now:
                self.lights.setRedYellowGreenState(one.id, self.planned[i].pop(0)[1])


def main(level: str, seed: int, seconds: int, vehicles_per_s: float, mode: str) -> dict[str, float]:
    sumo_home()
    import libsumo

    net_file = level_network(level, seed)
    network = read_network(net_file, count=PHASE_COUNTS[level])
    rng = random.Random(seed)
    files = ["--net-file", str(net_file), "--additional-files", str(types_file())]
    libsumo.start(["sumo", *files, "--seed", "1", *OPTIONS, *PATIENT])
    routes = _routes(libsumo, network, rng)
    pavements = [e for e in libsumo.edge.getIDList() if not e.startswith(":")] if level in ("medium", "hell") else []
    signals = RandomSignals(libsumo, network, rng)
    for one in network.intersections if mode == "all_green" else ():
        libsumo.trafficlight.setRedYellowGreenState(one.id, "G" * len(one.phases[0].state))
    vehicles = walkers = 0
    for now in range(seconds):
        while rng.random() < vehicles_per_s / (1 + vehicles_per_s):
            _add_vehicle(libsumo, f"v{vehicles}", rng.choice(routes), PROFILES[level], rng)
            vehicles += 1
        if pavements and now % 4 == 0:
            walkers += _add_walker(libsumo, f"p{walkers}", pavements, rng)
        if mode == "phases":
            signals.step(now)
        libsumo.simulationStep()
    counters = ("safety.collisions", "safety.emergencyBraking", "safety.emergencyStops", "teleports.total")
    report = {name: float(libsumo.simulation.getParameter("", f"stats.{name}")) for name in counters}
    report |= {"vehicles": vehicles, "walkers": walkers, "running": len(libsumo.vehicle.getIDList())}
    libsumo.close()
    return report


def _routes(libsumo: Any, network: RoadNetwork, rng: random.Random) -> list[str]:
    routes: list[str] = []
    while len(routes) < 150:
        found = libsumo.simulation.findRoute(rng.choice(network.entries), rng.choice(network.exits))
        if len(found.edges) > 2:
            routes.append(f"r{len(routes)}")
            libsumo.route.add(routes[-1], found.edges)
    return routes


def _add_vehicle(libsumo: Any, name: str, route: str, profile: DemandProfile, rng: random.Random) -> None:
    """A vehicle of the level's types, in the level's shares."""
    long_or_fast = (profile.bus_share, profile.lorry_share, profile.emergency_share)
    kind = rng.choices(range(len(VEHICLE_TYPES)), (1.0 - sum(long_or_fast), *long_or_fast))[0]
    libsumo.vehicle.add(name, route, VEHICLE_TYPES[kind]["id"], departLane="best", departSpeed="max")
    noise = min(max(rng.gauss(0.0, 1.0), -2.0), 2.0) * profile.speed_factor_dev
    libsumo.vehicle.setSpeedFactor(name, SPEED_FACTOR_MEAN[kind] * (1.0 + noise))


def _add_walker(libsumo: Any, name: str, pavements: list[str], rng: random.Random) -> int:
    origin, target = rng.choice(pavements), rng.choice(pavements)
    stages = libsumo.simulation.findIntermodalRoute(origin, target)
    if origin == target or len(stages) != 1:
        return 0
    libsumo.person.add(name, origin, 0.0, typeID=PERSON_TYPE["id"])
    libsumo.person.appendStage(name, stages[0])
    return 1


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(json.dumps(main(arguments[0], int(arguments[1]), int(arguments[2]), float(arguments[3]), arguments[4])))
