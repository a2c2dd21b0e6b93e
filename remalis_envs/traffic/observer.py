"""Fills the observation vectors of :mod:`remalis_envs.traffic.observations` from readings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from remalis_envs.compiled import compiled
from remalis_envs.traffic.engine.index import FloatArray, IntArray, NetworkIndex
from remalis_envs.traffic.engine.readings import ARM_SUMS, STOP_SUMS, Counts
from remalis_envs.traffic.engine.signals import SignalTimes
from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES
from remalis_envs.traffic.observations import (
    ARM_FEATURES,
    GREEN_SCALE_S,
    INTERSECTION_FEATURES,
    LAYOUT,
    LIMIT,
    PEDESTRIAN_SCALE,
    PHASE_FEATURES,
    VEHICLE_SCALE,
    WAIT_SCALE_S,
)
from remalis_envs.traffic.vocabulary import SUBGOALS

BoolArray = npt.NDArray[np.bool_]
Table = npt.NDArray[np.float32]

_P = {name: column for column, name in enumerate(PHASE_FEATURES)}
_A = {name: column for column, name in enumerate(ARM_FEATURES)}
_I = {name: column for column, name in enumerate(INTERSECTION_FEATURES)}
_TURNS = ("left", "straight", "right")
_PER_VEHICLE, _PER_WAIT_S, _PER_GREEN_S = 1.0 / VEHICLE_SCALE, 1.0 / WAIT_SCALE_S, 1.0 / GREEN_SCALE_S
# In the order in which the kernels name them.
_PHASE_COLUMNS = tuple(
    _P[name] for name in ("is_current", "queue", "vehicles", "pressure", "wait", "exit_occupancy", "emergency")
)
_ARM_COLUMNS = tuple(_A[name] for name in (
    "queue", "vehicles", "speed", "wait", "occupancy", "exit_occupancy", "emergency", "green", "vehicles_left"
))  # fmt: skip
_OWN_COLUMNS = (
    *(_I[name] for name in ("time_in_phase", "in_transition", "must_switch")),
    _I["last_reward"] - len(SUBGOALS),
    *(_I[name] for name in ("last_reward", "last_discharged")),
)


@dataclass(slots=True)
class SignalView:
    """What an intersection knows of itself, arrays over agents."""

    current: npt.NDArray[np.int64]
    times: SignalTimes
    last_subgoal: npt.NDArray[np.int64]
    last_reward: npt.NDArray[np.float64]
    last_discharged: npt.NDArray[np.int64]


class Observer:
    """Fills the ``(N, D)`` array of observations; it is reused, so copy what you keep."""

    def __init__(self, index: NetworkIndex) -> None:
        self.index = index
        n = index.n_agents
        self.array = np.zeros((n, LAYOUT.size), dtype=np.float32)
        # Views of the array itself, so that nothing is copied.
        self._phases = self.array[:, LAYOUT.phases].reshape(n, MAX_PHASES, len(PHASE_FEATURES))
        self._arms = self.array[:, LAYOUT.arms].reshape(n, MAX_ARMS, len(ARM_FEATURES))
        self._block = self.array[:, LAYOUT.intersection]
        at = divmod(index.phase_row, MAX_PHASES)
        self._phases[*at, _P["exists"]] = 1.0
        self._phases[*at, _P["served"]] = index.phase_served
        self._phases[*at, _P["protected"]] = index.phase_major_share
        self._phases[*at, _P["serves_arm_1"] :] = index.phase_arm_share
        self._arms[:, :, _A["exists"]] = index.arm_exists.reshape(n, MAX_ARMS)
        self._arms[:, :, _A["sensor_ok"]] = index.arm_exists.reshape(n, MAX_ARMS)
        arms = index.arm_exists.reshape(n, MAX_ARMS).sum(axis=1)
        self._block[np.arange(n), _I["type_0_arms"] + arms] = 1.0
        self._green = np.zeros((n * MAX_PHASES, MAX_ARMS), dtype=np.float32)
        """By phase row, the arms that are green."""
        for agent, phases in enumerate(index.phase_arms):
            for phase, served in enumerate(phases):
                self._green[agent * MAX_PHASES + phase, [arm for arm in served if arm < MAX_ARMS]] = 1.0
        self._phase_stops = (index.phase_row, np.append(index.phase_start, len(index.phase_stop)), index.phase_stop)
        self._room = np.stack([index.per_in_capacity[:-1], index.per_out_capacity[:-1]])
        # Where no road comes in or goes out there is nothing to count.
        self._arm_rows = np.flatnonzero((index.arm_in_m[:-1] > 0) | (index.arm_out_m[:-1] > 0))
        turns = [index.turn_stops[turn] for turn in _TURNS]
        self._turn_stop = np.concatenate(turns)
        self._turn_arm = index.stop_arm[self._turn_stop]
        self._turn = np.repeat(np.arange(len(_TURNS)), [len(stops) for stops in turns])
        self._compile()

    def _compile(self) -> None:
        stops, rows, n = self.index.n_stops + 1, self.index.n_arm_rows + 1, self.index.n_agents
        no, none, zeros = np.zeros(n, bool), np.zeros(n, np.int64), np.zeros(n)
        by_stop, by_arm = np.zeros((STOP_SUMS, stops)), np.zeros((ARM_SUMS, rows))
        self._phase_kernel = compiled(_fill_phases, *self._phase_arguments(by_stop, none))
        self._arm_kernel = compiled(_fill_arms, *self._arm_arguments(by_stop, by_arm, none, no))
        self._own_kernel = compiled(_fill_intersection, *self._own_arguments(zeros, no, no, none, zeros, none))

    def fill(
        self,
        counts: Counts,
        view: SignalView,
        pedestrians: npt.NDArray[np.float64] | None,
        sensor_ok: npt.NDArray[np.bool_] | None,
    ) -> npt.NDArray[np.float32]:
        """Write the observations of this decision.

        Args:
            counts: what the detectors report.
            view: the signals' own state.
            pedestrians: people waiting by crossing, ``(crossings,)``, or None where there are none.
            sensor_ok: bool ``(N * MAX_ARMS,)``, or None where no detector fails.
        """
        times = view.times
        self._phase_kernel(*self._phase_arguments(counts.by_stop, view.current))
        self._arm_kernel(*self._arm_arguments(counts.by_stop, counts.by_arm, view.current, times.in_transition))
        if pedestrians is not None:
            self._fill_pedestrians(pedestrians)
        if sensor_ok is not None:
            self._arms[:, :, _A["sensor_ok"]] = sensor_ok.reshape(-1, MAX_ARMS)
        own = (view.last_subgoal, view.last_reward, view.last_discharged)
        self._own_kernel(*self._own_arguments(times.elapsed_s, times.in_transition, times.must_switch, *own))
        return self.array

    def _phase_arguments(self, by_stop: FloatArray, current: IntArray) -> tuple[Any, ...]:
        return (by_stop, current, *self._phase_stops, _PER_VEHICLE, _PER_WAIT_S, LIMIT, _PHASE_COLUMNS, self._phases)

    def _arm_arguments(
        self, by_stop: FloatArray, by_arm: FloatArray, current: IntArray, in_transition: npt.NDArray[np.bool_]
    ) -> tuple[Any, ...]:
        turns = (self._turn_stop, self._turn_arm, self._turn)
        tables = (self._arm_rows, self.index.arm_exists, self._green, self._room, *turns)
        scales = (_PER_VEHICLE, _PER_WAIT_S, LIMIT)
        return (by_stop, by_arm, current, in_transition, *tables, *scales, _ARM_COLUMNS, self._arms)

    def _own_arguments(self, *view: npt.NDArray[Any]) -> tuple[Any, ...]:
        return (*view, _PER_VEHICLE, _PER_GREEN_S, LIMIT, _OWN_COLUMNS, self._block)

    def _fill_pedestrians(self, pedestrians: FloatArray) -> None:
        ix, scaled = self.index, pedestrians * (1.0 / PEDESTRIAN_SCALE)
        arms = np.bincount(ix.crossing_arm, weights=scaled, minlength=ix.n_arm_rows)
        self._arms[:, :, _A["pedestrians"]] = np.minimum(arms, LIMIT).reshape(-1, MAX_ARMS)
        rows = np.bincount(ix.phase_crossing_row, weights=scaled[ix.phase_crossing], minlength=ix.n_agents * MAX_PHASES)
        self._phases[:, :, _P["pedestrians"]] = np.minimum(rows, LIMIT).reshape(-1, MAX_PHASES)


def _fill_phases(
    by_stop: FloatArray,
    current: IntArray,
    row_of: IntArray,
    starts: IntArray,
    stops: IntArray,
    per_vehicle: float,
    per_wait_s: float,
    limit: float,
    columns: tuple[int, ...],
    table: Table,
) -> None:
    """Fill ``table`` (N, phases, features); the stop lines of phase k are ``stops[starts[k] : starts[k + 1]]``."""
    is_current, queue, vehicles, pressure, wait, exit_occupancy, emergency = columns
    for k in range(len(row_of)):
        agent, phase = divmod(row_of[k], table.shape[1])
        cars, queued, net, longest, fullest, special = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for stop in stops[starts[k] : starts[k + 1]]:
            cars += by_stop[0, stop]
            queued += by_stop[1, stop]
            longest = max(longest, by_stop[2, stop])
            net += by_stop[3, stop]
            fullest = max(fullest, by_stop[4, stop])
            special = max(special, by_stop[5, stop])
        row = table[agent, phase]
        row[is_current] = 1.0 if current[agent] == phase else 0.0
        row[queue] = min(queued * per_vehicle, limit)
        row[vehicles] = min(cars * per_vehicle, limit)
        row[pressure] = max(min(net * per_vehicle, limit), -limit)
        row[wait] = min(longest * per_wait_s, limit)
        row[exit_occupancy] = min(fullest, limit)
        row[emergency] = min(special, limit)


def _fill_arms(
    by_stop: FloatArray,
    by_arm: FloatArray,
    current: IntArray,
    in_transition: BoolArray,
    arm_rows: IntArray,
    exists: BoolArray,
    green_of_phase: Table,
    room: FloatArray,
    turn_stop: IntArray,
    turn_arm: IntArray,
    turn_of: IntArray,
    per_vehicle: float,
    per_wait_s: float,
    limit: float,
    columns: tuple[int, ...],
    table: Table,
) -> None:
    """Fill ``table`` (N, arms, features) at ``arm_rows``; ``room`` is what a car takes of an arm's ways in and out."""
    queue, vehicles, speed, wait, occupancy, exit_occupancy, emergency, green, turning = columns
    n, arms, _ = table.shape
    phases = len(green_of_phase) // n
    for k in arm_rows:
        agent, arm = divmod(k, arms)
        row, cars = table[agent, arm], by_arm[0, k]
        row[queue] = min(by_arm[1, k] * per_vehicle, limit)
        row[vehicles] = min(cars * per_vehicle, limit)
        row[speed] = by_arm[3, k] if exists[k] else 0.0
        row[wait] = min(by_arm[2, k] * per_wait_s, limit)
        row[occupancy] = min(cars * room[0, k], limit)
        row[exit_occupancy] = min(by_arm[6, k] * room[1, k], limit)
        row[emergency] = min(by_arm[5, k], limit)
        row[green] = 0.0 if in_transition[agent] else green_of_phase[agent * phases + current[agent], arm]
        row[turning:] = 0.0
    for k in range(len(turn_stop)):
        agent, arm = divmod(turn_arm[k], arms)
        at = turning + turn_of[k]
        table[agent, arm, at] = min(table[agent, arm, at] + by_stop[0, turn_stop[k]] * per_vehicle, limit)


def _fill_intersection(
    elapsed_s: FloatArray,
    in_transition: BoolArray,
    must_switch: BoolArray,
    subgoal: IntArray,
    reward: FloatArray,
    discharged: IntArray,
    per_vehicle: float,
    per_green_s: float,
    limit: float,
    columns: tuple[int, ...],
    table: Table,
) -> None:
    """Fill ``table`` (N, features); sub-goal -1 is none."""
    time_in_phase, moving, switching, first_subgoal, last_reward, last_discharged = columns
    for agent in range(len(table)):
        row = table[agent]
        row[time_in_phase] = min(elapsed_s[agent] * per_green_s, limit)
        row[moving] = in_transition[agent]
        row[switching] = must_switch[agent]
        row[first_subgoal:last_reward] = 0.0
        if subgoal[agent] >= 0:
            row[first_subgoal + subgoal[agent]] = 1.0
        row[last_reward] = max(min(reward[agent], limit), -limit)
        row[last_discharged] = min(discharged[agent] * per_vehicle, limit)
