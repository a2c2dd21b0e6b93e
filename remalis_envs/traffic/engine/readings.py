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


@dataclass
class Vehicles:
    """The cars on the road at one moment, arrays of length V in SUMO's own (deterministic) order."""

    ids: tuple[str, ...] = ()
    code: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """Lane codes of :class:`NetworkIndex`."""
    speed_m_s: FloatArray = field(default_factory=lambda: np.zeros(0))
    wait_s: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Seconds since the car last moved."""
    position_m: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Metres from the beginning of its lane; read only where detectors have a range."""
    emergency: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """Positions in ``ids`` of emergency vehicles."""
    speed_share: FloatArray = field(default_factory=lambda: np.zeros(0))
    """Speed over limit, at most 1; filled in by :meth:`Counter.count`."""


@dataclass
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
        n = index.n_codes
        self._both_lane = np.concatenate([self._feed_lane, self._feed_lane + n])
        self._both_weight = np.concatenate([self._feed_weight, self._feed_weight])
        self._both_start = np.concatenate([self._feed_start, self._feed_start + len(order)])
        self._exit_per_lane = index.exit_weight * self._per_exit_lane[index.exit_row]
        self._exit_capacity = index.per_out_capacity[index.exit_row]
        starts = np.r_[True, np.diff(index.exit_stop) > 0][: len(index.exit_stop)]
        self._exit_start: IntArray = np.flatnonzero(starts)

    def count(self, vehicles: Vehicles, keep: npt.NDArray[np.bool_] | None = None) -> Counts:
        """Sum over ``vehicles`` (those where ``keep`` is true)."""
        ix = self.index
        code, speed, wait = vehicles.code, vehicles.speed_m_s, vehicles.wait_s
        if keep is not None:
            code, speed, wait = code[keep], speed[keep], wait[keep]
        rows = ix.n_arm_rows
        halting = np.flatnonzero(speed < HALTING_M_S)
        halting_code, halting_wait = code[halting], wait[halting]
        arm, row = ix.in_arm[code], rows + 1
        # One pass each over the lanes and the arms for all that is counted there.
        lanes = np.bincount(np.concatenate((code, halting_code + ix.n_codes)), minlength=2 * ix.n_codes)
        lane_wait = np.zeros(ix.n_codes)
        np.maximum.at(lane_wait, halting_code, halting_wait)
        halting_arm = arm[halting]
        arms = np.bincount(
            np.concatenate((arm, halting_arm + row, ix.out_arm[code] + 2 * row)), minlength=3 * row
        ).astype(np.float64)
        arm_vehicles, arm_queue, exit_vehicles = arms[:rows], arms[row : row + rows], arms[2 * row :]
        share = np.minimum(speed / ix.code_speed_m_s[code], 1.0)
        if keep is None:
            vehicles.speed_share = share
        arm_share = np.bincount(arm, weights=share, minlength=row)[:rows]
        arm_wait = np.zeros(row)
        np.maximum.at(arm_wait, halting_arm, halting_wait)
        lane_emergency, arm_emergency = self._emergency(vehicles, keep)
        stop = self._stops(lanes, lane_wait, lane_emergency, exit_vehicles)
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
            arm_wait_s=arm_wait[:rows],
            arm_speed_share=np.where(arm_vehicles > 0, arm_share / np.maximum(arm_vehicles, 1.0), 1.0),
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
            return None, np.zeros(ix.n_arm_rows)
        code = vehicles.code[special]
        lanes = np.bincount(code, minlength=ix.n_codes).astype(np.float64)
        arms = np.bincount(ix.in_arm[code], minlength=ix.n_arm_rows + 1)[: ix.n_arm_rows].astype(np.float64)
        return lanes, arms

    def _stops(
        self, lanes: IntArray, lane_wait: FloatArray, lane_emergency: FloatArray | None, exit_vehicles: FloatArray
    ) -> FloatArray:
        ix, size = self.index, self.index.n_stops + 1
        by_stop = np.zeros((6, size))
        if size > 1:
            sums = np.add.reduceat(lanes.take(self._both_lane) * self._both_weight, self._both_start)
            by_stop[:2, :-1] = sums.reshape(2, -1)
            np.maximum.reduceat(lane_wait.take(self._feed_lane), self._feed_start, out=by_stop[2, :-1])
            out = exit_vehicles.take(ix.exit_row)
            by_stop[3, :-1] = by_stop[0, :-1] - np.add.reduceat(out * self._exit_per_lane, self._exit_start)
            np.maximum.reduceat(out * self._exit_capacity, self._exit_start, out=by_stop[4, :-1])
            if lane_emergency is not None:
                np.maximum.reduceat(lane_emergency.take(self._feed_lane), self._feed_start, out=by_stop[5, :-1])
        return by_stop
