"""The course that every contender runs: a warm-up, then timed laps, with a fingerprint of the simulation after each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

ARRIVED, INSERTED, RUNNING = "device.tripinfo.count", "stats.vehicles.inserted", "stats.vehicles.running"


@dataclass(frozen=True)
class Course:
    """Lengths are in decisions."""

    warm_up: int
    laps: tuple[int, ...]
    """After how many timed decisions a reading is taken, ascending."""
    seed: int = 7

    @property
    def length(self) -> int:
        """Decisions altogether."""
        return self.warm_up + self.laps[-1]

    def as_dict(self) -> dict[str, Any]:
        """For a process of its own."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Course:
        """What :meth:`as_dict` made."""
        return cls(values["warm_up"], tuple(values["laps"]), values["seed"])

    def run(self, step: Callable[[int], Any], look: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
        """Call ``step`` with 0, 1, 2, ... and time it; ``look`` is called outside the time.

        Returns:
            For each lap ``decisions``, ``wall_s`` and ``cpu_s`` (of this process) since the warm-up, and what ``look``
            said.
        """
        for t in range(self.warm_up):
            step(t)
        done, wall, cpu, readings = 0, 0.0, 0.0, []
        for lap in self.laps:
            cpu_before, before = time.process_time(), time.perf_counter()
            for t in range(self.warm_up + done, self.warm_up + lap):
                step(t)
            wall += time.perf_counter() - before
            cpu += time.process_time() - cpu_before
            done = lap
            readings.append({"decisions": lap, "wall_s": wall, "cpu_s": cpu, **look()})
        return readings


def fingerprint(sumo: Any) -> dict[str, Any]:
    """Where every car of a running simulation is and how fast, as a hash; ``sumo`` is libsumo or traci."""
    vehicle = sumo.vehicle
    ids = sorted(vehicle.getIDList())
    rows = [(name, vehicle.getLaneID(name), vehicle.getLanePosition(name), vehicle.getSpeed(name)) for name in ids]
    ask = sumo.simulation.getParameter
    return {
        "time_s": sumo.simulation.getTime(),
        "cars": len(ids),
        "inserted": int(ask("", INSERTED)),
        "hash": hashlib.sha256(repr(rows).encode()).hexdigest()[:16],
    }


def trip_totals(sumo: Any) -> dict[str, Any]:
    """SUMO's own totals over arrived cars, where the tripinfo device is on."""
    ask = sumo.simulation.getParameter
    return {"arrived": int(ask("", ARRIVED)), "mean_time_loss_s": float(ask("", "device.tripinfo.timeLoss"))}
