"""What sumo-rl's agents see and are paid, number by number, for people who come from there.

``observation="sumo_rl"`` gives an agent's vector as sumo-rl 1.4.5 lays it out, all in [0, 1]::

    phase              one-hot, one number a green phase
    min_green          1 once the least green has passed, else 0
    density            vehicles over the room for them, one number an incoming lane
    queue              halting vehicles over the room for them, one number an incoming lane

Lanes are in the order of the signal's links. Lengths differ between agents of uneven maps, as they do in sumo-rl: each
agent's space is a ``Box`` of its own length. The team view needs one length for all and says so where they differ; the
default observation has one everywhere.

The rewards ``sumo_rl/diff-waiting-time``, ``sumo_rl/average-speed``, ``sumo_rl/queue`` and ``sumo_rl/pressure`` work
with either observation. sumo-rl remembers waiting times for 1000 s where SUMO's default is 100 s, so the first of them
sets that option too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.simulation import Simulation
from remalis_envs.traffic.network.model import RoadNetwork
from remalis_envs.traffic.network.netfile import parse_net

MIN_GAP_M = 2.5
"""Room that sumo-rl adds to a vehicle's length, whatever the vehicle's own gap."""
SECONDS_PER_WAITING_UNIT = 100.0
WAITING_TIME_MEMORY_S = 1000

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SignalLanes:
    """The lanes of a signal, in the order of its links."""

    incoming: tuple[str, ...]
    outgoing: tuple[str, ...]
    incoming_m: tuple[float, ...]


@lru_cache(maxsize=4)
def signal_lanes(net_file: str) -> dict[str, SignalLanes]:
    """The lanes of every signal in a network file; outgoing ones count the first connection of each link only."""
    net = parse_net(net_file)
    found = {}
    for signal, links in net.links_of_signal.items():
        by_link: dict[int, list[Any]] = {}
        for link in links:
            for position in (link.signal_index, link.signal_index2):
                if position >= 0:
                    by_link.setdefault(position, []).append(link)
        ordered = [by_link[position] for position in sorted(by_link)]
        incoming = tuple(dict.fromkeys(link.from_lane for group in ordered for link in group))
        outgoing = tuple(dict.fromkeys(group[0].to_lane for group in ordered))
        found[signal] = SignalLanes(incoming, outgoing, tuple(net.lanes[lane].length_m for lane in incoming))
    return found


def observation_sizes(network: RoadNetwork) -> tuple[int, ...]:
    """Length of each agent's vector."""
    lanes = signal_lanes(network.net_file)
    return tuple(len(inter.phases) + 1 + 2 * len(lanes[inter.id].incoming) for inter in network.intersections)


@dataclass
class WaitingMemory:
    """What the waiting-time reward keeps from one decision to the next."""

    by_lane_s: dict[str, dict[str, float]] = field(default_factory=dict)
    """For each vehicle, the waiting time that each incoming lane is charged with."""
    last: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Waiting of the last decision by agent, in units of 100 vehicle-seconds."""


class SumoRLView:
    """Reads a running simulation the way sumo-rl does. Call :meth:`read` once a decision, then the rest."""

    def __init__(self, network: RoadNetwork, simulation: Simulation) -> None:
        self._simulation = simulation
        table = signal_lanes(network.net_file)
        self._signals = [table[inter.id] for inter in network.intersections]
        self.n_agents = len(self._signals)
        self.n_phases = np.array([len(inter.phases) for inter in network.intersections])
        self.lanes = tuple(dict.fromkeys(lane for s in self._signals for lane in s.incoming))
        self._every = tuple(dict.fromkeys((*self.lanes, *(lane for s in self._signals for lane in s.outgoing))))
        code = {lane: k for k, lane in enumerate(self._every)}
        length = {lane: m for s in self._signals for lane, m in zip(s.incoming, s.incoming_m, strict=True)}
        self._length_m = np.array([length[lane] for lane in self.lanes])
        self._in_agent, self._in_code = _pairs([[code[lane] for lane in s.incoming] for s in self._signals])
        self._out_agent, self._out_code = _pairs([[code[lane] for lane in s.outgoing] for s in self._signals])
        first = self.n_phases + 1
        counts = np.array([len(s.incoming) for s in self._signals])
        place = np.concatenate([np.arange(n) for n in counts]) if len(counts) else np.zeros(0, np.int64)
        self._density_column = first[self._in_agent] + place
        self._queue_column = self._density_column + counts[self._in_agent]
        self.memory = WaitingMemory(last=np.zeros(self.n_agents))

    def reset(self) -> None:
        """Forget the last episode."""
        self.memory = WaitingMemory(last=np.zeros(self.n_agents))

    def read(self) -> None:
        """Count what is on the lanes now."""
        raw, lanes = self._simulation.raw, self.lanes
        n = len(lanes)
        self._vehicles = np.fromiter(map(raw.lane_getLastStepVehicleNumber, self._every), np.float64, len(self._every))
        self._halting = np.fromiter(map(raw.lane_getLastStepHaltingNumber, lanes), np.float64, n)
        self._mean_length_m = np.fromiter(map(raw.lane_getLastStepLength, lanes), np.float64, n)

    def fill(
        self, rows: npt.NDArray[np.float32], current: npt.NDArray[np.int64], min_green_passed: npt.NDArray[np.bool_]
    ) -> None:
        """Write the observations into ``rows``, float32 ``(N, at least the longest vector)``.

        Args:
            rows: agent k's vector fills the beginning of row k.
            current: each agent's phase, ``(N,)``.
            min_green_passed: whether it has been shown for the least green.
        """
        room = self._length_m / (MIN_GAP_M + self._mean_length_m)
        lane = self._in_code
        rows[self._in_agent, self._density_column] = np.minimum(1.0, self._vehicles[lane] / room[lane])
        rows[self._in_agent, self._queue_column] = np.minimum(1.0, self._halting[lane] / room[lane])
        agents = np.arange(self.n_agents)
        for phase in range(int(self.n_phases.max(initial=0))):
            having = agents[self.n_phases > phase]
            rows[having, phase] = current[having] == phase
        rows[agents, self.n_phases] = min_green_passed

    # -- rewards ----------------------------------------------------------------------------------------------
    def queue(self) -> FloatArray:
        """Halting vehicles on the incoming lanes, negative."""
        return -_sums(self._in_agent, self._halting[self._in_code], self.n_agents)

    def pressure(self) -> FloatArray:
        """Vehicles on the outgoing lanes less vehicles on the incoming ones."""
        leaving = _sums(self._out_agent, self._vehicles[self._out_code], self.n_agents)
        return leaving - _sums(self._in_agent, self._vehicles[self._in_code], self.n_agents)

    def average_speed(self) -> FloatArray:
        """Mean of speed over allowed speed on the incoming lanes, 1 where there is nobody."""
        raw = self._simulation.raw
        means = np.ones(self.n_agents)
        for agent, signal in enumerate(self._signals):
            vehicles = [v for lane in signal.incoming for v in raw.lane_getLastStepVehicleIDs(lane)]
            if vehicles:
                total = 0.0
                for vehicle in vehicles:  # a plain sum, since its rounding is part of the number
                    total += raw.vehicle_getSpeed(vehicle) / raw.vehicle_getAllowedSpeed(vehicle)
                means[agent] = total / len(vehicles)
        return means

    def diff_waiting_time(self) -> FloatArray:
        """Fall of the waiting time on the incoming lanes since the last decision, in units of 100 s."""
        raw, memory = self._simulation.raw, self.memory
        waiting = np.zeros(self.n_agents)
        for agent, signal in enumerate(self._signals):
            for lane in signal.incoming:
                on_lane = 0.0
                for vehicle in raw.lane_getLastStepVehicleIDs(lane):
                    lanes = memory.by_lane_s.setdefault(vehicle, {})
                    elsewhere = sum(seconds for other, seconds in lanes.items() if other != lane)
                    lanes[lane] = raw.vehicle_getAccumulatedWaitingTime(vehicle) - elsewhere
                    on_lane += lanes[lane]
                waiting[agent] += on_lane
        waiting /= SECONDS_PER_WAITING_UNIT
        fall: FloatArray = memory.last - waiting
        memory.last = waiting
        return fall


def _sums(agent: npt.NDArray[np.int64], values: FloatArray, n_agents: int) -> FloatArray:
    total: FloatArray = np.bincount(agent, values, n_agents).astype(np.float64)
    return total


def _pairs(groups: list[list[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    agents = [agent for agent, group in enumerate(groups) for _ in group]
    return np.array(agents, dtype=np.int64), np.array([k for group in groups for k in group], dtype=np.int64)


class _HasView(Protocol):
    sumo_rl: SumoRLView | None


def _of_view(function: Callable[[SumoRLView], FloatArray]) -> Callable[[_HasView], FloatArray]:
    def reward(inputs: _HasView) -> FloatArray:
        assert inputs.sumo_rl is not None
        return function(inputs.sumo_rl)

    reward.__doc__ = function.__doc__
    return reward


SUMO_RL_REWARDS: dict[str, Callable[[Any], FloatArray]] = {
    "sumo_rl/diff-waiting-time": _of_view(SumoRLView.diff_waiting_time),
    "sumo_rl/average-speed": _of_view(SumoRLView.average_speed),
    "sumo_rl/queue": _of_view(SumoRLView.queue),
    "sumo_rl/pressure": _of_view(SumoRLView.pressure),
}
