"""The observation vector: what each number is, how it is scaled, and how it is filled from readings.

One vector fits every intersection of every map. It has three blocks, and their layout is public::

    phases        A x len(PHASE_FEATURES)         what each phase would serve, so that a policy can score it
    arms          MAX_ARMS x len(ARM_FEATURES)    the approaches, clockwise from north
    intersection  len(INTERSECTION_FEATURES)      the signal's own state, its type, its own last outcome

Counts are divided by the public scales below, so that a controller can have its vehicles back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Counts
from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES
from remalis_envs.traffic.vocabulary import SUBGOALS

VEHICLE_SCALE = 20.0
"""Vehicles (and queued vehicles) at which a count reads 1."""
WAIT_SCALE_S = 60.0
"""Seconds of waiting at which a wait reads 1."""
PEDESTRIAN_SCALE = 10.0
GREEN_SCALE_S = 60.0
"""Seconds of green at which ``time_in_phase`` reads 1."""
LIMIT = 3.0
"""No feature leaves [-LIMIT, LIMIT], however jammed the road."""

PHASE_FEATURES = (
    "exists",
    "is_current",
    "queue",
    "vehicles",
    "pressure",
    "wait",
    "exit_occupancy",
    "pedestrians",
    "emergency",
    "served",
    "protected",
)
ARM_FEATURES = (
    "exists",
    "queue",
    "vehicles",
    "speed",
    "wait",
    "occupancy",
    "exit_occupancy",
    "pedestrians",
    "emergency",
    "sensor_ok",
    "green",
)
INTERSECTION_FEATURES = (
    "time_in_phase",
    "in_transition",
    "must_switch",
    *(f"type_{arms}_arms" for arms in range(MAX_ARMS + 1)),
    *(f"last_{name.replace(' ', '_')}" for name in SUBGOALS),
    "last_reward",
    "last_discharged",
)


@dataclass(frozen=True)
class Layout:
    """Slices of the observation vector."""

    phases: slice
    arms: slice
    intersection: slice
    size: int

    def phase_features(self, observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(..., D)`` -> ``(..., A, len(PHASE_FEATURES))``."""
        return observation[..., self.phases].reshape(*observation.shape[:-1], MAX_PHASES, len(PHASE_FEATURES))

    def arm_features(self, observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(..., D)`` -> ``(..., MAX_ARMS, len(ARM_FEATURES))``."""
        return observation[..., self.arms].reshape(*observation.shape[:-1], MAX_ARMS, len(ARM_FEATURES))

    def intersection_features(self, observation: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """``(..., D)`` -> ``(..., len(INTERSECTION_FEATURES))``."""
        return observation[..., self.intersection]


def _layout() -> Layout:
    phases = MAX_PHASES * len(PHASE_FEATURES)
    arms = phases + MAX_ARMS * len(ARM_FEATURES)
    size = arms + len(INTERSECTION_FEATURES)
    return Layout(slice(0, phases), slice(phases, arms), slice(arms, size), size)


LAYOUT = _layout()
OBSERVATION_SIZE = LAYOUT.size
"""``D``."""

_P = {name: column for column, name in enumerate(PHASE_FEATURES)}
_A = {name: column for column, name in enumerate(ARM_FEATURES)}
_I = {name: column for column, name in enumerate(INTERSECTION_FEATURES)}


@dataclass
class SignalView:
    """What an intersection knows of itself, arrays over agents."""

    current: npt.NDArray[np.int64]
    elapsed_s: npt.NDArray[np.float64]
    in_transition: npt.NDArray[np.bool_]
    must_switch: npt.NDArray[np.bool_]
    last_subgoal: npt.NDArray[np.int64]
    last_reward: npt.NDArray[np.float64]
    last_discharged: npt.NDArray[np.float64]


class Observer:
    """Fills the ``(N, D)`` array of observations; it is reused, so copy what you keep."""

    def __init__(self, index: NetworkIndex) -> None:
        self.index = index
        n = index.n_agents
        self.array = np.zeros((n, LAYOUT.size), dtype=np.float32)
        self._phases = np.zeros((n * MAX_PHASES, len(PHASE_FEATURES)), dtype=np.float32)
        self._arms = np.zeros((n * MAX_ARMS, len(ARM_FEATURES)), dtype=np.float32)
        self._agents = np.arange(n)
        rows = index.phase_row
        self._phases[rows, _P["exists"]] = 1.0
        self._phases[rows, _P["served"]] = index.phase_served
        self._phases[rows, _P["protected"]] = index.phase_major_share
        self._arms[:, _A["exists"]] = index.arm_exists
        arms = index.arm_exists.reshape(n, MAX_ARMS).sum(axis=1)
        self.array[self._agents, LAYOUT.intersection.start + _I["type_0_arms"] + arms] = 1.0
        self._green = np.zeros((n, MAX_PHASES, MAX_ARMS), dtype=np.float32)
        for agent, phases in enumerate(index.phase_arms):
            for phase, served in enumerate(phases):
                self._green[agent, phase, [arm for arm in served if arm < MAX_ARMS]] = 1.0

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
        self._fill_phases(counts, view)
        self._fill_arms(counts, view)
        if pedestrians is not None:
            self._fill_pedestrians(pedestrians)
        self._arms[:, _A["sensor_ok"]] = self.index.arm_exists if sensor_ok is None else sensor_ok
        out, n = self.array, self.index.n_agents
        out[:, LAYOUT.phases] = self._phases.reshape(n, -1)
        out[:, LAYOUT.arms] = self._arms.reshape(n, -1)
        self._fill_intersection(view)
        np.clip(out, -LIMIT, LIMIT, out=out)
        return out

    def _fill_phases(self, counts: Counts, view: SignalView) -> None:
        ix = self.index
        stops = np.stack([counts.stop_queue, counts.stop_vehicles, counts.stop_pressure])[:, ix.phase_stop]
        sums = np.add.reduceat(stops, ix.phase_start, axis=1)
        most = np.stack([counts.stop_wait_s, counts.stop_exit, counts.stop_emergency])[:, ix.phase_stop]
        peaks = np.maximum.reduceat(most, ix.phase_start, axis=1)
        table, rows = self._phases, ix.phase_row
        first = _P["queue"]
        table[rows, first : first + 3] = sums.T * (1.0 / VEHICLE_SCALE)
        table[rows, _P["wait"]] = peaks[0] * (1.0 / WAIT_SCALE_S)
        table[rows, _P["exit_occupancy"]] = peaks[1]
        table[rows, _P["emergency"]] = peaks[2]
        table[:, _P["is_current"]] = 0.0
        table[self._agents * MAX_PHASES + view.current, _P["is_current"]] = 1.0

    def _fill_arms(self, counts: Counts, view: SignalView) -> None:
        table, ix = self._arms, self.index
        table[:, _A["queue"]] = counts.arm_queue * (1.0 / VEHICLE_SCALE)
        table[:, _A["vehicles"]] = counts.arm_vehicles * (1.0 / VEHICLE_SCALE)
        table[:, _A["speed"]] = counts.arm_speed_share * ix.arm_exists
        table[:, _A["wait"]] = counts.arm_wait_s * (1.0 / WAIT_SCALE_S)
        table[:, _A["occupancy"]] = counts.arm_vehicles * ix.per_in_capacity[:-1]
        table[:, _A["exit_occupancy"]] = counts.exit_vehicles * ix.per_out_capacity[:-1]
        table[:, _A["emergency"]] = counts.arm_emergency
        green = self._green[self._agents, view.current] * ~view.in_transition[:, None]
        table[:, _A["green"]] = green.reshape(-1)

    def _fill_pedestrians(self, pedestrians: npt.NDArray[np.float64]) -> None:
        ix, scaled = self.index, pedestrians * (1.0 / PEDESTRIAN_SCALE)
        arms = np.bincount(ix.crossing_arm, weights=scaled, minlength=ix.n_arm_rows)
        self._arms[:, _A["pedestrians"]] = arms
        rows = np.bincount(
            ix.phase_crossing_row, weights=scaled[ix.phase_crossing], minlength=ix.n_agents * MAX_PHASES
        )
        self._phases[:, _P["pedestrians"]] = rows

    def _fill_intersection(self, view: SignalView) -> None:
        block = self.array[:, LAYOUT.intersection]
        block[:, _I["time_in_phase"]] = view.elapsed_s * (1.0 / GREEN_SCALE_S)
        block[:, _I["in_transition"]] = view.in_transition
        block[:, _I["must_switch"]] = view.must_switch
        first = _I["last_" + SUBGOALS[0].replace(" ", "_")]
        block[:, first : first + len(SUBGOALS)] = 0.0
        done = np.flatnonzero(view.last_subgoal >= 0)
        block[done, first + view.last_subgoal[done]] = 1.0
        block[:, _I["last_reward"]] = view.last_reward
        block[:, _I["last_discharged"]] = view.last_discharged * (1.0 / VEHICLE_SCALE)
