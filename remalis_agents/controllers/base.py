"""What every controller is: something that chooses phases, or that gives SUMO programs to run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from remalis_envs.traffic.engine.programs import SignalProgram
from remalis_envs.traffic.observations import (
    ARM_FEATURES,
    GREEN_SCALE_S,
    INTERSECTION_FEATURES,
    LAYOUT,
    PHASE_FEATURES,
    VEHICLE_SCALE,
    WAIT_SCALE_S,
)
from remalis_envs.traffic.scenarios import Scenario

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int64]

_SCALES = {
    "queue": VEHICLE_SCALE,
    "vehicles": VEHICLE_SCALE,
    "pressure": VEHICLE_SCALE,
    "wait": WAIT_SCALE_S,
    "time_in_phase": GREEN_SCALE_S,
}
_MASKED = -1e9
_TIE_VEH = 1e-4


class Controller(Protocol):
    """Runs a team of signals without learning.

    Attributes:
        name: as in the registry.
        own_program: whether SUMO runs a signal program; such a controller does not choose among the agents' phases,
            and its actions do nothing.
    """

    @property
    def name(self) -> str: ...

    @property
    def own_program(self) -> bool: ...

    def env_options(self) -> dict[str, Any]:
        """Keyword arguments that ``traffic_v0`` needs for this controller."""

    def reset(self, env: Any, seed: int) -> None:
        """Begin an episode of ``env``; ``seed`` is for the controller's own draws."""

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        """Actions for all agents in ``observations``."""


class Junctions:
    """Observations of several intersections as arrays, in vehicles and seconds instead of scaled.

    Args:
        observations: by agent, as the environment gives them.
    """

    def __init__(self, observations: Mapping[str, Any]) -> None:
        vectors = np.stack([own["observation"] for own in observations.values()])
        self.legal = np.stack([own["action_mask"] for own in observations.values()]) > 0
        """Bool ``(N, A)``: what the mask allows."""
        self._phases = LAYOUT.phase_features(vectors)
        self._arms = LAYOUT.arm_features(vectors)
        self._own = LAYOUT.intersection_features(vectors)

    def phase(self, feature: str) -> FloatArray:
        """One of ``PHASE_FEATURES`` of every phase, ``(N, A)``."""
        return self._phases[..., PHASE_FEATURES.index(feature)] * _SCALES.get(feature, 1.0)

    def arm(self, feature: str) -> FloatArray:
        """One of ``ARM_FEATURES`` of every arm, ``(N, MAX_ARMS)``."""
        return self._arms[..., ARM_FEATURES.index(feature)] * _SCALES.get(feature, 1.0)

    def own(self, feature: str) -> FloatArray:
        """One of ``INTERSECTION_FEATURES``, ``(N,)``."""
        return self._own[..., INTERSECTION_FEATURES.index(feature)] * _SCALES.get(feature, 1.0)

    @property
    def current(self) -> IntArray:
        """The phase that is shown or that is to come, ``(N,)``."""
        return self.phase("is_current").argmax(axis=1)

    def best(self, scores: FloatArray, *, margin: float | FloatArray = 0.0) -> IntArray:
        """The legal phase with the highest score, ``(N,)``.

        Another phase must beat the current one by more than ``margin``; among equals the current one stays, then the
        one with the lowest number is taken.
        """
        rows = np.arange(len(scores))
        legal = np.where(self.legal, scores, _MASKED)
        best, current = legal.argmax(axis=1), self.current
        stays = self.legal[rows, current] & (legal[rows, best] <= legal[rows, current] + margin + _TIE_VEH)
        return np.where(stays, current, best)


class PhaseController(ABC):
    """A controller that chooses among the agents' phases from what every agent sees, all agents at once."""

    name: ClassVar[str]
    own_program: ClassVar[bool] = False

    def env_options(self) -> dict[str, Any]:
        return {}

    def reset(self, env: Any, seed: int) -> None:
        self._begin(len(env.possible_agents), np.random.default_rng(seed))

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        return dict(zip(observations, self._choose(Junctions(observations)).tolist(), strict=True))

    def _begin(self, n_agents: int, rng: np.random.Generator) -> None:
        """Forget the last episode."""
        return

    @abstractmethod
    def _choose(self, seen: Junctions) -> IntArray:
        """Legal phases, ``(N,)``."""


class ProgramController(ABC):
    """A controller that leaves the signals to SUMO, with programs that it works out from the scenario."""

    name: ClassVar[str]
    own_program: ClassVar[bool] = True

    def env_options(self) -> dict[str, Any]:
        return {"control": self.programs}

    @abstractmethod
    def programs(self, scenario: Scenario) -> dict[str, SignalProgram]:
        """The program of every signal."""

    def reset(self, env: Any, seed: int) -> None:
        return

    def act(self, observations: Mapping[str, Any]) -> dict[str, int]:
        return dict.fromkeys(observations, 0)
