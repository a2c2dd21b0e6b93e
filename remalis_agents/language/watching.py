"""The team view with its agents' texts beside their vectors, for networks that read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from remalis_agents.language.options import LanguageModelError

TEXT = "agent_texts"
"""Key of ``env_config`` that the trainer fills in: ``{path, max_tokens}``, the arguments of :class:`.TeamTexts`."""
TOKENS = "tokens"
"""Key of the observation: int32 ``(N, L)``, see :class:`.TeamTexts`."""


class WithTexts(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Adds ``tokens`` to a team's observation.

    Args:
        env: a :class:`remalis_envs.team.TeamEnv`, wrapped or not.
        path: folder of the language model.
        max_tokens: L.

    Raises:
        LanguageModelError: the tokenizer cannot be loaded or does not fit.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], path: str, max_tokens: int) -> None:
        from remalis_agents.language.tokens import TeamTexts

        super().__init__(env)
        inner = env.observation_space
        assert isinstance(inner, spaces.Dict) and isinstance(env.action_space, spaces.MultiDiscrete)
        self._texts = TeamTexts(path, max_tokens, int(env.action_space.nvec[0]))
        agents = len(env.action_space.nvec)
        tokens = spaces.Box(0, self._texts.vocabulary.size, (agents, max_tokens), np.int32)
        self.observation_space = spaces.Dict({**inner.spaces, TOKENS: tokens})

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed, options=options)
        return self._told(observation), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._told(observation, "infra_error" in info), reward, terminated, truncated, info

    def _told(self, observation: Mapping[str, NDArray[Any]], broken: bool = False) -> dict[str, NDArray[Any]]:
        alive = observation["alive"]
        if broken:  # nothing is known of such an episode any more
            alive = np.zeros_like(alive)
        team: Any = self.env.unwrapped  # asked anew: a mixture changes what it plays
        return {**observation, TOKENS: self._texts(team.parallel_env, alive, observation["action_mask"])}


def texts_for(
    text: Mapping[str, Any] | None, action_count: int
) -> Callable[[Any, Mapping[str, NDArray[Any]]], NDArray[np.int32]] | None:
    """What gives a network the tokens of its agents' texts, from their environment and the team's observation.

    Args:
        text: what the network asks for, see :attr:`.TeamNetwork.text`.
        action_count: A.

    Returns:
        None for networks that read no texts.
    """
    if text is None:
        return None
    from remalis_agents.language.tokens import TeamTexts

    texts = TeamTexts(text["path"], text["max_tokens"], action_count)

    def read(env: Any, observation: Mapping[str, NDArray[Any]]) -> NDArray[np.int32]:
        if env is None:
            raise LanguageModelError(
                "This team reads what its environment says of itself: give the environment, with begin(env) or "
                "reset(env, seed), before the team acts."
            )
        view = getattr(env, "unwrapped", env)
        return texts(getattr(view, "parallel_env", view), observation["alive"], observation["action_mask"])

    return read


def with_texts(env: gymnasium.Env[Any, Any], config: Any) -> WithTexts:
    """The wrapper that ``env_config["agent_texts"]`` asks for.

    Raises:
        LanguageModelError: it is no mapping of ``path`` and ``max_tokens``.
    """
    if not isinstance(config, Mapping) or set(config) != {"path", "max_tokens"}:
        raise LanguageModelError(f"agent_texts is a mapping {{path: FOLDER, max_tokens: 512}}, not {config!r}.")
    return WithTexts(env, str(config["path"]), int(config["max_tokens"]))
