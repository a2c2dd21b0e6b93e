"""The course that every contender runs: a warm-up, then timed turns, with a fingerprint after each of its laps."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

ARRIVED, INSERTED, RUNNING = "device.tripinfo.count", "stats.vehicles.inserted", "stats.vehicles.running"


class Gate(Protocol):
    """Lets a contender work only while no other does."""

    def ready(self) -> None:
        """Tell that the warm-up is over."""

    def wait(self) -> None:
        """Return once it is this contender's turn."""

    def done(self, turn: dict[str, Any]) -> None:
        """Tell that the turn is over; ``turn`` holds its ``decisions``, ``wall_s`` and ``cpu_s``."""


@dataclass(frozen=True)
class Course:
    """Lengths are in decisions."""

    warm_up: int
    laps: tuple[int, ...]
    """After how many timed decisions a reading is taken, ascending."""
    turn: int
    """Of a turn; the last one of a lap may be shorter."""
    seed: int = 7

    @property
    def length(self) -> int:
        """Decisions altogether."""
        return self.warm_up + self.laps[-1]

    @property
    def turns(self) -> list[int]:
        """Timed decisions, turn by turn."""
        laps = itertools.pairwise([0, *self.laps])
        return [min(self.turn, end - now) for begin, end in laps for now in range(begin, end, self.turn)]

    def as_dict(self) -> dict[str, Any]:
        """For a process of its own."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Course:
        """What :meth:`as_dict` made."""
        return cls(**{**values, "laps": tuple(values["laps"])})

    def run(
        self,
        step: Callable[[Any], Any],
        look: Callable[[], dict[str, Any]],
        gate: Gate,
        decide: Callable[[int], Any] = lambda t: t,
    ) -> dict[str, list[dict[str, Any]]]:
        """Call ``step`` with what ``decide`` says of 0, 1, 2, ... and time it; the rest is outside the time.

        Returns:
            ``turns``: of each its ``decisions``, ``wall_s`` and ``cpu_s`` (of this process). ``laps``: the same since
            the warm-up, and what ``look`` said.
        """
        for t in range(self.warm_up):
            step(decide(t))
        gate.ready()
        now, turns, readings = self.warm_up, [], []
        for count in self.turns:
            gate.wait()
            wall = cpu = 0.0
            for t in range(now, now + count):
                chosen = decide(t)
                cpu_before, before = time.process_time(), time.perf_counter()
                step(chosen)
                wall += time.perf_counter() - before
                cpu += time.process_time() - cpu_before
            now += count
            turns.append({"decisions": count, "wall_s": wall, "cpu_s": cpu})
            if now - self.warm_up in self.laps:
                so_far = {key: sum(one[key] for one in turns) for key in ("decisions", "wall_s", "cpu_s")}
                readings.append(so_far | look())
            gate.done(turns[-1])
        gate.wait()  # closing down is work too
        return {"laps": readings, "turns": turns}


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
