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


def make_partners_team(*, max_agents: int | None = None, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """The team view of ``partners_v0``."""
    from remalis_envs.diagnostics import partners_v0
    from remalis_envs.team import TeamEnv

    return TeamEnv(partners_v0(**kwargs), max_agents=max_agents)


def make_web_team(*, max_agents: int | None = None, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """The team view of ``web_v0``."""
    from remalis_envs.team import TeamEnv
    from remalis_envs.web import web_v0

    return TeamEnv(web_v0(**kwargs), max_agents=max_agents)


TEAMS = {
    "remalis/TrafficTeam-v0": make_traffic_team,
    "remalis/WebTeam-v0": make_web_team,
    "remalis/PartnersTeam-v0": make_partners_team,
}
PARALLEL = {
    "remalis/traffic-v0": "remalis_envs.traffic:traffic_v0",
    "remalis/web-v0": "remalis_envs.web:web_v0",
    "remalis/partners-v0": "remalis_envs.diagnostics:partners_v0",
}

WITH_SPLITS = ("remalis/TrafficTeam-v0", "remalis/WebTeam-v0")
"""Team views that keep worlds apart for training and test, and take ``split``."""


def register_all() -> None:
    """Make every environment known by name."""
    for name, make in TEAMS.items():
        if name not in gymnasium.registry:
            # The environments truncate by themselves, and Gymnasium's order wrapper would hide the team's own errors.
            entry_point = f"{make.__module__}:{make.__name__}"
            gymnasium.register(name, entry_point=entry_point, order_enforce=False, disable_env_checker=True)
    for name, entry_point in PARALLEL.items():
        if name not in pettingzoo.parallel_registry:
            pettingzoo.register("parallel", name, entry_point=entry_point)
