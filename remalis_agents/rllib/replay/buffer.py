"""A ring of whole team steps, each observation stored once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ray.rllib.core.columns import Columns

from remalis_agents.rllib.gae import AGENT_REWARDS, AGENT_TERMINATIONS, AGENT_WEIGHTS, CONCEPTS, SUBGOALS
from remalis_agents.rllib.payment import paid
from remalis_agents.rllib.team_module import DRAWN

AGENT_DISCOUNTS = "agent_discounts"
"""What the value of the next step counts to each agent: 0 where its own episode ended."""

_OBSERVATION = "observation/"
_FROM_INFO = (AGENT_REWARDS, AGENT_TERMINATIONS, SUBGOALS, CONCEPTS)

Array = NDArray[Any]


class TeamReplayBuffer:
    """Keeps the last ``capacity`` observations of teams, and the steps between them.

    A row is an observation and, once it is known, what the team did then, what came of it, and the row of the next
    observation. Episodes come in pieces: the last observation of a piece waits for the next piece, and the last one of
    an episode begins no step. Rows are overwritten in the order in which they were written, so the row of a next
    observation outlives the row that points to it.

    Args:
        capacity: rows.
        seed: of what is drawn.
        reward_scope: whose rewards an agent is paid, see :func:`.paid`.
    """

    def __init__(self, capacity: int, seed: int = 0, reward_scope: str = "individual") -> None:
        self.capacity, self.reward_scope = capacity, reward_scope
        self._rng = np.random.default_rng(seed)
        self._columns: dict[str, Array] = {}
        self._next = np.zeros(capacity, np.int64)
        self._complete = np.zeros(capacity, bool)
        self._written = 0
        self._waiting: dict[str, int] = {}
        """Of each episode that goes on, the number of its last row, counted over all that were ever written."""

    def __len__(self) -> int:
        """Complete steps."""
        return int(self._complete.sum())

    def add(self, episodes: Iterable[Any]) -> int:
        """Stores pieces of episodes as RLlib's runners return them.

        Returns:
            How many steps were added.
        """
        added = sum(self._add(episode) for episode in episodes)
        oldest = self._written - self.capacity
        self._waiting = {name: number for name, number in self._waiting.items() if number >= oldest}
        return added

    def _add(self, episode: Any) -> int:
        steps = len(episode)
        if steps == 0:
            return 0
        begun = self._waiting.pop(episode.id_, -1)
        known = begun >= 0 and begun >= self._written + steps - self.capacity
        fresh = np.arange(self._written, self._written + steps + (0 if known else 1))
        numbers = np.concatenate([[begun], fresh]) if known else fresh
        self._written += len(fresh)
        rows = numbers % self.capacity
        self._complete[rows] = False
        observations = _stacked(episode.get_observations(slice(0, steps + 1)))
        for name, values in observations.items():
            self._store(_OBSERVATION + name, rows, values)
        at = rows[:-1]
        for name, values in self._played(episode, observations).items():
            self._store(name, at, values)
        self._next[at] = rows[1:]
        self._complete[at] = True
        if not episode.is_done:
            self._waiting[episode.id_] = int(numbers[-1])
        return steps

    def _played(self, episode: Any, observations: dict[str, Array]) -> dict[str, Array]:
        """What was done at each step and what came of it, each ``[T, N, ...]``."""
        steps = len(episode)
        infos = episode.get_infos(slice(0, steps + 1))
        columns = {name: np.stack([info[name] for info in infos[1:]]) for name in _FROM_INFO}
        alive, adjacency = observations["alive"][:-1], observations["adjacency"][:-1]
        columns[AGENT_REWARDS] = paid(columns[AGENT_REWARDS], alive, adjacency, self.reward_scope)
        columns[Columns.ACTIONS] = np.asarray(episode.get_actions(slice(0, steps))).astype(np.int16)
        # Whether an agent is online is known before it acts: the info that came with its observation.
        columns[AGENT_WEIGHTS] = alive * np.stack([i["online"] * i.get("learning", 1.0) for i in infos[:-1]])
        if episode.is_terminated:  # a team that ended as a whole has no future, whatever its agents' own flags say
            columns[AGENT_TERMINATIONS][-1] = 1.0
        for name in (SUBGOALS, CONCEPTS):
            columns[name] = columns[name].astype(np.int16)
        for name in episode.extra_model_outputs:
            if name.startswith(DRAWN):
                columns[name] = np.asarray(episode.get_extra_model_outputs(name, slice(0, steps)))
        return columns

    def _store(self, name: str, rows: Array, values: Array) -> None:
        if name not in self._columns:
            # Zeros take no memory before they are written, so a buffer that never fills costs what is in it.
            self._columns[name] = np.zeros((self.capacity, *values.shape[1:]), values.dtype)
        self._columns[name][rows] = values

    def sample(self, count: int, gamma: float, n_step: int = 1) -> dict[str, Any]:
        r"""Draws steps uniformly, with returns over ``n_step`` steps, or over fewer where the window is cut.

        .. math:: R = \sum_{k<m} \gamma^k r_k \prod_{l<k} (1 - d_l), \quad
                  \text{discount} = \gamma^m \prod_{k<m} (1 - d_k), \quad m \le n

        A window is cut at the end of what is known, and at the first step at which an agent that acts in the window's
        first step acts no longer though its own episode goes on: it is offline, or time cut it off while its team went
        on. What comes of a step that it did not decide is not its doing, and once it has left its row shows nothing.
        The observation at the cut is the last one that its own action led to, so its value is what stands for the rest,
        as after an end by time. A step has one next observation for the whole team, so the others' windows end there,
        too: their returns are over fewer steps, and as right.

        Args:
            count: B.
            gamma: discount a step.
            n_step: n, the most steps of a window.

        Returns:
            A batch for the learner: observations, next observations, actions, and per agent ``[B, N]`` the return R,
            the discount of what comes next, and the weight.
        """
        rows = self._rng.choice(np.flatnonzero(self._complete), count)
        rewards, ended = self._columns[AGENT_REWARDS], self._columns[AGENT_TERMINATIONS]
        returns = rewards[rows].copy()
        discounts = np.float32(gamma) * (1 - ended[rows])
        last = self._next[rows]
        weights = self._columns[AGENT_WEIGHTS]
        acted = weights[rows] > 0
        for _ in range(n_step - 1):
            stopped = acted & (weights[last] == 0) & (discounts > 0)
            goes_on = self._complete[last] & ~stopped.any(-1)
            more = goes_on[:, None]
            returns += np.where(more, discounts * rewards[last], 0)
            discounts = np.where(more, discounts * np.float32(gamma) * (1 - ended[last]), discounts)
            last = np.where(goes_on, self._next[last], last)
        batch: dict[str, Any] = {Columns.OBS: self._observations(rows), Columns.NEXT_OBS: self._observations(last)}
        for name, values in self._columns.items():
            if not name.startswith(_OBSERVATION) and name != AGENT_TERMINATIONS:
                batch[name] = values[rows]
        return batch | {AGENT_REWARDS: returns, AGENT_DISCOUNTS: discounts}

    def _observations(self, rows: Array) -> dict[str, Array]:
        return {
            name.removeprefix(_OBSERVATION): values[rows]
            for name, values in self._columns.items()
            if name.startswith(_OBSERVATION)
        }

    def save(self, file: Path) -> None:
        """Writes everything but the pieces' unfinished ends, which no later run can go on with."""
        used = min(self._written, self.capacity)
        kept = {f"column/{name}": values[:used] for name, values in self._columns.items()}
        with file.open("wb") as stream:
            np.savez(
                stream, written=self._written, next=self._next[:used], complete=self._complete[:used],
                allow_pickle=False, **kept,
            )  # fmt: skip

    def load(self, file: Path) -> None:
        """Takes over what :meth:`save` wrote for a buffer of the same capacity."""
        with np.load(file, allow_pickle=False) as stored:
            self._written = int(stored["written"])
            used = min(self._written, self.capacity)
            self._next[:used], self._complete[:used] = stored["next"], stored["complete"]
            for name in stored.files:
                if name.startswith("column/"):
                    values = stored[name]
                    self._columns[name.removeprefix("column/")] = np.zeros(
                        (self.capacity, *values.shape[1:]), values.dtype
                    )
                    self._columns[name.removeprefix("column/")][:used] = values


def _stacked(observations: Any) -> dict[str, Array]:
    """Observations of a sequence as one mapping of arrays, whether RLlib has stacked them or not."""
    if isinstance(observations, list):
        return {name: np.stack([one[name] for one in observations]) for name in observations[0]}
    return {name: np.asarray(values) for name, values in observations.items()}
