"""Says what a training waits for where a cluster has no room for it; Ray itself waits in silence."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import ray
from ray.tune import Callback
from ray.util import placement_group_table

PATIENCE_S = 10.0
"""How long a training may wait before it is said."""
KINDS = ("CPU", "GPU")


class RoomWatch(Callback):
    """Says once, in one line, what a training asks for, what is free, and how to ask for less.

    Args:
        name: the experiment's name.
        config: its RLlib configuration.
        say: takes the line.
    """

    def __init__(self, name: str, config: Any, say: Callable[[str], None]) -> None:
        self.name, self.say = name, say
        self.runners, self.cpus_per_runner = int(config.num_env_runners), float(config.num_cpus_per_env_runner)
        self._over = False
        self._since = time.monotonic()

    def setup(self, **info: Any) -> None:
        self._since = time.monotonic()

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        if self._over or not trials or time.monotonic() - self._since < PATIENCE_S:
            return
        trial = trials[0]
        asked = _summed(trial.placement_group_factory.bundles)
        # A trial that has its room is pending, too, while its environments and networks are made.
        if trial.status == "PENDING" and _waits(asked):
            self.say(self.line(asked, ray.available_resources(), ray.cluster_resources()))
            self._over = True
        elif trial.status != "PENDING":
            self._over = True

    def line(self, asked: Mapping[str, float], free: Mapping[str, float], has: Mapping[str, float]) -> str:
        """The line, from amounts by kind of resource."""
        kinds = [kind for kind in KINDS if asked.get(kind, 0)]
        amounts = " and ".join(f"{asked[k]:g} {k}s" for k in kinds)
        there = " and ".join(f"{free.get(k, 0):g} of {has.get(k, 0):g} {k}s" for k in kinds)
        begins = "It begins as soon as there is room"
        return f"{self.name}: waiting for {amounts}, but {there} are free. {begins}; {self._less(asked, free)}."

    def _less(self, asked: Mapping[str, float], free: Mapping[str, float]) -> str:
        if asked.get("GPU", 0) > free.get("GPU", 0):
            return "--set learners.num_gpus_per_learner=0 learns on the CPU, fewer learners.num_learners ask for less"
        short = asked.get("CPU", 0) - free.get("CPU", 0)
        fit = self.runners - max(math.ceil(short / self.cpus_per_runner), 1) if self.cpus_per_runner else -1
        if fit >= 0:
            return f"--set env_runners.num_env_runners={fit} would fit now ({self.runners} are asked for)"
        return (
            "smaller env_runners.num_env_runners, env_runners.num_cpus_per_env_runner or learners.num_learners ask "
            "for less"
        )

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its callbacks beside the experiment; where the line goes cannot always be stored.
        return {**self.__dict__, "say": print}


def _summed(bundles: Iterable[Mapping[str, float]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for bundle in bundles:
        for kind, amount in bundle.items():
            total[kind] += amount  # type: ignore[assignment]
    return total


def _waits(asked: Mapping[str, float]) -> bool:
    """Whether a placement group of this size waits to be placed."""
    groups = placement_group_table().values()
    return any(one["state"] == "PENDING" and _summed(one["bundles"].values()) == asked for one in groups)
