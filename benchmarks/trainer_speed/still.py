"""Still: an environment that costs nothing, as a team view and as RLlib's own kind of multi-agent environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from ray.rllib.env.multi_agent_env import MultiAgentEnv

AGENTS, SIZE, ACTIONS, HORIZON, DRAWN = 64, 16, 5, 100, 64
"""Team, vector, actions, steps of an episode, and different observations that are shown in turn."""


class _Steps:
    """What both kinds show: observations drawn beforehand, a reward for action 0."""

    def __init__(self) -> None:
        self.vectors = np.random.default_rng(0).random((DRAWN, AGENTS, SIZE), np.float32)
        self.t = 0

    def now(self) -> np.ndarray:
        return self.vectors[self.t % DRAWN]


class StillTeam(gymnasium.Env):
    """The team view."""

    def __init__(self, config: Any = None) -> None:
        n, a = AGENTS, ACTIONS
        self.observation_space = spaces.Dict(
            {
                "obs": spaces.Box(0.0, 1.0, (n, SIZE), np.float32),
                "alive": spaces.Box(0.0, 1.0, (n,), np.float32),
                "action_mask": spaces.Box(0, 1, (n, a), np.int8),
                "adjacency": spaces.Box(0, 1, (n, n), np.int8),
            }
        )
        self.action_space = spaces.MultiDiscrete([a] * n)
        self._steps = _Steps()
        self._rest = {
            "alive": np.ones(n, np.float32),
            "action_mask": np.ones((n, a), np.int8),
            "adjacency": np.zeros((n, n), np.int8),
        }
        self._info = {
            "agent_terminations": np.zeros(n, np.float32),
            "online": np.ones(n, np.float32),
            "subgoals": np.zeros(n, np.int64),
            "concepts": np.zeros(n, np.int64),
            "misaligned": np.full(n, -1.0, np.float32),
            "carried": np.full(n, -1.0, np.float32),
        }

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._steps.t = 0
        return {"obs": self._steps.now(), **self._rest}, {"agent_rewards": np.zeros(AGENTS, np.float32), **self._info}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._steps.t += 1
        paid = (np.asarray(action) == 0).astype(np.float32)
        info = {"agent_rewards": paid, **self._info}
        return {"obs": self._steps.now(), **self._rest}, float(paid.mean()), False, self._steps.t >= HORIZON, info


class StillAgents(MultiAgentEnv):
    """The same for RLlib's own multi-agent path."""

    def __init__(self, config: Any = None) -> None:
        super().__init__()
        self.agents = self.possible_agents = [f"agent_{i}" for i in range(AGENTS)]
        self.observation_spaces = dict.fromkeys(self.agents, spaces.Box(0.0, 1.0, (SIZE,), np.float32))
        self.action_spaces = dict.fromkeys(self.agents, spaces.Discrete(ACTIONS))
        self._steps = _Steps()
        self._no = {**dict.fromkeys(self.agents, False), "__all__": False}
        self._yes = {**dict.fromkeys(self.agents, True), "__all__": True}

    def _show(self) -> dict[str, np.ndarray]:
        return dict(zip(self.agents, self._steps.now(), strict=True))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self._steps.t = 0
        return self._show(), {}

    def step(self, action_dict: dict[str, int]) -> tuple[Any, Any, Any, Any, Any]:
        self._steps.t += 1
        paid = {agent: float(action == 0) for agent, action in action_dict.items()}
        over = self._yes if self._steps.t >= HORIZON else self._no
        return self._show(), paid, dict(self._no), dict(over), {}
