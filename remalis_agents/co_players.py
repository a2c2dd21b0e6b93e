"""Co-players: some of a team's agents are played by others, so that a policy learns to play with others than itself.

What a co-player does replaces what the learner chose, and its row does not train: ``info["learning"]`` is 0 there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from remalis_agents.co_player_kinds import CoPlayer, make_co_player
from remalis_envs.errors import RemalisError, unknown

CO_PLAYERS = "co_players"
"""Key of ``env_config``: ``{share, members}``, with ``past_dir`` filled in by the trainer."""
LEARNING = "learning"
"""Key of ``info``: float32 ``(N,)``, 1 where the learner plays."""
_STREAM = 2
"""Keeps the draws of this wrapper apart from those of others that are seeded alike."""


class CoPlayers(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Has agents of a team view played by others.

    At each reset ``share`` of the agents that are there, rounded up or down at random so that the mean is exact, are
    drawn without replacement, and for each a member of the population. What is drawn comes from a generator that
    ``reset(seed=...)`` seeds. Among ``metrics`` stands ``co_player_share``, of the episode.

    Args:
        env: a :class:`remalis_envs.team.TeamEnv`, wrapped or not.
        share: mean share of the agents that others play, from 0 to 1.
        members: who they are: ``"random"`` (any legal action), ``"controller:<name>"``, ``"checkpoint:<path>"`` (or an
            exported team), ``"past:<k>"`` (one of the k latest policies that this training has put aside).
        past_dir: the folder of the past policies.

    Raises:
        RemalisError: a share outside [0, 1], no members, or a member that cannot play these agents.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], share: float, members: Sequence[Any], past_dir: str | Path | None = None
    ) -> None:
        super().__init__(env)
        check_population(share, members)
        self.share = float(share)
        self.members: list[CoPlayer] = [make_co_player(member, past_dir) for member in members]
        for member in self.members:
            member.check(self._team)
        self._rng = np.random.default_rng()
        self.rows: dict[int, int] = {}
        """Which member plays which row in this episode."""
        self._observation: Mapping[str, NDArray[Any]] = {}

    @property
    def _team(self) -> Any:
        return self.env.unwrapped

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self._rng = np.random.default_rng([seed, _STREAM])
        observation, info = self.env.reset(seed=seed, options=options)
        self.rows = self._draw(np.flatnonzero(observation["alive"]))
        for member in set(self.rows.values()):
            self.members[member].begin(self._team, int(self._rng.integers(2**31 - 1)))
        self._observation = observation
        return observation, self._marked(info)

    def _draw(self, there: NDArray[np.int64]) -> dict[int, int]:
        ready = [number for number, member in enumerate(self.members) if member.is_ready()]
        wanted = self.share * len(there)
        count = int(wanted) + int(self._rng.random() < wanted - int(wanted))
        if not ready:
            return {}
        rows = self._rng.permutation(there)[:count]
        return {int(row): ready[int(self._rng.integers(len(ready)))] for row in np.sort(rows)}

    def step(self, action: NDArray[np.int64]) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        played = np.array(action, dtype=np.int64)
        for member in sorted(set(self.rows.values())):
            rows = [row for row, number in self.rows.items() if number == member]
            played[rows] = self.members[member].act(self._observation)[rows]
        observation, reward, terminated, truncated, info = self.env.step(played)
        self._observation = observation
        if "metrics" in info and "infra_error" not in info:
            share = len(self.rows) / max(len(self._team.agents), 1)
            info["metrics"] = {**info["metrics"], "co_player_share": share}
        return observation, reward, terminated, truncated, self._marked(info)

    def _marked(self, info: dict[str, Any]) -> dict[str, Any]:
        learning = np.ones_like(info["online"])
        learning[list(self.rows)] = 0.0
        return {**info, LEARNING: learning}


def check_population(share: Any, members: Any) -> None:
    """Raise for what no population could be drawn from."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise RemalisError(f"The share of co-players is a number from 0 to 1, but it is {share!r}.")
    if not isinstance(members, Sequence) or isinstance(members, str) or not members:
        raise RemalisError(
            f"Co-players need members, a list such as [random, controller:max_pressure], but it is {members!r}."
        )


def with_co_players(env: gymnasium.Env[Any, Any], config: Any) -> CoPlayers:
    """The wrapper that ``env_config["co_players"]`` asks for.

    Raises:
        RemalisError: a key that does not exist, or one that :class:`CoPlayers` does not accept.
    """
    keys = ("share", "members", "past_dir")
    if not isinstance(config, Mapping):
        raise RemalisError(f"co_players must be a mapping such as {{share: 0.3, members: [random]}}, not {config!r}.")
    for key in config:
        if key not in keys:
            raise unknown("key of co_players", key, keys)
    return CoPlayers(env, config.get("share", 0.0), config.get("members"), config.get("past_dir"))  # type: ignore[arg-type]
