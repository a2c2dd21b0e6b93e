"""Self-organising traffic lights: red approaches collect waiting time until they have enough to ask for green."""

from __future__ import annotations

import numpy as np

from remalis_agents.controllers.base import IntArray, Junctions, PhaseController

DECISION_S = 5.0


class SotlController(PhaseController):
    """SOTL-platoon (Cools, Gershenson and D'Hooghe, 2013), for signals of many phases.

    Every phase p that is not shown collects ``kappa(p) += n(p) * dt``, where n(p) are the vehicles it would serve that
    stand still. When the largest kappa reaches ``theta_veh_s``, its phase is asked for and loses its kappa. Two rules
    keep platoons whole: the green stays while it still serves between 1 and ``mu_veh`` moving vehicles, but more
    than that are no reason to stay. Minimum green is the environment's.

    The authors' lights have two phases and count all vehicles within a distance of a red light; as phases here
    overlap, only standing vehicles can be told from those that have green already.

    Args:
        theta_veh_s: Waiting time that has to come together, in vehicle-seconds.
        mu_veh: Largest platoon tail that is let through first.
    """

    name = "sotl"

    def __init__(self, theta_veh_s: float = 20.0, mu_veh: float = 1.0) -> None:
        self.theta_veh_s, self.mu_veh = theta_veh_s, mu_veh

    def reset(self, env: object, seed: int) -> None:
        super().reset(env, seed)
        config = getattr(env, "config", None)
        self._decision_s = config.scenario.timing.decision_s if config is not None else DECISION_S

    def _begin(self, n_agents: int, rng: np.random.Generator) -> None:
        self._kappa: np.ndarray | None = None

    def _choose(self, seen: Junctions) -> IntArray:
        rows, current = np.arange(len(seen.legal)), seen.current
        if self._kappa is None:
            self._kappa = np.zeros(seen.legal.shape)
        kappa, queue = self._kappa, seen.phase("queue")
        kappa += queue * self._decision_s
        kappa[rows, current] = 0.0
        moving = (seen.phase("vehicles") - queue)[rows, current]
        asking = np.where(seen.legal, kappa, -1.0)
        asking[rows, current] = -1.0
        wanted = asking.argmax(axis=1)
        platoon = (moving > 0.5) & (moving <= self.mu_veh)
        change = (asking[rows, wanted] >= self.theta_veh_s) & ~platoon
        must = ~seen.legal[rows, current]
        chosen = np.where(change | must, wanted, current)
        kappa[rows, chosen] = 0.0
        return chosen
