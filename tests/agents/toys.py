"""Small team games for the trainer's tests: they run in microseconds and have known answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import psutil
from gymnasium import spaces
from pettingzoo import ParallelEnv

from remalis_envs.team import TeamEnv

SYMBOLS = 3


class Ring(ParallelEnv):
    """Agents in a ring; each is paid 1 for naming a symbol: its own, or (``neighbour=True``) the next agent's.

    Now and then an agent is offline for a step. With ``mask_first`` action 0 is illegal whenever it is not right.
    """

    metadata = {"name": "ring_v0", "render_modes": []}

    def __init__(self, agents: int = 4, horizon: int = 10, neighbour: bool = False, mask_first: bool = False) -> None:
        self.possible_agents = [f"ring_{i}" for i in range(agents)]
        self.agents: list[str] = []
        self.horizon, self.neighbour, self.mask_first = horizon, neighbour, mask_first
        vector = spaces.Box(0.0, 1.0, (SYMBOLS + 1,), np.float32)
        self._space = spaces.Dict(observation=vector, action_mask=spaces.Box(0, 1, (SYMBOLS,), np.int8))
        self._actions = spaces.Discrete(SYMBOLS)
        self._rng = np.random.default_rng(0)
        self.illegal = 0

    def observation_space(self, agent: str) -> spaces.Space:
        return self._space

    def action_space(self, agent: str) -> spaces.Space:
        return self._actions

    def adjacency(self) -> np.ndarray:
        n = len(self.possible_agents)
        return np.roll(np.eye(n, dtype=bool), 1, axis=1) | np.roll(np.eye(n, dtype=bool), -1, axis=1)

    def _draw(self) -> tuple[dict[str, Any], dict[str, Any]]:
        n = len(self.possible_agents)
        self.symbols = self._rng.integers(SYMBOLS, size=n)
        self.answers = np.roll(self.symbols, -1) if self.neighbour else self.symbols
        self.online = self._rng.random(n) > 0.1
        observations, infos = {}, {}
        for i, agent in enumerate(self.possible_agents):
            vector = np.zeros(SYMBOLS + 1, np.float32)
            vector[self.symbols[i]] = 1.0
            vector[-1] = self.t / self.horizon
            mask = np.ones(SYMBOLS, np.int8)
            if self.mask_first and self.answers[i] != 0:
                mask[0] = 0
            observations[agent] = {"observation": vector, "action_mask": mask}
            infos[agent] = {"online": bool(self.online[i]), "subgoal": int(self.symbols[i]), "concept": 0}
        self._masks = {agent: o["action_mask"] for agent, o in observations.items()}
        return observations, infos

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.t, self.right, self.illegal = 0, 0.0, 0
        self.agents = list(self.possible_agents)
        return self._draw()

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        self.illegal += sum(not self._masks[a][actions[a]] for a in self.agents)
        paid = np.array([actions[a] == answer for a, answer in zip(self.agents, self.answers, strict=True)], np.float32)
        self.t += 1
        self.right += float(paid.mean())
        agents = self.agents
        rewards = dict(zip(agents, paid.tolist(), strict=True))
        over = self.t >= self.horizon
        observations, infos = self._draw()
        if over:
            self.agents = []
        return observations, rewards, dict.fromkeys(agents, False), dict.fromkeys(agents, over), infos

    def metrics(self) -> dict[str, float]:
        return {"right_share": self.right / self.t, "illegal_count": float(self.illegal)}


class Chain(ParallelEnv):
    """Two agents with nothing to decide; ``quitter`` terminates at step 2, or everybody is cut off at ``horizon``."""

    metadata = {"name": "chain_v0", "render_modes": []}

    def __init__(self, horizon: int = 4, quitter: bool = True, all_terminate: bool = False) -> None:
        self.possible_agents = ["stayer", "quitter"]
        self.agents: list[str] = []
        self.horizon, self.quitter, self.all_terminate = horizon, quitter, all_terminate
        self._space, self._actions = spaces.Box(1.0, 2.0, (2,), np.float32), spaces.Discrete(2)

    def observation_space(self, agent: str) -> spaces.Space:
        return self._space

    def action_space(self, agent: str) -> spaces.Space:
        return self._actions

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.t, self.agents = 0, list(self.possible_agents)
        return {a: np.ones(2, np.float32) for a in self.agents}, {a: {} for a in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        self.t += 1
        agents, over = self.agents, self.t >= self.horizon
        leaves = self.quitter and self.t == 2
        quits = {a: (self.all_terminate and over) or (leaves and a == "quitter") for a in agents}
        truncations = {a: over and not quits[a] for a in agents}
        self.agents = [a for a in agents if not quits[a] and not truncations[a]]
        observations = {a: np.ones(2, np.float32) for a in agents}
        return observations, dict.fromkeys(agents, float(self.t)), quits, truncations, {a: {} for a in agents}


def ring_team(max_agents: int | None = None, **options: Any) -> TeamEnv:
    return TeamEnv(Ring(**options), max_agents)


if "remalis-test/RingTeam-v0" not in gymnasium.registry:
    gymnasium.register("remalis-test/RingTeam-v0", entry_point=ring_team)


class Breaking(Ring):
    """Breaks in its third episode."""

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        self.episodes = getattr(self, "episodes", 0) + 1
        if self.episodes == 3:
            raise RuntimeError("the toy broke")
        return super().reset(seed, options)


class Hanging(Ring):
    """Hangs when it is made, beside a process that it has started; ``told`` is a file for the numbers of them all."""

    def __init__(self, told: str) -> None:
        super().__init__()
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
        numbers = [psutil.Process().pid, *(one.pid for one in psutil.Process().children(recursive=True))]
        assert helper.pid in numbers
        Path(told).write_text(json.dumps(numbers), encoding="utf-8")
        time.sleep(3600)
