"""Rewards by name, weighted sums of them, callables; individual, neighbourhood or team scope.

Every named reward is per intersection and per decision, negative for bad, about [-1, 0] on a busy road, except
``diff_waiting_time`` and ``speed``. It is computed from the true state of the roads, whatever the detectors see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from remalis_envs.errors import RemalisError, unknown
from remalis_envs.traffic.engine.index import NetworkIndex
from remalis_envs.traffic.engine.readings import Counts
from remalis_envs.traffic.network.model import MAX_ARMS
from remalis_envs.traffic.observations import VEHICLE_SCALE, WAIT_SCALE_S
from remalis_envs.traffic.outcomes import Events
from remalis_envs.traffic.sumo_rl_view import SUMO_RL_REWARDS, SumoRLView

FloatArray = npt.NDArray[np.float64]
LARGEST_WEIGHT = 1e12
"""Beyond it a sum of rewards would say nothing of the other parts."""
_SUMO_RL = {name: f"'sumo_rl/{name}', by sumo-rl's own formula" for name in ("diff-waiting-time", "average-speed")}


class RewardError(RemalisError, ValueError):
    """A user's reward function does not return one finite number for each agent."""


@dataclass(slots=True)
class RewardInputs:
    """What a reward may look at; a callable reward gets this and returns ``(N,)``."""

    index: NetworkIndex
    counts: Counts
    events: Events
    waiting_s: FloatArray
    """Sum over the queued cars of each intersection of the seconds since they last moved, ``(N,)``."""
    previous_waiting_s: FloatArray
    co2_g: FloatArray
    """CO2 that the cars on the approaches emit, g/s, ``(N,)``; zeros unless ``emissions=True``."""
    sumo_rl: SumoRLView | None = None
    """sumo-rl's readings, where ``observation`` or ``reward`` asks for them."""


def _by_agent(rows: FloatArray) -> FloatArray:
    total: FloatArray = np.add.reduce(rows.reshape(-1, MAX_ARMS), axis=1)
    return total


def queue(inputs: RewardInputs) -> FloatArray:
    """Queued cars on the approaches, divided by -20."""
    return _by_agent(inputs.counts.arm_queue) * (-1.0 / VEHICLE_SCALE)


def pressure(inputs: RewardInputs) -> FloatArray:
    """Absolute value of (cars on the approaches less cars on the exits), divided by -20."""
    net = _by_agent(inputs.counts.arm_vehicles) - _by_agent(inputs.counts.exit_vehicles)
    return np.abs(net) * (-1.0 / VEHICLE_SCALE)


def diff_waiting_time(inputs: RewardInputs) -> FloatArray:
    """Fall of the queued cars' total waiting time since the last decision, in units of 1200 vehicle-seconds."""
    return (inputs.previous_waiting_s - inputs.waiting_s) / (VEHICLE_SCALE * WAIT_SCALE_S)


def delay(inputs: RewardInputs) -> FloatArray:
    """Vehicle-seconds lost each second on the approaches (sum of 1 - speed/limit), divided by -20."""
    return _by_agent(inputs.counts.arm_slowness) * (-1.0 / VEHICLE_SCALE)


def speed(inputs: RewardInputs) -> FloatArray:
    """Mean of speed/limit over the cars on the approaches, 1 where there are none; in [0, 1]."""
    cars = _by_agent(inputs.counts.arm_vehicles)
    return np.where(cars > 0, 1.0 - _by_agent(inputs.counts.arm_slowness) / np.maximum(cars, 1.0), 1.0)


def emissions(inputs: RewardInputs) -> FloatArray:
    """CO2 of the cars on the approaches, divided by -50 g/s; needs ``emissions=True``."""
    return inputs.co2_g * (-1.0 / 50.0)


RewardFunction = Callable[[RewardInputs], FloatArray]
REWARDS: dict[str, RewardFunction] = {
    function.__name__: function for function in (queue, pressure, diff_waiting_time, delay, speed, emissions)
}
REWARDS.update(SUMO_RL_REWARDS)
MEASURED = (queue, pressure, diff_waiting_time, delay, speed)
"""What can be worked out from detectors: not CO2, nor SUMO's own readings, nor a function of the user's."""
SCOPES = ("individual", "neighbourhood", "team")
RewardSpec = str | Mapping[str, float] | RewardFunction


class Reward:
    """A reward as the user named it, applied to every intersection.

    Args:
        spec: a name in :data:`REWARDS`, a mapping from names to weights, or a function of :class:`RewardInputs`
            that returns ``(N,)``. A function has to be importable (picklable) where the simulation runs in a worker.
        scope: ``individual``; ``neighbourhood``, the mean over an intersection and its road neighbours; ``team``,
            the mean over all.

    Raises:
        UnknownNameError: for a name or a scope that does not exist.
    """

    def __init__(self, spec: RewardSpec, scope: str, index: NetworkIndex) -> None:
        self.parts = _parts(spec)
        self.needs_waiting = callable(spec) or "diff_waiting_time" in names_of(spec)
        """Whether ``RewardInputs.waiting_s`` is looked at; it is left at 0 where not."""
        if scope not in SCOPES:
            raise unknown("reward_scope", scope, SCOPES)
        self._mix: FloatArray | None = None
        if scope == "neighbourhood":
            near = index.adjacency() | np.eye(index.n_agents, dtype=bool)
            self._mix = near / near.sum(axis=1, keepdims=True)
        self._zeros = np.zeros(index.n_agents)
        self._team = scope == "team"

    def __call__(self, inputs: RewardInputs) -> FloatArray:
        """Rewards of this decision, float64 ``(N,)``."""
        return self._sum(inputs, self.parts)

    def as_measured(self, inputs: RewardInputs) -> FloatArray:
        """The same from what detectors report, float64 ``(N,)``; without the parts that need more than they measure."""
        return self._sum(inputs, [part for part in self.parts if part[0] in MEASURED])

    def _sum(self, inputs: RewardInputs, parts: list[tuple[RewardFunction, float]]) -> FloatArray:
        shape, total = (inputs.index.n_agents,), self._zeros
        for function, weight in parts:
            values = np.asarray(function(inputs), dtype=np.float64)
            if values.shape != shape:
                raise RewardError(f"the reward function returned shape {values.shape}, expected {shape}")
            total = total + weight * values
        if self._mix is not None:
            return self._mix @ total
        return np.full_like(total, total.mean()) if self._team else total


def names_of(spec: RewardSpec) -> tuple[str, ...]:
    """The names that ``spec`` mentions."""
    if isinstance(spec, str):
        return (spec,)
    return tuple(spec) if isinstance(spec, Mapping) else ()


def check_reward(spec: RewardSpec, scope: str, *, with_emissions: bool) -> None:
    """Raise before a simulation is started, if ``spec`` is not a reward or ``scope`` not a scope."""
    _parts(spec)
    if scope not in SCOPES:
        raise unknown("reward_scope", scope, SCOPES)
    if "emissions" in names_of(spec) and not with_emissions:
        raise RemalisError("reward 'emissions' needs SUMO's emission devices: pass emissions=True as well")


def _checked(function: RewardFunction) -> RewardFunction:
    """A user's function whose mistakes are sentences, as its errors are in a worker that nobody sees."""

    def reward(inputs: RewardInputs) -> FloatArray:
        try:
            values = np.asarray(function(inputs))
        except Exception as error:
            raise RewardError(f"the reward function raised {type(error).__name__}: {error}") from error
        if values.dtype.kind not in "fiub":
            raise RewardError(f"the reward function returned no real numbers, but {values.dtype} values")
        if not np.isfinite(values).all():
            raise RewardError("the reward function returned nan or infinity")
        return values.astype(np.float64)

    return reward


def _parts(spec: RewardSpec) -> list[tuple[RewardFunction, float]]:
    if callable(spec):
        return [(_checked(spec), 1.0)]
    if not isinstance(spec, str | Mapping):
        raise RemalisError(f"reward must be a name, a mapping from names to weights or a function, not {spec!r}")
    weights = {spec: 1.0} if isinstance(spec, str) else spec
    parts = []
    for name, weight in weights.items():
        if name not in REWARDS:
            raise unknown("reward", name, REWARDS, elsewhere=_SUMO_RL)
        number = isinstance(weight, int | float | np.integer | np.floating) and not isinstance(weight, bool)
        if not number or not abs(weight) < LARGEST_WEIGHT:  # nan is not below it, and a huge int is
            raise RemalisError(
                f"the weight of reward {name!r} must be a finite number within {LARGEST_WEIGHT:g}, not {weight!r}"
            )
        parts.append((REWARDS[name], float(weight)))
    if not parts:
        raise RemalisError("the weighted reward names no part")
    return parts
