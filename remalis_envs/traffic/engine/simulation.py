"""One SUMO simulation inside this process, through libsumo; a process holds at most one at a time."""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from remalis_envs.errors import RemalisError, ScenarioError, SumoError
from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import HALTING_M_S, Vehicles
from remalis_envs.traffic.engine.refusals import why_refused
from remalis_envs.traffic.sumo import sumo_home

_owner: weakref.ref[Simulation] | None = None
_claiming = threading.Lock()


def process_is_free(but_for: Simulation | None = None) -> bool:
    """Whether no simulation, ``but_for`` apart, lives in this process, so that the next may be loaded here.

    One that the caller started through libsumo without us counts as well.
    """
    owner = _owner() if _owner is not None else None
    if owner is not None:
        return owner is but_for
    libsumo = sys.modules.get("libsumo")
    return libsumo is None or not libsumo.isLoaded()


COUNTERS = {
    "arrived": "device.tripinfo.count",
    "duration_s": "device.tripinfo.duration",
    "time_loss_s": "device.tripinfo.timeLoss",
    "waiting_s": "device.tripinfo.waitingTime",
    "depart_delay_s": "device.tripinfo.departDelay",
    "teleports": "stats.teleports.total",
    "collisions": "stats.safety.collisions",
    "emergency_brakings": "stats.safety.emergencyBraking",
}
"""Our names of the totals that SUMO keeps, and SUMO's."""
_MEANS = ("duration_s", "time_loss_s", "waiting_s", "depart_delay_s")


LONGEST_S = 366 * 86400.0
"""More than any episode lasts: trips are drawn for the whole of it at its beginning."""


@dataclass(frozen=True)
class SimulationFiles:
    """What SUMO loads and how. All paths are absolute; ``options`` go to SUMO as they are."""

    net_file: str
    route_files: tuple[str, ...] = ()
    additional_files: tuple[str, ...] = ()
    begin_s: float = 0.0
    step_length_s: float = 1.0
    options: tuple[str, ...] = ()
    check_junctions: bool = True
    """Whether SUMO looks for collisions inside junctions too; cars in a collision are taken off the road."""
    meso: bool = False
    """SUMO's mesoscopic model instead of its microscopic one."""

    def __post_init__(self) -> None:
        for file in (self.net_file, *self.route_files, *self.additional_files):
            if "," in file:
                raise RemalisError(f"SUMO parts file names at commas and cannot load {file!r}: rename it.")

    @property
    def named(self) -> str:
        """The network, and the routes where there are any, for messages."""
        return " with ".join((self.net_file, *self.route_files))

    def command(self, seed: int) -> list[str]:
        """SUMO's arguments, without the program."""
        args = ["--net-file", self.net_file, "--begin", f"{self.begin_s:.15g}", "--seed", str(seed)]
        args += ["--step-length", f"{self.step_length_s:.15g}", "--no-step-log", "true", "--no-warnings", "true"]
        args += ["--duration-log.disable", "true", "--device.tripinfo.probability", "1"]
        args += ["--collision.check-junctions", "true" if self.check_junctions else "false"]
        if self.meso:
            args += ["--mesosim", "true", "--meso-junction-control", "true"]
        for flag, files in (("--route-files", self.route_files), ("--additional-files", self.additional_files)):
            if files:
                args += [flag, ",".join(files)]
        return args + list(self.options)


class QueueCodes(dict[tuple[str, int], int]):
    """Lane codes in a mesoscopic simulation, where a car has an edge and a queue on it but no lane."""

    def __init__(self, index: NetworkIndex) -> None:
        lanes = ((lane.id.rpartition("_"), index.lane_code[lane.id]) for lane in index.network.lanes)
        super().__init__({(edge, int(number)): code for (edge, _, number), code in lanes})
        self._first_lane = {edge: codes[0] for edge, codes in index.lanes_of_edge.items()}

    def __missing__(self, queue: tuple[str, int]) -> int:
        """A queue that is no lane counts as the edge's first one."""
        code = self[queue] = self._first_lane[queue[0]]
        return code


class LegTimes(dict[tuple[str, str], float]):
    """Driving time of an edge and of the junction between it and the next, in seconds, as it comes to be asked for."""

    def __init__(self, raw: Any, index: NetworkIndex) -> None:
        super().__init__()
        self._raw, self._index = raw, index

    def of_route(self, edges: Sequence[str]) -> float:
        """Time from the beginning of the first edge to the end of the last."""
        last = self._index.edge_free_flow_s.get(edges[-1], 0.0) if edges else 0.0
        return sum(map(self.__getitem__, pairwise(edges)), last)

    def __missing__(self, leg: tuple[str, str]) -> float:
        raw, lanes = self._raw, self._index.lanes_between.get(leg, ())
        junction = sum(raw.lane_getLength(lane) / max(raw.lane_getMaxSpeed(lane), 0.1) for lane in lanes)
        time_s = self[leg] = self._index.edge_free_flow_s.get(leg[0], 0.0) + float(junction)
        return time_s


class Simulation:
    """Start, step and read SUMO. Not thread safe; see :func:`process_is_free` for the limit of one a process."""

    def __init__(self, files: SimulationFiles, index: NetworkIndex, *, read_positions: bool = False) -> None:
        sumo_home()
        import libsumo
        from libsumo import libsumo as swig

        self.sumo: ModuleType = libsumo
        # The functions behind libsumo's Python wrappers: a third off the cost of a reading.
        self._raw: Any = swig._libsumo
        self.files, self.index, self.read_positions = files, index, read_positions
        self.legs = LegTimes(self._raw, index)
        self._code = index.lane_code.__getitem__
        self._loaded = False
        self.departed: list[str] | None = None
        """Cars that departed since this list was last emptied; a list only where somebody empties it."""
        self._queue_code = QueueCodes(index).__getitem__ if files.meso else None

    # -- life -------------------------------------------------------------------------------------------------
    def load(self, seed: int) -> None:
        """Begin a new episode; a running one is dropped.

        Raises:
            ScenarioError: SUMO does not accept the files; the message carries SUMO's own.
        """
        self.claim()
        args = self.files.command(seed)
        try:
            if self._loaded:
                self.sumo.load(args)
            else:
                self.sumo.start(["sumo", *args])
        except (self.sumo.TraCIException, self.sumo.FatalTraCIError) as error:
            with contextlib.suppress(Exception):
                self.sumo.close()
            self._loaded = False
            self.close()
            reason = why_refused(args, self.files.options, " ".join(str(error).split()))
            raise ScenarioError(f"SUMO could not load {self.files.named}: {reason}") from None
        self._loaded = True

    def claim(self) -> None:
        """Take the process for this simulation.

        Raises:
            SumoError: another one lives in it.
        """
        global _owner
        with _claiming:
            if not process_is_free(but_for=self):
                raise SumoError("another simulation lives in this process; close it or use backend='worker'")
            _owner = weakref.ref(self)

    def close(self) -> None:
        """End the simulation and free the process for another; safe to call twice."""
        global _owner
        if self._loaded:
            self._loaded = False
            self.sumo.close()
        if _owner is not None and _owner() is self:
            _owner = None

    # -- time -------------------------------------------------------------------------------------------------
    def step_to(self, time_s: float) -> Sequence[str]:
        """Advance to ``time_s`` and return the ids of the cars that arrived on the way."""
        raw = self._raw
        raw.simulation_step(time_s)
        if self.departed is not None:
            self.departed.extend(raw.simulation_getDepartedIDList())
        arrived: Sequence[str] = raw.simulation_getArrivedIDList()
        return arrived

    def set_state(self, signal: str, state: str) -> None:
        """Show ``state`` at ``signal`` until the next call."""
        if self.files.meso:
            # Mesoscopic cars drive through yellow and start without delay; the time that a switch costs in the
            # microscopic model is about the length of the transition, so it shows red throughout.
            state = state.replace("y", "r")
        self._raw.trafficlight_setRedYellowGreenState(signal, state)

    @property
    def raw(self) -> Any:
        """Libsumo's functions by their plain names, such as ``lane_getLength``."""
        return self._raw

    # -- reading ----------------------------------------------------------------------------------------------
    def read(self) -> Vehicles:
        """All cars on the road now."""
        raw = self._raw
        ids = raw.vehicle_getIDList()
        n = len(ids)
        if self._queue_code is None:
            lanes = list(map(raw.vehicle_getLaneID, ids))
            if "" in lanes:  # parked beside the road, where nobody waits for a green
                ids = tuple(name for name, lane in zip(ids, lanes, strict=True) if lane)
                lanes, n = [lane for lane in lanes if lane], len(ids)
            code = np.fromiter(map(self._code, lanes), np.int64, n)
        else:
            queues = zip(map(raw.vehicle_getRoadID, ids), map(raw.vehicle_getLaneIndex, ids), strict=True)
            code = np.fromiter(map(self._queue_code, queues), np.int64, n)
        speed = np.fromiter(map(raw.vehicle_getSpeed, ids), np.float64, n)
        wait = np.zeros(n)
        halting = (speed < HALTING_M_S).nonzero()[0]
        wait[halting] = list(map(raw.vehicle_getWaitingTime, map(ids.__getitem__, halting.tolist())))
        vehicles = Vehicles(ids, code, speed, wait, halting=halting)
        if self.read_positions:
            vehicles.position_m = np.fromiter(map(raw.vehicle_getLanePosition, ids), np.float64, n)
        return vehicles

    def waiting_pedestrians(self) -> np.ndarray:
        """People who stand before each crossing, ``(crossings,)``."""
        raw, crossings = self._raw, self.index.crossing_code
        waiting = np.zeros(self.index.n_crossings)
        for person in raw.person_getIDList():
            if raw.person_getSpeed(person) < HALTING_M_S:
                code = crossings.get(raw.person_getNextEdge(person), -1)
                if code >= 0:
                    waiting[code] += 1.0
        return waiting

    def totals(self) -> dict[str, float]:
        """SUMO's running totals since the beginning of the episode, by the names in :data:`COUNTERS`.

        Those of trips are sums over arrived vehicles, in seconds.
        """
        ask = self.sumo.simulation.getParameter
        count = float(ask("", "device.tripinfo.count"))
        values = {}
        for name, key in COUNTERS.items():
            value = float(ask("", key))
            if name in _MEANS:  # SUMO gives means over arrived vehicles, -1 before there is one
                value = max(value, 0.0) * count
            values[name] = value
        return values

    def each(self, getter: str, ids: Sequence[str]) -> list[Any]:
        """A ``libsumo.vehicle`` getter for each of ``ids``."""
        return list(map(getattr(self._raw, f"vehicle_{getter}"), ids))

    def each_id(self) -> tuple[str, ...]:
        """Ids of the cars on the road."""
        ids: tuple[str, ...] = self._raw.vehicle_getIDList()
        return ids

    def has_departed(self, vehicle: str) -> bool:
        """Whether a car has been let onto the roads; False where SUMO does not know it."""
        try:
            return bool(self._raw.vehicle_getDeparture(vehicle) >= 0.0)
        except self.sumo.TraCIException:
            return False

    def vehicle_parameter(self, vehicle: str, name: str) -> str:
        """A device's parameter of a car on the road."""
        return str(self.sumo.vehicle.getParameter(vehicle, name))
