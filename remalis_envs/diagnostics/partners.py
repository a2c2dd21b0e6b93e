"""Partners: a coordination game that only agents who talk can win.

Each agent sees a symbol and is paid for naming its partner's, which it cannot see.

| | |
|---|---|
| agents | ``partner_0`` .. ``partner_{N-1}``; the partners of an episode are drawn by its seed |
| observation | ``Dict(observation=Box(0, 1, (symbols + 1,)), action_mask=Box(0, 1, (symbols,), int8))``: the own \
symbol as one-hot, and the share of the episode that is over |
| action | ``Discrete(symbols)``: the symbol that is named |
| reward | 1 for naming the partner's symbol, else 0 |
| adjacency | each agent hears its partner alone |
| end | truncated after ``horizon`` steps |
| infos | ``subgoal``: the symbol that the agent named; ``concept``: the one that it saw; ``misaligned``: 0 where it \
was right, else 1 |

Symbols are drawn anew at each step, independently, so a silent team is right once in ``symbols``, whatever it learns,
and one that passes the symbol on is always right. ``metrics()`` gives ``right_share``.

Version history:

* v0: first version.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from remalis_envs.errors import NoEpisodeError, TeamError

Observation = dict[str, NDArray[Any]]


class Partners(ParallelEnv[str, Observation, int]):
    """See the module's docstring.

    Args:
        agents: N, an even number.
        symbols: how many there are.
        horizon: steps of an episode.

    Raises:
        TeamError: agents that cannot be paired, fewer than two symbols, or no step.
    """

    metadata = {"name": "partners_v0", "render_modes": []}

    def __init__(self, agents: int = 4, symbols: int = 3, horizon: int = 20) -> None:
        if agents < 2 or agents % 2 or symbols < 2 or horizon < 1:
            raise TeamError(
                "Partners needs an even number of agents, two symbols or more and a step or more, but got "
                f"agents={agents}, symbols={symbols}, horizon={horizon}."
            )
        self.possible_agents = [f"partner_{i}" for i in range(agents)]
        self.agents: list[str] = []
        self.symbol_count, self.horizon = symbols, horizon
        self.subgoals = tuple(f"name symbol {k}" for k in range(symbols))
        self.concepts = tuple(f"symbol {k}" for k in range(symbols))
        self.render_mode = None
        vector = spaces.Box(0.0, 1.0, (symbols + 1,), np.float32)
        mask = spaces.Box(0, 1, (symbols,), np.int8)
        self._observation_space = spaces.Dict(observation=vector, action_mask=mask)
        self._action_space: spaces.Discrete = spaces.Discrete(symbols)
        self._rng = np.random.default_rng()

    def observation_space(self, agent: str) -> spaces.Dict:
        return self._observation_space

    def action_space(self, agent: str) -> spaces.Discrete:
        return self._action_space

    def adjacency(self) -> NDArray[np.bool_]:
        """Who hears whom, bool ``(N, N)``: each its partner."""
        n = len(self.possible_agents)
        links = np.zeros((n, n), bool)
        links[np.arange(n), self._partner] = True
        return links

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        n = len(self.possible_agents)
        order = self._rng.permutation(n)
        self._partner = np.empty(n, np.int64)
        self._partner[order[::2]], self._partner[order[1::2]] = order[1::2], order[::2]
        self.agents = list(self.possible_agents)
        self._step, self._right = 0, 0
        return self._observe(), {agent: {} for agent in self.agents}

    def step(self, actions: dict[str, int]) -> tuple[Any, Any, Any, Any, Any]:
        if not self.agents:
            raise NoEpisodeError("step() needs a running episode: call reset() first, and again after each end.")
        right = {
            agent: float(actions[agent] == self._symbols[self._partner[i]])
            for i, agent in enumerate(self.possible_agents)
        }
        infos = {
            agent: {"subgoal": int(actions[agent]), "concept": int(seen), "misaligned": 1.0 - right[agent]}
            for agent, seen in zip(self.possible_agents, self._symbols, strict=True)
        }
        self._step += 1
        self._right += int(sum(right.values()))
        over = self._step >= self.horizon
        observations, agents = self._observe(), self.agents
        if over:
            self.agents = []
        ends = dict.fromkeys(agents, False), dict.fromkeys(agents, over)
        return observations, right, *ends, infos

    def metrics(self) -> dict[str, float]:
        """``right_share``: named symbols that were right, over all so far."""
        return {"right_share": self._right / max(self._step * len(self.possible_agents), 1)}

    def render(self) -> None:
        """There is nothing to see."""

    def _observe(self) -> dict[str, Observation]:
        n, count = len(self.possible_agents), self.symbol_count
        self._symbols = self._rng.integers(count, size=n)
        vectors = np.zeros((n, count + 1), np.float32)
        vectors[np.arange(n), self._symbols] = 1.0
        vectors[:, -1] = self._step / self.horizon
        return {
            agent: {"observation": vectors[i], "action_mask": np.ones(count, np.int8)}
            for i, agent in enumerate(self.possible_agents)
        }


def partners_v0(agents: int = 4, symbols: int = 3, horizon: int = 20) -> Partners:
    """The game with ``agents`` agents, ``symbols`` symbols and ``horizon`` steps; see :class:`Partners`."""
    return Partners(agents, symbols, horizon)
