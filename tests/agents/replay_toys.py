"""A tabular team game whose Q-values are known, and a network that is a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from pettingzoo import ParallelEnv

from remalis_agents.networks import TeamInputs, TeamNetwork, TeamOutput, register_network

PLACES, ACTIONS, END = 3, 3, -1
NEXT = np.array([[0, 1, 2], [1, 2, 1], [2, 0, 0]])
REWARDS = np.array([[0.1, 0.0, 0.5], [0.1, 1.0, 0.0], [0.1, 2.0, 0.0]])
LEGAL = np.array([[1, 1, 1], [1, 1, 0], [1, 1, 1]], np.int8)
OFFLINE_REWARD = -100.0


class Walk(ParallelEnv):
    """Two agents walk over three places, each on its own; one of them may end its walk early, time ends the other's.

    The leaver's walk ends when it takes action 1 in the last place; the stayer goes back to the first. Every fifth step
    the stayer is offline: it stands still and is paid -100, which nobody must learn from.
    """

    metadata = {"name": "walk_v0", "render_modes": []}

    def __init__(self, horizon: int = 7, offline: bool = True) -> None:
        self.possible_agents = ["leaver", "stayer"]
        self.agents: list[str] = []
        self.horizon, self.offline = horizon, offline
        vector = spaces.Box(0.0, 1.0, (2 * PLACES,), np.float32)
        self._space = spaces.Dict(observation=vector, action_mask=spaces.Box(0, 1, (ACTIONS,), np.int8))
        self._actions = spaces.Discrete(ACTIONS)

    def observation_space(self, agent: str) -> spaces.Space:
        return self._space

    def action_space(self, agent: str) -> spaces.Space:
        return self._actions

    def _seen(self, agents: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        observations, infos = {}, {}
        for agent in agents:
            vector = np.zeros(2 * PLACES, np.float32)
            vector[self.possible_agents.index(agent) * PLACES + self.places[agent]] = 1.0
            observations[agent] = {"observation": vector, "action_mask": LEGAL[self.places[agent]]}
            infos[agent] = {"online": not self._away(agent)}
        return observations, infos

    def _away(self, agent: str) -> bool:
        return self.offline and agent == "stayer" and self.t % 5 == 4

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.t, self.agents = 0, list(self.possible_agents)
        self.places = dict.fromkeys(self.agents, 0)
        return self._seen(self.agents)

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        agents, rewards, ends = self.agents, {}, {}
        for agent in agents:
            place, action = self.places[agent], actions[agent]
            ends[agent] = agent == "leaver" and place == 2 and action == 1
            rewards[agent] = REWARDS[place, action]
            self.places[agent] = int(NEXT[place, action])
            if self._away(agent):
                rewards[agent], self.places[agent] = OFFLINE_REWARD, place
        self.t += 1
        over = self.t >= self.horizon
        cut = {agent: over and not ends[agent] for agent in agents}
        self.agents = [agent for agent in agents if not ends[agent] and not over]
        observations, infos = self._seen(agents)
        return observations, rewards, ends, cut, infos


def known_q(gamma: float) -> np.ndarray:
    """``[agent, place, action]`` by value iteration; being cut off by time is no end, so it does not show."""
    q = np.zeros((2, PLACES, ACTIONS))
    for _ in range(500):
        best = np.where(LEGAL, q, -np.inf).max(-1)
        future = best[:, NEXT]
        future[0, 2, 1] = 0.0
        q = REWARDS + gamma * future
    return q


@register_network("table")
class Table(TeamNetwork):
    """A Q-value for each entry of a one-hot observation and each action."""

    value_based = True

    def __init__(self, observation_size: int, action_count: int, first: float = 0.0) -> None:
        super().__init__()
        self.entries = torch.nn.Linear(observation_size, action_count, bias=False)
        torch.nn.init.constant_(self.entries.weight, first)

    def forward(self, team: TeamInputs) -> TeamOutput:
        q_values = self.entries(team.observations)
        return TeamOutput(q_values, q_values.amax(-1))

    def learnt(self) -> np.ndarray:
        """``[agent, place, action]``."""
        return self.entries.weight.detach().numpy().T.reshape(2, PLACES, ACTIONS).copy()
