"""What is on the roads at a decision: one pass over SUMO's vehicles, then sums by lane, stop line and arm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex

HALTING_M_S = 0.1
"""Below this speed a car counts as queued, as in SUMO's own halting numbers."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

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
    """The next six as the rows of one array."""
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
        order = np.argsort(index.feed_stop, kind="stable")
        self._feed_lane, self._feed_weight = index.feed_lane[order], index.feed_weight[order]
        self._feed_stop = index.feed_stop[order]
        self._feed_start = np.flatnonzero(np.r_[True, np.diff(self._feed_stop) > 0]) if len(order) else order
        # Exits as lanes: pressure compares a lane with a lane.
        lanes_out = np.bincount(index.out_arm[: index.n_lanes], minlength=index.n_arm_rows + 1)
        # A road that leaves the map has no queue that could grow back: in max pressure's theory it counts nothing.
        self._per_exit_lane = (index.arm_downstream >= 0) / np.maximum(lanes_out, 1)
        self._index_places()
        lane = self._lanes_from + self._slot[self._feed_lane]
        self._queued_lane = lane + self._n_slots
        self._both_lane = np.concatenate([lane, self._queued_lane])
        self._both_weight = np.concatenate([self._feed_weight, self._feed_weight])
        self._both_start = np.concatenate([self._feed_start, self._feed_start + len(order)])
        self._exit_per_lane = index.exit_weight * self._per_exit_lane[index.exit_row]
        self._exit_capacity = index.per_out_capacity[index.exit_row]
        starts = np.r_[True, np.diff(index.exit_stop) > 0][: len(index.exit_stop)]
        self._exit_start: IntArray = np.flatnonzero(starts)
        self._no_emergency = np.zeros(index.n_arm_rows)
        self._no_emergency.flags.writeable = False  # all counts without emergency vehicles share it

    def _index_places(self) -> None:
        """Where a car counts, by its lane's code, in one array of all counts.

        The array holds, one after the other: cars by arm, queued cars by arm, cars by exit arm, cars by lane, queued
        cars by lane. Lanes that lead to no stop line share the last slot, so that the array stays short.
        """
        ix, rows = self.index, self.index.n_arm_rows + 1
        feeding = np.unique(self._feed_lane)
        self._n_slots = len(feeding) + 1
        self._slot = np.full(ix.n_codes, len(feeding))
        self._slot[feeding] = np.arange(len(feeding))
        self._lanes_from = 3 * rows
        self._n_counts = self._lanes_from + 2 * self._n_slots
        # A row for each lane: what belongs to a car lies side by side in memory.
        self._places = np.stack([ix.in_arm, 2 * rows + ix.out_arm, self._lanes_from + self._slot], axis=1)
        queued_slot = self._lanes_from + self._n_slots + self._slot
        self._queued_places = np.stack([rows + ix.in_arm, queued_slot], axis=1)

    def count(self, vehicles: Vehicles, keep: npt.NDArray[np.bool_] | None = None) -> Counts:
        """Sum over ``vehicles`` (those where ``keep`` is true)."""
        ix, rows = self.index, self.index.n_arm_rows
        code, speed, wait = vehicles.code, vehicles.speed_m_s, vehicles.wait_s
        if keep is None:
            halting = vehicles.halting
        else:
            code, speed, wait = code[keep], speed[keep], wait[keep]
            halting = (speed < HALTING_M_S).nonzero()[0]
        # One pass each for all that is counted and for the longest waits.
        places = self._places.take(code, axis=0).reshape(-1)
        queued = self._queued_places.take(code.take(halting), axis=0).reshape(-1)
        counts = np.bincount(np.concatenate((places, queued)), minlength=self._n_counts)
        longest_wait = np.zeros(self._n_counts)
        np.maximum.at(longest_wait, queued, wait.take(halting).repeat(2))
        share = speed / ix.code_speed_m_s.take(code)
        np.minimum(share, 1.0, out=share)
        if keep is None:
            vehicles.speed_share = share
        arms = counts[: self._lanes_from].astype(np.float64).reshape(3, -1)
        arm_vehicles, arm_queue, exit_vehicles = arms[0, :rows], arms[1, :rows], arms[2]
        arm_share = np.bincount(places[::3], weights=share, minlength=rows + 1)[:rows]
        empty = arm_vehicles == 0
        lane_emergency, arm_emergency = self._emergency(vehicles, keep)
        stop = self._stops(counts, longest_wait, lane_emergency, exit_vehicles)
        return Counts(
            stop,
            stop_vehicles=stop[0],
            stop_queue=stop[1],
            stop_wait_s=stop[2],
            stop_pressure=stop[3],
            stop_exit=stop[4],
            stop_emergency=stop[5],
            arm_vehicles=arm_vehicles,
            arm_queue=arm_queue,
            arm_wait_s=longest_wait[rows + 1 : 2 * rows + 1],
            arm_speed_share=(arm_share + empty) / (arm_vehicles + empty),
            arm_slowness=arm_vehicles - arm_share,
            arm_emergency=arm_emergency,
            exit_vehicles=exit_vehicles[:rows],
        )

    def _emergency(
        self, vehicles: Vehicles, keep: npt.NDArray[np.bool_] | None
    ) -> tuple[FloatArray | None, FloatArray]:
        ix = self.index
        special = vehicles.emergency if keep is None else vehicles.emergency[keep[vehicles.emergency]]
        if not len(special):
            return None, self._no_emergency
        code = vehicles.code[special]
        lanes = np.bincount(code, minlength=ix.n_codes).astype(np.float64)
        arms = np.bincount(ix.in_arm[code], minlength=ix.n_arm_rows + 1)[: ix.n_arm_rows].astype(np.float64)
        return lanes, arms

    def _stops(
        self, counts: IntArray, longest_wait: FloatArray, lane_emergency: FloatArray | None, exit_vehicles: FloatArray
    ) -> FloatArray:
        ix, size = self.index, self.index.n_stops + 1
        by_stop = np.zeros((6, size))
        if size > 1:
            sums = _sums(counts.take(self._both_lane) * self._both_weight, self._both_start)
            by_stop[:2, :-1] = sums.reshape(2, -1)
            by_stop[2, :-1] = _peaks(longest_wait.take(self._queued_lane), self._feed_start)
            out = exit_vehicles.take(ix.exit_row)
            by_stop[3, :-1] = by_stop[0, :-1] - _sums(out * self._exit_per_lane, self._exit_start)
            by_stop[4, :-1] = _peaks(out * self._exit_capacity, self._exit_start)
            if lane_emergency is not None:
                by_stop[5, :-1] = _peaks(lane_emergency.take(self._feed_lane), self._feed_start)
        return by_stop


def _sums(values: FloatArray, starts: IntArray) -> FloatArray:
    """Sum of each run of ``values``; nothing to do where every run is one number."""
    return values if len(starts) == len(values) else np.add.reduceat(values, starts)


def _peaks(values: FloatArray, starts: IntArray) -> FloatArray:
    """Greatest of each run of ``values``."""
    return values if len(starts) == len(values) else np.maximum.reduceat(values, starts)
