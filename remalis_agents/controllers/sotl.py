"""Self-organising traffic lights: red approaches collect vehicles until they have enough to ask for green."""

from __future__ import annotations

from typing import Any

import numpy as np

from remalis_agents.controllers.base import IntArray, Junctions, PhaseController
from remalis_envs.traffic.network.model import MAX_ARMS, MAX_PHASES


class SotlController(PhaseController):
    """SOTL-platoon (Gershenson, 2005; Cools, Gershenson and D'Hooghe, 2013), for signals of many phases.

    Every arm a without green collects ``kappa(a) += n(a) * dt``, where n(a) is the number of vehicles on it; green sets
    kappa back to 0. When the largest kappa reaches ``theta_veh_s`` the signal changes to the phase that serves most
    vehicles among those that serve that arm. A platoon is not cut: while the phase that is shown still serves 1 to
    ``mu_veh`` moving vehicles it stays; more than that are no reason to stay. Minimum green is the environment's.

    Args:
        theta_veh_s: What an arm has to collect before it gets green, in vehicle-seconds.
        mu_veh: Largest tail of a platoon that is let through first; 0 switches the rule off, which was best on the
            training demand of ``easy``, since a far vehicle cannot be told from a near one.
    """

    name = "sotl"

    def __init__(self, theta_veh_s: float = 20.0, mu_veh: float = 0.0) -> None:
        self.theta_veh_s, self.mu_veh = theta_veh_s, mu_veh

    def reset(self, env: Any, seed: int) -> None:
        self._decision_s = float(env.config.scenario.timing.decision_s)
        self._serves = np.zeros((len(env.possible_agents), MAX_PHASES, MAX_ARMS), dtype=bool)
        """Whether a phase serves vehicles of an arm."""
        for inter in env.network.intersections:
            for number, phase in enumerate(inter.phases):
                moves = (inter.movements[k] for k in (*phase.major, *phase.minor))
                self._serves[inter.index, number, [m.from_arm for m in moves if m.kind != "crossing"]] = True
        super().reset(env, seed)

    def _begin(self, n_agents: int, rng: np.random.Generator) -> None:
        self._kappa = np.zeros((n_agents, MAX_ARMS))

    def _choose(self, seen: Junctions) -> IntArray:
        rows, current = np.arange(len(seen.legal)), seen.current
        served = self._serves[rows, current]
        self._kappa = np.where(served, 0.0, self._kappa + seen.arm("vehicles") * self._decision_s)
        asking = self._kappa.argmax(axis=1)
        vehicles = seen.phase("vehicles")
        moving = (vehicles - seen.phase("queue"))[rows, current]
        platoon = (moving > 0.5) & (moving <= self.mu_veh)
        change = (self._kappa[rows, asking] >= self.theta_veh_s) & ~platoon | ~seen.legal[rows, current]
        fits = seen.legal & self._serves[rows, :, asking]
        fits[rows, current] = False
        best = np.where(fits, vehicles, -1.0).argmax(axis=1)
        # Where nothing legal serves the arm that asks, the mask's own way out is any legal phase.
        best = np.where(fits[rows, best], best, seen.best(vehicles))
        return np.where(change, best, current)
