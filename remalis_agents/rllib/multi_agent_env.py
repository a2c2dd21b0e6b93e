"""The suite's environments for RLlib's own multi-agent algorithms: a ``ParallelEnv`` as a ``MultiAgentEnv``.

The trainer of this package does not use it (a team that talks must stay together, see
:mod:`remalis_envs.team`); it is for people who bring an algorithm of RLlib's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium import spaces
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.env.multi_agent_env import MultiAgentEnv

_ALL = "__all__"


class ParallelMultiAgentEnv(MultiAgentEnv):  # type: ignore[misc]
    """Any PettingZoo parallel environment, as RLlib's multi-agent algorithms take it.

    Agents stand in the order of ``possible_agents`` and have the spaces of all who may ever appear; ``agents`` are
    those of the running episode, at each step anew. An agent that terminates and is cut off in the same step has
    terminated. The episode is over when nobody is left: ``__all__`` is then a termination if every agent of the last
    step terminated, else a truncation. Nothing is written into what the environment returns.

    RLlib 2.60 records a team that is cut off by time as one that terminated, so use :class:`KeepTruncation` with it::

        PPOConfig().environment("remalis/TrafficMultiAgent-v0").callbacks(KeepTruncation)

    Args:
        parallel_env: the environment; it is neither reset nor stepped here.
        seed_offset: added to the seeds of ``reset``: RLlib's runners play the same episodes otherwise.
    """

    def __init__(self, parallel_env: Any, seed_offset: int = 0) -> None:
        self.parallel_env, self._seed_offset = parallel_env, seed_offset
        self.possible_agents = list(parallel_env.possible_agents)
        self.agents = list(self.possible_agents)
        super().__init__()
        self.observation_spaces = {a: parallel_env.observation_space(a) for a in self.possible_agents}
        self.action_spaces = {a: parallel_env.action_space(a) for a in self.possible_agents}
        self.observation_space = spaces.Dict(self.observation_spaces)
        self.action_space = spaces.Dict(self.action_spaces)
        self.render_mode = getattr(parallel_env, "render_mode", None)
        self.metadata = dict(getattr(parallel_env, "metadata", {}))
        self.ended: dict[str, str] = {}
        """How each agent of this episode that is gone ended: ``"terminated"`` or ``"truncated"``."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        moved = None if seed is None else seed + self._seed_offset
        observations, infos = self.parallel_env.reset(seed=moved, options=options)
        self.agents, self.ended = self._in_order(self.parallel_env.agents), {}
        return self._ordered(observations), self._ordered({a: infos.get(a, {}) for a in observations})

    def step(
        self, action_dict: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        acting = self.agents
        result = self.parallel_env.step({a: action_dict[a] for a in acting if a in action_dict})
        observations, rewards, terminations, truncations, infos = result
        terminated = {a: bool(terminations.get(a, False)) for a in acting}
        truncated = {a: bool(truncations.get(a, False)) and not terminated[a] for a in acting}
        self.ended |= {a: "terminated" for a in acting if terminated[a]}
        self.ended |= {a: "truncated" for a in acting if truncated[a]}
        self.agents = self._in_order(self.parallel_env.agents)
        over = not self.agents
        everyone = all(terminated.values())
        seen = self._ordered({a: o for a, o in observations.items() if a in acting or a in self.agents})
        return (
            seen,
            {a: float(rewards.get(a, 0.0)) for a in acting},
            {**terminated, _ALL: over and everyone},
            {**truncated, _ALL: over and not everyone},
            {a: dict(infos.get(a, {})) for a in seen},
        )

    def render(self) -> Any:
        return self.parallel_env.render()

    def close(self) -> None:
        self.parallel_env.close()

    def _in_order(self, agents: Any) -> list[str]:
        there = set(agents)
        return [agent for agent in self.possible_agents if agent in there]

    def _ordered(self, by_agent: Mapping[str, Any]) -> dict[str, Any]:
        return {agent: by_agent[agent] for agent in self.possible_agents if agent in by_agent}


class KeepTruncation(RLlibCallback):
    """Puts right how a multi-agent episode ended, before it is learnt from.

    RLlib 2.60 (``MultiAgentEpisode.add_env_step``) marks all agents as terminated once each has ended in either way, so
    that nothing is bootstrapped at a time limit, and spreads a truncation to those that terminated in the same step.
    """

    def on_episode_end(self, *, episode: Any, env: Any = None, env_index: int = 0, **kwargs: Any) -> None:
        envs = getattr(env, "envs", [])
        played = envs[env_index].unwrapped if env_index < len(envs) else None
        ended = played.ended if isinstance(played, ParallelMultiAgentEnv) else {}
        for agent, own in episode.agent_episodes.items():
            if agent in ended:
                own.is_terminated = ended[agent] == "terminated"
                own.is_truncated = not own.is_terminated
            elif own.is_truncated:
                own.is_terminated = False
        episode.is_terminated = all(own.is_terminated for own in episode.agent_episodes.values())
        episode.is_truncated = not episode.is_terminated


def make_multi_agent_env(config: Mapping[str, Any]) -> ParallelMultiAgentEnv:
    """``traffic_v0`` for RLlib's multi-agent algorithms, under ``"remalis/TrafficMultiAgent-v0"``.

    Args:
        config: keyword arguments of ``traffic_v0``; Ray's ``EnvContext`` is understood.
    """
    from remalis_agents.registration import RUNNER_STRIDE
    from remalis_envs.traffic import traffic_v0

    runner = int(getattr(config, "worker_index", 0) or 0)
    return ParallelMultiAgentEnv(traffic_v0(**config), runner * RUNNER_STRIDE)
