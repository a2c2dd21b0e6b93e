"""Figures of an episode without survivorship bias: cars still driving and cars never let in count as well."""

from __future__ import annotations

import contextlib
import gzip
import math
import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Counts, Vehicles
from remalis_envs.traffic.engine.simulation import Simulation
from remalis_envs.traffic.outcomes import AlignmentRecord

FloatArray = npt.NDArray[np.float64]


@dataclass
class Trip:
    """What is remembered of one vehicle."""

    due_s: float
    """When it wanted to depart."""
    free_flow_s: float
    """Time its route takes at its own free speed."""
    emergency: bool = False


@dataclass
class EpisodeRecord:
    """Collects, decision by decision, what SUMO's own totals do not keep."""

    index: NetworkIndex
    trips: dict[str, Trip] = field(default_factory=dict)
    """Every vehicle that is due by now and has not arrived."""
    delays_s: list[float] = field(default_factory=list)
    """Of arrived vehicles, to the resolution of the simulation calls within a decision."""
    emergency_delays_s: list[float] = field(default_factory=list)
    decisions: int = 0
    queue_veh: float = 0.0
    speed_share: float = 0.0
    stops: float = 0.0
    co2_kg: float = math.nan
    fuel_l: float = math.nan
    """Both are nan where emissions are not measured."""
    masked_actions: int = 0
    last_departure: tuple[float, float] = (-math.inf, -math.inf)
    """When the latest car departed, and when it had wanted to; where route files say who drives."""
    drawn_due_s: FloatArray | None = None
    """When the drawn vehicles want to depart; None where route files say so."""

    def arrive(self, ids: Sequence[str], begun_s: float, now_s: float) -> None:
        """Note vehicles that arrived between ``begun_s`` and ``now_s``; the middle stands for the moment."""
        for name in ids:
            trip = self.trips.pop(name, None)
            if trip is None:
                continue
            delay = max(0.0, 0.5 * (begun_s + now_s) - trip.due_s - trip.free_flow_s)
            self.delays_s.append(delay)
            if trip.emergency:
                self.emergency_delays_s.append(delay)

    def observe(self, vehicles: Vehicles, counts: Counts, interval_s: float) -> None:
        """Add the state at a decision."""
        self.decisions += 1
        self.queue_veh += float(np.add.reduce(counts.arm_queue)) / self.index.n_agents
        self.speed_share += float(np.add.reduce(vehicles.speed_share)) / len(vehicles.ids) if vehicles.ids else 1.0
        # Only halting cars have waited at all.
        self.stops += float(np.count_nonzero(vehicles.wait_s[vehicles.halting] <= interval_s))


def gini(values: npt.NDArray[np.float64]) -> float:
    """Gini coefficient of non-negative ``values``: 0 when all are equal, towards 1 when one has it all."""
    if not len(values) or values.sum() <= 0:
        return 0.0
    ordered = np.sort(values)
    ranks = np.arange(1, len(ordered) + 1)
    return float((2.0 * ranks - len(ordered) - 1.0) @ ordered / (len(ordered) * ordered.sum()))


def summarise(
    record: EpisodeRecord, simulation: Simulation, alignment: AlignmentRecord, *, now_s: float, begin_s: float
) -> dict[str, float]:
    """The figures of an episode so far; see ``TrafficEnv.metrics`` for what each means."""
    sums = simulation.totals()
    arrived = sums["arrived"]
    lost = sums["time_loss_s"] + sums["depart_delay_s"]
    running = [name for name in simulation.each_id() if name in record.trips]
    on_road = frozenset(running)
    # A car that SUMO is just moving on from where it was stuck is on no road, but it has departed.
    moved = [name for name in record.trips if name not in on_road and simulation.has_departed(name)]
    entered = on_road.union(moved)
    outside = [trip for name, trip in record.trips.items() if name not in entered]
    late = [max(d, 0.0) for d in simulation.each("getDepartDelay", running + moved)]
    told = 0 if simulation.files.meso else len(running)  # a mesoscopic car loses nothing by SUMO until it arrives
    loss = simulation.each("getTimeLoss", running[:told])
    running += moved
    loss += [
        max(0.0, now_s - record.trips[name].due_s - delay - record.trips[name].free_flow_s)
        for name, delay in zip(running[told:], late[told:], strict=True)
    ]
    unfinished = [a + b for a, b in zip(loss, late, strict=True)]
    never = [now_s - trip.due_s for trip in outside]
    total = max(arrived + len(running) + len(outside), 1.0)
    delay_sum = lost + sum(unfinished) + sum(never)
    elapsed = sum(now_s - record.trips[name].due_s for name in running)
    waiting = sum(float(simulation.vehicle_parameter(name, "device.tripinfo.waitingTime")) for name in running)
    delays = np.array(record.delays_s + unfinished + never)
    worst = np.sort(delays)[-max(1, math.ceil(len(delays) / 10)) :] if len(delays) else np.zeros(1)
    emergency = (
        record.emergency_delays_s
        + [delay for name, delay in zip(running, unfinished, strict=True) if record.trips[name].emergency]
        + [now_s - trip.due_s for trip in outside if trip.emergency]
    )
    steps = max(record.decisions, 1)
    return {
        "mean_delay_s": delay_sum / total,
        "resco_delay_s": _resco_delay_s(record, simulation, running, arrived, lost + sum(unfinished), now_s),
        "mean_travel_time_s": (sums["duration_s"] + sums["depart_delay_s"] + elapsed + sum(never)) / total,
        "mean_waiting_time_s": (sums["waiting_s"] + sums["depart_delay_s"] + waiting + sum(late) + sum(never)) / total,
        "mean_queue_veh": record.queue_veh / steps,
        "mean_speed_share": record.speed_share / steps,
        "stops_per_veh": record.stops / total,
        "throughput_veh_per_h": arrived * 3600.0 / max(now_s - begin_s, 1.0),
        "worst_decile_delay_s": float(worst.mean()),
        "delay_gini": gini(delays),
        "emergency_delay_s": float(np.mean(emergency)) if emergency else float("nan"),
        "arrived_veh": arrived,
        "running_veh": float(len(running)),
        "never_departed_veh": float(len(outside)),
        "teleports": sums["teleports"],
        "collisions": sums["collisions"],
        "emergency_brakings": sums["emergency_brakings"],
        "aligned_share": alignment.share,
        "dependent_pairs": float(alignment.dependent_pairs),
        "coordination_time_s": alignment.mean_coordination_s,
        "masked_actions": float(record.masked_actions),
        "co2_kg": record.co2_kg,
        "fuel_l": record.fuel_l,
    }


def _resco_delay_s(
    record: EpisodeRecord,
    simulation: Simulation,
    running: Sequence[str],
    arrived: float,
    delay_sum_s: float,
    now_s: float,
) -> float:
    """Mean delay by RESCO's published formula (``utils/readXML.py``), taken literally.

    Time loss and departure delay of all who departed, plus the delay of those that it takes for never departed, over
    the number of both. It takes for never departed every ``<vehicle>`` of the route file that wanted to depart later
    than the car that departed last had wanted to. So it misses cars that queue before another entry, misses every
    ``<trip>`` (cologne1, cologne8 and all of Ingolstadt hold nothing else), and counts some twice.
    """
    last = record.last_departure
    for departed_s, delay_s in zip(
        simulation.each("getDeparture", running), simulation.each("getDepartDelay", running), strict=True
    ):
        last = later_departure(last, (departed_s, departed_s - max(delay_s, 0.0)))
    due_s = record.drawn_due_s
    if due_s is None:
        due_s = vehicles_due_s(tuple((file, os.path.getmtime(file)) for file in simulation.files.route_files))
    missing = due_s[(due_s > last[1]) & (due_s <= now_s)]
    return (delay_sum_s + float((now_s - missing).sum())) / max(arrived + len(running) + len(missing), 1.0)


def later_departure(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """The later of two (departed, due); of two at the same moment the one that had been due first."""
    return max(one, other, key=lambda pair: (pair[0], -pair[1]))


@lru_cache(maxsize=16)
def vehicles_due_s(route_files: tuple[tuple[str, float], ...]) -> FloatArray:
    """When the ``<vehicle>`` elements of route files, given with their times of change, want to depart."""
    due = []
    for file, _ in route_files:
        with contextlib.suppress(ET.ParseError), _opened(file) as stream:  # SUMO has read it up to here as well
            for _, item in ET.iterparse(stream):
                if item.tag == "vehicle":
                    try:
                        due.append(float(item.get("depart", "")))
                    except ValueError:
                        continue  # "triggered", or a clock time, which RESCO's script cannot read either
                if item.tag in ("vehicle", "trip", "flow", "person"):
                    item.clear()
    return np.array(due)


def _opened(file: str) -> IO[bytes]:
    return gzip.open(file) if file.endswith(".gz") else open(file, "rb")  # type: ignore[return-value]
