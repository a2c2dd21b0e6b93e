"""Registration with PettingZoo and Gymnasium; safe to repeat, since Ray's workers import the package again."""

from __future__ import annotations

from typing import Any

import gymnasium
import pettingzoo


def make_traffic_team(*, max_agents: int | None = None, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """The team view of ``traffic_v0``; see :class:`remalis_envs.team.TeamEnv`."""
    from remalis_envs.team import TeamEnv
    from remalis_envs.traffic import traffic_v0

    return TeamEnv(traffic_v0(**kwargs), max_agents=max_agents)


def register_all() -> None:
    """Make every environment known by name."""
    if "remalis/TrafficTeam-v0" not in gymnasium.registry:
        # The environment truncates by itself, and Gymnasium's order wrapper would hide the team's own errors.
        gymnasium.register(
            "remalis/TrafficTeam-v0",
            entry_point="remalis_envs.registration:make_traffic_team",
            order_enforce=False,
            disable_env_checker=True,
        )
    if "remalis/traffic-v0" not in pettingzoo.parallel_registry:
        pettingzoo.register("parallel", "remalis/traffic-v0", entry_point="remalis_envs.traffic:traffic_v0")
