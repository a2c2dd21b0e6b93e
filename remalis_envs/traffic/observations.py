"""The observation vector: what each number is, how it is scaled, and how it is filled from readings.

One vector fits every intersection of every map. It has three blocks, and their layout is public::

    phases        A x len(PHASE_FEATURES)         what each phase would serve, so that a policy can score it; last
                                                  the share of each arm's lanes that it makes green
    arms          MAX_ARMS x len(ARM_FEATURES)    the approaches, clockwise from north; last the vehicles on the lanes
                                                  for each turn, a shared lane's for each of its turns
    intersection  len(INTERSECTION_FEATURES)      the signal's own state, its type, its own last outcome

Counts are divided by the public scales below, so that a controller can have its vehicles back.

Where the detectors do not see everything, the own last outcome is what could be known at the roadside, too:
``last_discharged`` and the last sub-goal come from loops at the stop lines, and say nothing of an arm whose detector is
out; ``last_reward`` is worked out from what the detectors report, without the parts that none measures (CO2, sumo-rl's
readings, a function of the user's). What an agent is paid, and its ``infos``, are the truth. Pedestrians push a button,
and emergency vehicles that pass report to the signal: both are known always.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Counts
from remalis_envs.traffic.engine.signals import SignalTimes
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
    *(f"serves_arm_{arm}" for arm in range(1, MAX_ARMS + 1)),
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
    "vehicles_left",
    "vehicles_straight",
    "vehicles_right",
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

    @property
    def types(self) -> slice:
        """The one-hot block that says how many arms the intersection has."""
        start = self.intersection.start + INTERSECTION_FEATURES.index("type_0_arms")
        return slice(start, start + MAX_ARMS + 1)

    @property
    def current(self) -> int:
        """Column, in a phase's row, of the flag of the phase that is green, or was so last."""
        return PHASE_FEATURES.index("is_current")

    @property
    def served_arms(self) -> int:
        """Column, in a phase's row, of the first of ``arm_count`` shares of an arm's lanes that it makes green."""
        return PHASE_FEATURES.index("serves_arm_1")

    @property
    def arm_count(self) -> int:
        """Rows of the block of arms."""
        return MAX_ARMS

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
_TURNS = ("left", "straight", "right")
_LAST_SUBGOAL = slice(_I["last_reward"] - len(SUBGOALS), _I["last_reward"])


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
        self._flat = self.array.reshape(-1)
        self._phases = self.array[:, LAYOUT.phases].reshape(n, MAX_PHASES, len(PHASE_FEATURES))
        self._arms = self.array[:, LAYOUT.arms].reshape(n, MAX_ARMS, len(ARM_FEATURES))
        at = divmod(index.phase_row, MAX_PHASES)
        self._phases[*at, _P["exists"]] = 1.0
        self._phases[*at, _P["served"]] = index.phase_served
        self._phases[*at, _P["protected"]] = index.phase_major_share
        self._phases[*at, _P["serves_arm_1"] :] = index.phase_arm_share
        self._arms[:, :, _A["exists"]] = index.arm_exists.reshape(n, MAX_ARMS)
        self._arms[:, :, _A["sensor_ok"]] = index.arm_exists.reshape(n, MAX_ARMS)
        rows = np.ones(len(index.arm_exists))
        # In the order of the columns from "queue" to "exit_occupancy".
        self._arm_scale = np.concatenate(
            [
                rows / VEHICLE_SCALE,
                rows / VEHICLE_SCALE,
                index.arm_exists,
                rows / WAIT_SCALE_S,
                index.per_in_capacity[:-1],
                index.per_out_capacity[:-1],
            ]
        )
        self._index_phase_features()
        self._turn_stop = np.concatenate([index.turn_stops[turn] for turn in _TURNS])
        rows_of = [k * index.n_arm_rows + index.stop_arm[index.turn_stops[turn]] for k, turn in enumerate(_TURNS)]
        self._turn_row = np.concatenate(rows_of)
        arms = index.arm_exists.reshape(n, MAX_ARMS).sum(axis=1)
        self.array[np.arange(n), LAYOUT.intersection.start + _I["type_0_arms"] + arms] = 1.0
        # Rows to look up: by phase row the arms that are green, the last for a signal in transition; by phase and by
        # sub-goal a 1 in its place, the last (which is also that of -1) for none.
        self._green = np.zeros((n * MAX_PHASES + 1, MAX_ARMS), dtype=np.float32)
        for agent, phases in enumerate(index.phase_arms):
            for phase, served in enumerate(phases):
                self._green[agent * MAX_PHASES + phase, [arm for arm in served if arm < MAX_ARMS]] = 1.0
        self._phase_hot = np.eye(MAX_PHASES, dtype=np.float32)
        self._subgoal_hot = np.eye(len(SUBGOALS) + 1, len(SUBGOALS), dtype=np.float32)
        self.forget()

    def forget(self) -> None:
        """Take nothing of what the array holds for granted: somebody else has written to it."""
        self._shown: npt.NDArray[np.int64] | None = None
        self._emergency: npt.NDArray[np.float64] | None = None
        self._moving = True
        """Whether any signal was between two greens."""

    def _index_phase_features(self) -> None:
        """Where each phase feature is summed from in ``Counts.by_stop``, and where it goes in the flat array."""
        ix, size = self.index, self.index.n_stops + 1
        self._sum_from = np.concatenate([row * size + ix.phase_stop for row in (1, 0, 3)])
        self._starts = np.concatenate([k * len(ix.phase_stop) + ix.phase_start for k in range(3)])
        # Phases of few stop lines have some of them twice, which changes no maximum but lets whole rows be compared.
        lengths = np.diff(np.append(ix.phase_start, len(ix.phase_stop)))
        within = np.minimum(np.arange(lengths.max(initial=0))[:, None], lengths - 1)
        stops = ix.phase_stop[ix.phase_start + within]
        self._peak_from = np.concatenate([row * size + stops for row in (2, 4, 5)], axis=1)
        agent, phase = divmod(ix.phase_row, MAX_PHASES)
        base = agent * LAYOUT.size + LAYOUT.phases.start + phase * len(PHASE_FEATURES)
        names = ("queue", "vehicles", "pressure", "wait", "exit_occupancy", "emergency")
        self._phase_to = np.concatenate([base + _P[name] for name in names])
        scales = (*3 * (1.0 / VEHICLE_SCALE,), 1.0 / WAIT_SCALE_S, 1.0, 1.0)
        self._phase_scale = np.repeat(np.array(scales), len(base))

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
        if sensor_ok is not None:
            self._arms[:, :, _A["sensor_ok"]] = sensor_ok.reshape(-1, MAX_ARMS)
        out = self.array
        self._fill_intersection(view)
        out.clip(-LIMIT, LIMIT, out=out)
        return out

    def _fill_phases(self, counts: Counts, view: SignalView) -> None:
        stops = counts.by_stop.reshape(-1)
        sums = np.add.reduceat(stops.take(self._sum_from), self._starts)
        peaks = np.maximum.reduce(stops.take(self._peak_from), axis=0)
        values = np.concatenate((sums, peaks))
        values *= self._phase_scale
        self._flat[self._phase_to] = values.astype(np.float32)
        if view.current is not self._shown:  # a new array with every change of a phase
            self._phases[:, :, _P["is_current"]] = self._phase_hot.take(view.current, axis=0)

    def _fill_arms(self, counts: Counts, view: SignalView) -> None:
        table = self._arms
        columns = (
            counts.arm_queue,
            counts.arm_vehicles,
            counts.arm_speed_share,
            counts.arm_wait_s,
            counts.arm_vehicles,
            counts.exit_vehicles,
        )
        values = np.concatenate(columns)
        values *= self._arm_scale
        by_column = values.reshape(len(columns), -1, MAX_ARMS)
        table[:, :, _A["queue"] : _A["exit_occupancy"] + 1] = by_column.transpose(1, 2, 0)
        vehicles = counts.by_stop[0].take(self._turn_stop) * (1.0 / VEHICLE_SCALE)
        turning = np.bincount(self._turn_row, weights=vehicles, minlength=len(_TURNS) * self.index.n_arm_rows)
        table[:, :, _A["vehicles_left"] :] = turning.reshape(len(_TURNS), -1, MAX_ARMS).transpose(1, 2, 0)
        if counts.arm_emergency is not self._emergency:  # one array for all counts without emergency vehicles
            table[:, :, _A["emergency"]] = counts.arm_emergency.reshape(-1, MAX_ARMS)
            self._emergency = counts.arm_emergency
        moving = bool(np.count_nonzero(view.times.in_transition))
        if moving or self._moving or view.current is not self._shown:
            shown = self.index.first_phase_row + view.current
            shown[view.times.in_transition] = len(self._green) - 1
            table[:, :, _A["green"]] = self._green.take(shown, axis=0)
        self._moving, self._shown = moving, view.current

    def _fill_pedestrians(self, pedestrians: npt.NDArray[np.float64]) -> None:
        ix, scaled = self.index, pedestrians * (1.0 / PEDESTRIAN_SCALE)
        arms = np.bincount(ix.crossing_arm, weights=scaled, minlength=ix.n_arm_rows)
        self._arms[:, :, _A["pedestrians"]] = arms.reshape(-1, MAX_ARMS)
        rows = np.bincount(ix.phase_crossing_row, weights=scaled[ix.phase_crossing], minlength=ix.n_agents * MAX_PHASES)
        self._phases[:, :, _P["pedestrians"]] = rows.reshape(-1, MAX_PHASES)

    def _fill_intersection(self, view: SignalView) -> None:
        block, times = self.array[:, LAYOUT.intersection], view.times
        block[:, _I["time_in_phase"]] = times.elapsed_s * (1.0 / GREEN_SCALE_S)
        block[:, _I["in_transition"]] = times.in_transition
        block[:, _I["must_switch"]] = times.must_switch
        block[:, _LAST_SUBGOAL] = self._subgoal_hot.take(view.last_subgoal, axis=0)
        block[:, _I["last_reward"]] = view.last_reward
        block[:, _I["last_discharged"]] = view.last_discharged * (1.0 / VEHICLE_SCALE)
