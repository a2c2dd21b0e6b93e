"""The observation vector: what each number is and how it is scaled; :mod:`.observer` fills it.

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
