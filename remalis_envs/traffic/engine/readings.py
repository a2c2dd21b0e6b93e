"""What is on the roads at a decision: one pass over SUMO's vehicles, then sums by lane, stop line and arm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.compiled import compiled
from remalis_envs.traffic.engine.index import NetworkIndex

HALTING_M_S = 0.1
"""Below this speed a car counts as queued, as in SUMO's own halting numbers."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STOP_SUMS, ARM_SUMS, _LANE_SUMS = 6, 7, 4
_NO_NUMBERS, _NO_POSITIONS = np.zeros(0), np.zeros(0, np.int64)


@dataclass(slots=True)
class Vehicles:
    """The cars on the road at one moment, arrays of length V in SUMO's own (deterministic) order."""

    ids: tuple[str, ...] = ()
    code: IntArray = field(default_factory=lambda: _NO_POSITIONS)
    """Lane codes of :class:`NetworkIndex`."""
    speed_m_s: FloatArray = field(default_factory=lambda: _NO_NUMBERS)
    wait_s: FloatArray = field(default_factory=lambda: _NO_NUMBERS)
    """Seconds since the car last moved."""
    position_m: FloatArray = field(default_factory=lambda: _NO_NUMBERS)
    """Metres from the beginning of its lane; read only where detectors have a range."""
    emergency: IntArray = field(default_factory=lambda: _NO_POSITIONS)
    """Positions in ``ids`` of emergency vehicles."""
    speed_share: FloatArray = field(default_factory=lambda: _NO_NUMBERS)
    """Speed over limit, at most 1; filled in by :meth:`Counter.count`."""
    halting: IntArray = field(default_factory=lambda: _NO_POSITIONS)
    """Positions in ``ids`` of queued cars."""


@dataclass(slots=True)
class Counts:
    """Sums over vehicles. Stop-line arrays are ``(K+1,)`` with an empty dummy, arm arrays ``(N*MAX_ARMS,)``."""

    by_stop: FloatArray
    """The six that begin with ``stop_`` as the rows of one array, ``(6, K+1)``."""
    by_arm: FloatArray
    """The last seven as the rows of one array, ``(7, N*MAX_ARMS + 1)``: the dummy row is there, too."""
    stop_vehicles: FloatArray
    stop_queue: FloatArray
    stop_wait_s: FloatArray
    stop_pressure: FloatArray
    """Vehicles on the lane less the mean number per lane on the roads that it leads to, unless they leave the map."""
    stop_exit: FloatArray
    """Share of the fullest exit road that is taken."""
    stop_emergency: FloatArray
    arm_vehicles: FloatArray
    arm_queue: FloatArray
    arm_wait_s: FloatArray
    arm_speed_share: FloatArray
    """Mean of speed over limit; 1 on an empty arm."""
    arm_slowness: FloatArray
    """Sum over vehicles of 1 - speed / limit: vehicle-seconds lost a second."""
    arm_emergency: FloatArray
    exit_vehicles: FloatArray


class Counter:
    """Turns vehicles into :class:`Counts` for a network."""

    def __init__(self, index: NetworkIndex) -> None:
        self.index = index
        feeding, slot_of_feed = np.unique(index.feed_lane, return_inverse=True)
        # Lanes that lead to no stop line share the last slot, so that what is kept by lane stays short.
        slot = np.full(index.n_codes, len(feeding))
        slot[feeding] = np.arange(len(feeding))
        # A row for each lane: what belongs to a car lies side by side in memory.
        self._places = np.stack([index.in_arm, index.out_arm, slot], axis=1).astype(np.int32)
        self._lanes = np.zeros((_LANE_SUMS, len(feeding) + 1))
        self._feeds = (slot_of_feed.astype(np.int64), index.feed_stop, index.feed_weight)
        lanes_out = np.bincount(index.out_arm[: index.n_lanes], minlength=index.n_arm_rows + 1)
        # A road that leaves the map has no queue that could grow back: in max pressure's theory it counts nothing.
        per_exit_lane = (index.arm_downstream >= 0) / np.maximum(lanes_out, 1)  # pressure compares a lane with a lane
        exit_per_lane = index.exit_weight * per_exit_lane[index.exit_row]
        exit_capacity = index.per_out_capacity[index.exit_row]
        self._exits = (index.exit_stop, index.exit_row, exit_per_lane, exit_capacity)
        self._kernel = compiled(_count, *self._arguments(Vehicles()), *self._results(0))

    def count(self, vehicles: Vehicles, keep: npt.NDArray[np.bool_] | None = None) -> Counts:
        """Sum over ``vehicles`` (those where ``keep`` is true)."""
        if keep is None:
            by_stop, by_arm, share = self._results(len(vehicles.code))
            self._kernel(*self._arguments(vehicles), by_stop, by_arm, share)
            vehicles.speed_share = share
        else:
            seen = Vehicles(
                code=vehicles.code[keep], speed_m_s=vehicles.speed_m_s[keep], wait_s=vehicles.wait_s[keep],
                emergency=(np.cumsum(keep) - 1)[vehicles.emergency[keep[vehicles.emergency]]],
            )  # fmt: skip
            by_stop, by_arm, share = self._results(len(seen.code))
            self._kernel(*self._arguments(seen), by_stop, by_arm, share)
        return Counts(by_stop, by_arm, *by_stop, *by_arm[:, :-1])

    def _arguments(self, vehicles: Vehicles) -> tuple[Any, ...]:
        cars = (vehicles.code, vehicles.speed_m_s, vehicles.wait_s, vehicles.emergency)
        return (*cars, HALTING_M_S, self._places, self.index.code_speed_m_s, self._lanes, *self._feeds, *self._exits)

    def _results(self, n_vehicles: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        by_stop = np.zeros((STOP_SUMS, self.index.n_stops + 1))
        return by_stop, np.zeros((ARM_SUMS, self.index.n_arm_rows + 1)), np.zeros(n_vehicles)


def _count(
    code: IntArray,
    speed: FloatArray,
    wait: FloatArray,
    emergency: IntArray,
    halting_m_s: float,
    places: npt.NDArray[np.int32],
    code_speed: FloatArray,
    lanes: FloatArray,
    feed_slot: IntArray,
    feed_stop: IntArray,
    feed_weight: FloatArray,
    exit_stop: IntArray,
    exit_row: IntArray,
    exit_per_lane: FloatArray,
    exit_capacity: FloatArray,
    by_stop: FloatArray,
    by_arm: FloatArray,
    share: FloatArray,
) -> None:
    """Fill ``by_stop`` and ``by_arm``, zeros before, with the rows of :class:`Counts`; ``lanes`` is scratch."""
    vehicles, queue, longest, mean_share, slowness, special, leaving = by_arm
    lane_vehicles, lane_queue, lane_longest, lane_special = lanes
    lanes[:] = 0.0
    for k in range(len(code)):
        lane = code[k]
        arm, slot = places[lane, 0], places[lane, 2]
        share[k] = min(speed[k] / code_speed[lane], 1.0)
        vehicles[arm] += 1.0
        mean_share[arm] += share[k]
        leaving[places[lane, 1]] += 1.0
        lane_vehicles[slot] += 1.0
        if speed[k] < halting_m_s:
            queue[arm] += 1.0
            lane_queue[slot] += 1.0
            longest[arm] = max(longest[arm], wait[k])
            lane_longest[slot] = max(lane_longest[slot], wait[k])
    for k in emergency:
        special[places[code[k], 0]] += 1.0
        lane_special[places[code[k], 2]] += 1.0
    for arm in range(len(vehicles)):
        slowness[arm] = vehicles[arm] - mean_share[arm]
        mean_share[arm] = mean_share[arm] / vehicles[arm] if vehicles[arm] > 0.0 else 1.0
    stop_vehicles, stop_queue, stop_wait, pressure, fullest_exit, stop_special = by_stop
    for k in range(len(feed_slot)):
        slot, stop = feed_slot[k], feed_stop[k]
        stop_vehicles[stop] += feed_weight[k] * lane_vehicles[slot]
        stop_queue[stop] += feed_weight[k] * lane_queue[slot]
        stop_wait[stop] = max(stop_wait[stop], lane_longest[slot])
        stop_special[stop] = max(stop_special[stop], lane_special[slot])
    pressure[:] = stop_vehicles
    for k in range(len(exit_stop)):
        stop, cars = exit_stop[k], leaving[exit_row[k]]
        pressure[stop] -= exit_per_lane[k] * cars
        fullest_exit[stop] = max(fullest_exit[stop], exit_capacity[k] * cars)
