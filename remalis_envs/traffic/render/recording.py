"""Scenes between two decisions, so that a film can show every second of the traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .scene import Scene, take_scene

if TYPE_CHECKING:
    from remalis_envs.traffic.core import TrafficCore
    from remalis_envs.traffic.env import TrafficEnv

_TIME_EPSILON_S = 1e-6


class SceneLog:
    """Collects scenes inside a world while it steps; the simulation itself runs as it would without."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.scenes: list[Scene] = []
        self.totals: dict[str, float] = {}

    def advance(self, core: TrafficCore, now_s: float, until_s: float) -> Sequence[str]:
        """Step from ``now_s`` to ``until_s``; returns who arrived on the way."""
        arrived: list[str] = []
        while now_s < until_s - _TIME_EPSILON_S:
            self.scenes.append(take_scene(core, now_s, self.totals))
            now_s = min(now_s + self.every_s, until_s)
            arrived.extend(core.simulation.step_to(now_s))
        return arrived

    def take(self) -> list[Scene]:
        """The scenes since the last call, in order."""
        scenes, self.scenes = self.scenes, []
        return scenes


class Recorder:
    """Scenes of an environment at every ``every_s`` seconds of simulated time.

    Call :meth:`start` after each ``reset`` and :meth:`scenes` after each ``step``; the step's last moment is the next
    step's first scene, or :meth:`now`. Works with a world in this process and with one in a worker.
    """

    def __init__(self, env: TrafficEnv, every_s: float = 1.0) -> None:
        self.env, self.every_s = env, every_s

    def start(self) -> None:
        """Begin to record the episode that has just been reset."""
        self._world.watch(self.every_s)

    def scenes(self) -> list[Scene]:
        """What was recorded since the last call."""
        scenes: list[Scene] = self._world.take_scenes()
        return scenes

    def now(self) -> Scene:
        """The scene at this moment."""
        scene: Scene = self._world.scene()
        return scene

    @property
    def _world(self) -> Any:
        return self.env._running()
