"""Who plays without having learned: controllers of traffic lights and scripted teams of the web, by environment."""

from __future__ import annotations

from typing import Any

from remalis_agents.controllers import CONTROLLERS, make_controller
from remalis_envs.errors import unknown
from remalis_envs.registration import WITH_SPLITS

TRAFFIC, WEB = WITH_SPLITS


def player_names(env: str) -> tuple[str, ...]:
    """Players of an environment, by its name; one that is not of the suite may be traffic of one's own."""
    if env != WEB:
        return tuple(CONTROLLERS)
    from remalis_envs.web.policies import POLICIES

    return tuple(POLICIES)


def home_of(player: str) -> str | None:
    """The environment that a player is meant where none is named; None where there is no such player."""
    return next((env for env in WITH_SPLITS if player in player_names(env)), None)


def make_player(name: str, env: str) -> Any:
    """A controller of traffic lights, or a team of the web.

    Args:
        name: one of :func:`player_names`.
        env: name of the environment's team view, such as ``remalis/WebTeam-v0``.

    Raises:
        UnknownNameError: the environment has no such player.
    """
    known = player_names(env)
    if name not in known:
        raise unknown("team of the web" if env == WEB else "controller", name, known)
    if env == WEB:
        from remalis_envs.web.policies import make_policy

        return make_policy(name)
    return make_controller(name)
