"""Plays a controller on the same episodes as `rllib evaluate` plays a team, so that the two can be compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from remalis_agents.controllers import CONTROLLERS, make_controller
from remalis_agents.evaluate import Evaluation
from remalis_agents.evaluation import EpisodeResult
from remalis_agents.evaluation import evaluate as play_episodes
from remalis_agents.mixtures import with_world
from remalis_envs import traffic_v0
from remalis_envs.errors import RemalisError

TRAFFIC = "remalis/TrafficTeam-v0"


def names_controller(text: str) -> bool:
    """Whether ``text`` is a controller's name, and no path."""
    return text in CONTROLLERS and not os.path.exists(text)


def evaluate_controller(
    name: str,
    *,
    env: str | None,
    env_config: Mapping[str, Any],
    episodes: int,
    first_seed: int,
    on_begin: Callable[[Evaluation], None],
    on_episode: Callable[[int, dict[str, float]], None],
) -> Evaluation:
    """As :func:`.evaluate.evaluate`, with a controller.

    Raises:
        RemalisError: the environment is not traffic's, cannot be made with these options, or an episode broke off.
    """
    if env not in (None, TRAFFIC):
        raise RemalisError(f"{name} is a controller of traffic lights; it cannot play {env}.")
    options = with_world({"level": "easy", "split": "test"}, env_config)
    result = Evaluation(TRAFFIC, options, [first_seed + i for i in range(episodes)], [])
    on_begin(result)

    def played(one: EpisodeResult) -> None:
        if one.error:
            raise RemalisError(f"The episode of seed {one.seed} broke off: {one.error}")
        result.episodes.append({"team_return": one.mean_return, **one.metrics})
        on_episode(len(result.episodes) - 1, result.episodes[-1])

    play_episodes(make_controller(name), partial(traffic_v0, **options), result.seeds, progress=played)
    return result
